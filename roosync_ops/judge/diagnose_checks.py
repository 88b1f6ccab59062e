"""The checks on the way to a machine and on it, in order: the network, who it is, the agent, its share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from roosync_ops import typed
from roosync_ops.wire.identity import InvalidMachineIdError, machine_id_of

from . import diagnose_model as m
from .diagnose_model import NOT_OK, OK, UNKNOWN, Check

if TYPE_CHECKING:
    from .diagnose_case import MachineCase
    from .diagnose_model import Agent, Sight

#: What a connector says of a login that failed, to the check that it fails and the cause it is.
_CONNECT: Final = {
    "UNKNOWN_HOST": ("resolves", "name-not-resolved"),
    "HOST_KEY": ("host key", "host-key-unknown"),
    "HOST_KEY_CHANGED": ("host key", "host-key-changed"),
    "LOGIN_REFUSED": ("login", "login-refused"),
    "SILENT": ("host key", "ssh-silent"),
    "CLOSED": ("host key", "ssh-silent"),
    "INVENTORY": ("login", "inventory-wrong"),
}
_ASKED: Final = {
    "WRONG_SYSTEM": ("login", "wrong-system"),
    "NO_PYTHON": ("python", "no-python"),
    "TIMEOUT": ("python", "no-answer-in-time"),
}
_ANSWERS: Final = {m.REFUSED: "nobody-listens", m.NO_ROUTE: "network-unreachable", m.SILENT: "machine-off"}
_ON_THE_WAY: Final = ("resolves", "answers", "host key", "login", "python")
#: What keeps an agent from using the share, in the words of those who looked, to a cause.
_SHARE: Final = {
    "NO_SHARED_PATH": "no-shared-path",
    "NO_LOGON_SESSION": "no-logon-session",
    "DRIVE_NOT_MOUNTED": "drive-not-mounted",
    "SHARE_HUNG": "share-hung",
    "SHARE_MISSING": "share-missing",
    "SHARE_NOT_A_FOLDER": "share-not-a-folder",
    "SHARE_READ_ONLY": "share-read-only",
    "SHARE_REFUSED": "share-refused",
    "SHARE_FULL": "share-full",
    "TASK_DISABLED": "permanence-disabled",
    "AGENT_CRASHED": "agent-broken",
    "hung": "share-hung",
    "missing": "share-missing",
    "read-only": "share-read-only",
    "full": "share-full",
    "refused": "share-refused",
}
#: The share is there, and nobody can write to it.
_NOT_WRITABLE: Final = ("share-read-only", "share-refused", "share-full")
#: A loop that came up so long ago has beaten, or never will, in ms.
_FIRST_BEAT_MS: Final = 60_000


def trouble(case: MachineCase) -> tuple[str, str] | None:
    """Return (the check that fails, the cause) where the machine was not reached or did not answer, else None."""
    sight = case.sight
    if sight.trouble is None:
        return None
    step, code, _, _ = sight.trouble
    if step != "connect":
        return _ASKED.get(code, ("python", "ask-failed"))
    if code in _CONNECT:
        check, cause = _CONNECT[code]
        on_the_way = check == "host key" and sight.answers is None  # a jump host's
        return "answers" if on_the_way else check, cause
    if sight.resolving is not None:
        return "resolves", "name-not-resolved"
    if sight.answers in _ANSWERS:
        return "answers", _ANSWERS[sight.answers]
    return "login", "not-reached"


def way(case: MachineCase) -> list[Check]:
    """Return the checks from the name to a Python that answers, up to the one that fails; the rest is unknown."""
    failed = trouble(case)
    checks = []
    for at, name in enumerate(_ON_THE_WAY):
        if failed is None or at < _ON_THE_WAY.index(failed[0]):
            checks.append(Check(name, UNKNOWN) if _was_not_met(case, failed, name) else _passed(case, name))
        elif name == failed[0]:
            step, code, reason, hint = case.sight.trouble or ("", "", "", "")
            said = (name == "resolves" and case.sight.resolving) or reason.removeprefix("unreachable: ")
            facts = {"said": said, "code": code, "step": step, "hint": hint, **_reach_facts(case)}
            checks.append(Check(name, NOT_OK, "{said}", failed[1], facts))
        else:
            checks.append(Check(name, UNKNOWN))
    return checks


def _was_not_met(case: MachineCase, failed: tuple[str, str] | None, name: str) -> bool:
    """Where nothing tells how far the way went, only what was seen beside it counts."""
    if failed is None or failed[1] != "not-reached":
        return False
    return not {"resolves": bool(case.sight.addresses), "answers": case.sight.answers == m.OPEN}.get(name, False)


def _passed(case: MachineCase, name: str) -> Check:
    sight = case.sight
    if name == "resolves":
        facts = {"host": sight.host, "addresses": ", ".join(sight.addresses or ())}
        return Check(name, OK, "{host}: {addresses}" if sight.addresses else "{host}", None, facts)
    if name == "answers":
        return Check(name, OK, "port {port}", None, {"port": sight.port})
    if name == "host key":
        return Check(name, OK)
    said = sight.user if name == "login" else sight.python
    return Check(name, OK, "{said}" if said else "", None, {"said": said})


def _reach_facts(case: MachineCase) -> dict[str, Any]:
    return {"resolving": case.sight.resolving, "answers": case.sight.answers}


def identity(case: MachineCase) -> Check:
    """The name in the inventory must be the machine's own, and its agent must go by it."""
    sight, name = case.sight, case.machine_id
    if sight.hostname is None:
        return Check("identity", UNKNOWN)
    try:
        own = machine_id_of(sight.hostname)
    except InvalidMachineIdError:
        facts = {"answers_as": sight.hostname}
        return Check("identity", NOT_OK, "it calls itself {answers_as}", "no-machine-id", facts)
    agent_name = sight.agent.machine_id if sight.agent is not None else None
    calls = own if own != name else agent_name if agent_name not in (None, name) else None
    if calls is None:
        return Check("identity", OK, "{answers_as}", None, {"answers_as": own})
    also = case.scene.sights.get(calls)
    cause = "same-name-twice" if own != name and also is not None and also.hostname is not None else "wrong-name"
    seen = "it calls itself {answers_as}" if own != name else "its agent beats as {answers_as}"
    return Check("identity", NOT_OK, seen, cause, {"answers_as": calls})


def agent(case: MachineCase) -> Check:
    """The agent is there, can be run, and is the build that this computer would put there."""
    sight = case.sight
    if not sight.reported or sight.has_agent is None:
        return Check("agent", UNKNOWN)
    if not sight.has_agent:
        facts = {"age": case.age_ms}
        return Check(
            "agent", NOT_OK, "there is none", "old-service-only" if case.is_kept_by_older else "not-enrolled", facts
        )
    if case.agent is None:
        return _broken(case)
    return _build(sight, case.agent)


def _broken(case: MachineCase) -> Check:
    found = case.sight.agent
    said = "-" if found is None else f"{found.code}: {found.message}"
    facts = {"said": said, "answers_as": case.sight.hostname}
    if found is not None and found.code == "HEARTBEAT_MISSING_MACHINE_ID":
        return Check("agent", NOT_OK, "{said}", "no-machine-id", facts)
    # without a share to name, no verb of it can answer
    cause = None if (case.sight.share or ("",))[0] == "NO_SHARED_PATH" else "agent-broken"
    return Check("agent", NOT_OK, "{said}", cause, facts)


def _build(sight: Sight, found: Agent) -> Check:
    facts = {"version": found.version or "?"}
    if sight.agent_is_current is False:
        return Check("agent", NOT_OK, "{version}, another build", "agent-outdated", facts)
    if found.running and found.loop_is_current is False:
        return Check("agent", NOT_OK, "{version}, and the loop that runs is another build", "loop-outdated", facts)
    if sight.config_is_current is False:
        return Check("agent", NOT_OK, "{version}, and config.json is not the inventory's", "config-differs", facts)
    return Check("agent", OK, "{version}", None, facts)


def permanence(case: MachineCase) -> Check:
    """Something brings the agent back after a crash, a logout or a boot."""
    found = case.agent
    if found is None:
        return Check("permanence", UNKNOWN)
    if not found.installed:
        return Check("permanence", NOT_OK, "not installed", "not-permanent" if found.running else None)
    facts = {"kind": found.permanence}
    if not found.enabled:
        return Check("permanence", NOT_OK, "{kind}, disabled", None if case.left else "permanence-disabled", facts)
    bound = found.permanence == "task"
    return Check("permanence", OK, "{kind}, back once its user has logged on" if bound else "{kind}", None, facts)


def loop(case: MachineCase) -> Check:
    """The loop runs. A share that nobody can use is told first: no loop would start with it."""
    found = case.agent
    if found is None:
        return Check("loop", UNKNOWN)
    if found.running:
        return Check("loop", OK, "since {since}", None, {"since": found.started_ms})
    if share_cause(case) is not None:
        return Check("loop", NOT_OK, "not running")
    if case.left:
        return Check(
            "loop", NOT_OK, "stopped on purpose", "stopped-on-purpose", {"since": case.left_at_ms, **case.undone}
        )
    if not found.installed and (found.sequence or 0) <= 1:
        return Check("loop", NOT_OK, "never started", "never-started")
    return Check("loop", NOT_OK, "not running", "agent-dead", {"since": found.beat_ms})


def beat(case: MachineCase) -> Check:
    """The last beat it wrote is recent, by its own clock, and was read back."""
    found = case.agent
    if found is None:
        return Check("beat", UNKNOWN)
    age = beat_age_ms(case)
    if age is None:
        return Check("beat", NOT_OK if found.running and not is_new(case) else UNKNOWN, "none yet")
    facts = {"age": max(0, age), "sequence": found.sequence}
    if not found.read_back:
        return Check("beat", NOT_OK, "{age} ago, and it was not read back", "beat-not-written", facts)
    seen = "{age} ago" if found.sequence is None else "{age} ago, number {sequence}"
    return Check("beat", OK if age <= found.timeout_ms else NOT_OK, seen, None, facts)


def beat_age_ms(case: MachineCase) -> int | None:
    """Return how old the last beat was when the machine was asked; both by its own clock."""
    found = case.agent
    if found is None or found.beat_ms is None or found.now_ms is None:
        return None
    return found.now_ms - found.beat_ms


def is_new(case: MachineCase) -> bool:
    """Return True if the loop came up so lately that a beat may still be on its way."""
    found = case.agent
    if found is None or found.started_ms is None or found.now_ms is None:
        return False
    return 0 <= found.now_ms - found.started_ms <= max(_FIRST_BEAT_MS, 2 * found.interval_ms)


def share_cause(case: MachineCase) -> tuple[str, str, str] | None:
    """Return (cause, what is said, hint) where the agent cannot use its share, None where it can or nothing tells."""
    sight, found = case.sight, case.agent
    if sight.share is not None:
        code, reason, hint = sight.share
        return _SHARE.get(code, "share-problem"), reason, hint
    if found is not None and found.running and found.share_state != "ok":
        since = f" since {found.share_since}" if found.share_since else ""
        said = f"the loop finds it {found.share_state}{since}: {found.share_detail or ''}".rstrip(": ")
        return _SHARE.get(found.share_state, "share-problem"), said, typed.ours("restart", case.machine_id)
    return None


def share(case: MachineCase) -> tuple[Check, Check]:
    """The share is there for the agent; and it can be written to."""
    sight = case.sight
    if not sight.reported:
        return Check("share", UNKNOWN), Check("writable", UNKNOWN)
    found = share_cause(case)
    there = {"path": sight.share_path or "?"}
    if found is None:
        seen = "{path} (in the logon session)" if sight.share_session == "logon" else "{path}"
        outcome = UNKNOWN if sight.system == "windows" and sight.share_session is None else OK
        return Check("share", outcome, seen, None, there), Check("writable", outcome)
    cause, said, hint = found
    facts = {**there, "said": said, "hint": hint}
    if cause in _NOT_WRITABLE:
        return Check("share", OK, "{path}", None, there), Check("writable", NOT_OK, "{said}", cause, facts)
    return Check("share", NOT_OK, "{said}", cause, facts), Check("writable", UNKNOWN)


def zombie(case: MachineCase) -> Check:
    """Whatever keeps it says "running", and it does not beat."""
    found = case.agent
    if found is None or not found.running:
        return Check("zombie", UNKNOWN)
    age = beat_age_ms(case)
    late = age > found.timeout_ms if age is not None else not is_new(case)
    if not late:
        return Check("zombie", OK)
    if share_cause(case) is not None:
        return Check("zombie", NOT_OK, "it waits for its share")
    seen = "it runs, and its last beat is old" if age is not None else "it runs, and never beat"
    return Check("zombie", NOT_OK, seen, "zombie", {"age": age})


def clock(case: MachineCase) -> Check:
    """Its clock is this computer's, within what the network may have added."""
    sight = case.sight
    if not sight.reported:
        return Check("clock", UNKNOWN)
    if sight.clock is None:
        return Check("clock", OK, "{offset} s", None, {"offset": f"{sight.offset_ms / 1000:+.1f}"})
    return Check("clock", NOT_OK, "{said}", "clock-wrong", {"said": sight.clock})
