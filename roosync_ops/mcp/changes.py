"""`roosync_plan_change` and `roosync_apply_change`: what the command line does, in two steps.

The plan is the command's own dry run, the change the command itself, each in a process of its own: what is done is what
a person would have typed, and pyinfra's event loop meets no other.
"""

import hashlib
import json
import threading
import time
from typing import Any, Final

from roosync_ops import process, typed
from roosync_ops.errors import INTERNAL, CommandError
from roosync_ops.transport.link import MAX_ANSWER, TOO_MUCH
from roosync_ops.wire.times import now_ms, to_iso

from .arguments import ApplyChange, PlanChange
from .desk import LIFE_S, ServerContext, ServerSettings, ToolAnswer

FIX: Final = "fix"
#: What a dry run calls a step, or a machine, that it would change.
_PLANNED: Final = "planned"
#: How long a dry run, and a change, may take in all, in s.
PLAN_S: Final = 180.0
APPLY_S: Final = 900.0
#: How long a change waits for the shared state to show it, in s: two beats and the file-sync product.
_WAIT_S: Final = 90
#: One change at a time: two rollouts to one machine would undo each other's steps.
_CHANGING: Final = threading.Lock()


def plan_change(desk: ServerContext, arguments: PlanChange) -> ToolAnswer:
    """Raises CommandError, whatever the dry run failed of."""
    words = [*_words(arguments.action), "--dry", "--", *(arguments.machines or [])]
    document = _command(desk.settings, words, PLAN_S)
    machines = tuple(row["machineId"] for row in document["machines"])  # so that the same are looked at again
    token = None
    if document.get("fixes") or any(row.get("outcome") == _PLANNED for row in document["machines"]):
        mark = _fingerprint(desk, arguments.action, document)
        token = desk.plans.make(arguments.action, machines, mark)
    return ToolAnswer(
        {
            "success": True,
            "action": arguments.action,
            "machines": list(machines),
            "token": token,
            "expiresAt": None if token is None else to_iso(now_ms() + round(LIFE_S * 1000)),
            "plan": document,
        },
        () if token else ("There is nothing to do, or nothing that could be done: no token was made.",),
    )


def apply_change(desk: ServerContext, arguments: ApplyChange) -> ToolAnswer:
    """Raises CommandError where the token is none, or what the plan rests on is not so any more."""
    plan = desk.plans.redeem(arguments.token)
    if not _CHANGING.acquire(blocking=False):
        raise CommandError("BUSY", "another change of this server is under way", "wait for it, then plan again")
    try:
        settings, names = desk.settings, list(plan.machines)
        seen = _command(settings, [*_words(plan.action), "--dry", "--", *names], PLAN_S)
        if _fingerprint(desk, plan.action, seen) != plan.fingerprint:
            said = "the inventory, or what is seen of the machines, is not what it was when this was planned"
            raise CommandError("PLAN_CHANGED", f"{said}; nothing was done", "call roosync_plan_change again")
        words = [] if plan.action == FIX else ["--wait", str(_WAIT_S)]
        words += [] if plan.action in (FIX, "rollout") else ["--yes"]
        document = _command(settings, [*_words(plan.action), *words, "--", *names], APPLY_S)
    finally:
        _CHANGING.release()
    done = {"success": document.get("ok") is True, "action": plan.action, "machines": names, "result": document}
    return ToolAnswer(done)


def _words(action: str) -> list[str]:
    return ["diagnose", "--fix"] if action == FIX else [action]


def _fingerprint(desk: ServerContext, action: str, document: dict[str, Any]) -> str:
    """Return what stays the same while nothing that matters changes: no time, no age, no sentence is in it."""
    if action == FIX:
        rows = [[row["machineId"], row["cause"], row["observed"]] for row in document["machines"]]
        seen: list[Any] = [rows, [[fix["fix"], fix["machineId"], fix["files"]] for fix in document["fixes"]]]
    else:
        seen = [[row["machineId"], row["outcome"], row["steps"], row["code"]] for row in document["machines"]]
    fleet = [machine.model_dump(mode="json") for machine in desk.fleet()]
    return hashlib.sha256(json.dumps([action, fleet, seen], sort_keys=True).encode()).hexdigest()


def _command(settings: ServerSettings, words: list[str], limit_s: float) -> dict[str, Any]:
    """Run one command of ours, and return its document. Raises CommandError with its own failure."""
    line = [*process.ours(*words[:1]), "--json", "--inventory", str(settings.inventory)]
    line += [] if settings.shared is None else ["--shared", settings.shared]
    line += [] if settings.via is None or words[0] == "diagnose" else ["--via", settings.via]
    # In a session of its own: an assistant that is closed meanwhile leaves no machine half changed.
    until, environment = time.monotonic() + limit_s, process.our_environment()
    line += words[1:]
    done = process.run(line, until=until, max_out=MAX_ANSWER, environment=environment, windows="CREATE_NO_WINDOW")
    if done.code is None:
        ended = f"said more than {MAX_ANSWER >> 20} MiB" if done.too_much else f"did not end within {limit_s:g} s"
        code = TOO_MUCH if done.too_much else "TIMEOUT"
        raise CommandError(code, f"roosync-ops {words[0]} {ended}", typed.ours(*words))
    try:
        document = dict(json.loads(done.out))
    except (TypeError, ValueError, RecursionError):
        tail = done.err.decode("utf-8", "replace").strip()[-400:]
        raise CommandError("INTERNAL", f"roosync-ops {words[0]}: {tail}", None, INTERNAL) from None
    if "machines" not in document:
        error = document["error"]
        raise CommandError(error["code"], error["message"], error["hint"], done.code)
    return document
