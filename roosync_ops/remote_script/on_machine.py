"""What runs on the machine for one round trip: look at everything (`probe`), or change what is asked (`apply`).

The text of this file, and of its two parts, travels to whatever CPython 3.9+ is there; nothing of it stays. Standard
library only. It answers with one line of ASCII JSON behind MARKER, so that a shell that greets cannot garble it.
"""

from __future__ import annotations

import binascii
import json
import os
import re
import sys
import time
from contextlib import suppress

from roosync_ops.agent.builds import AGENT_NAME, BUILD_FILE, named_builds
from roosync_ops.agent.local_state import INSTANCE
from roosync_ops.wire.identity import hostname
from roosync_ops.wire.local import create, make_folder, sha256, sha256_of
from roosync_ops.wire.typed import Any, Callable

from .on_common import (
    CONFIG_NAME,
    FULL,
    MARKER,
    MEASURE_NAMES,
    PUSHED_NAME,
    REPLICA_S,
    STATUS_LIMIT_S,
    StepError,
    agent_of,
    cause_of,
    check_ours,
    failure_of,
    local_dir,
    pressed,
    read_config,
    refused,
    replaced,
    resolve_shared,
    share_problem,
)

if sys.platform == "win32":
    from .on_windows import ask, look_at_share, put_in_place, rmdir, unlink, uploaded, who
else:
    from .on_posix import ask, look_at_share, put_in_place, rmdir, unlink, uploaded, who


def probe(request: dict[str, Any]) -> dict[str, Any]:
    """Learn everything about this machine; write nothing."""
    started_ms = time.time_ns() // 1_000_000
    folder = local_dir(request)
    problem = None  # why the folder is not ours alone: what lies there is then neither read nor run
    try:
        check_ours(folder)
    except StepError as error:
        problem = failure_of("localDir", error)
    config, text, modified = (None, None, None) if problem else read_config(os.path.join(folder, CONFIG_NAME))
    shared = resolve_shared(request, config)
    limit_s = float(request.get("shareDeadline") or 5)
    agent = agent_of(folder)
    own = None if problem else told(agent, "status", STATUS_LIMIT_S)
    share = None if shared is None else look_at_share(shared, limit_s, agent, own)
    return {
        "hostname": hostname(),
        "platform": sys.platform,
        **who(),
        "home": os.path.expanduser("~"),
        "python": {"executable": sys.executable, "version": ".".join(map(str, sys.version_info[:3]))},
        "localDir": folder,
        "localDirProblem": problem,
        "agentSha256": None if problem else sha256_of(agent),
        "config": config,
        "configProblem": text,
        "configModifiedMs": modified,
        "status": own,
        "share": share,
        "state": replica(agent, share, limit_s) if request.get("state") and not problem else None,
        "clock": {"startMs": started_ms, "endMs": time.time_ns() // 1_000_000},
    }


def told(agent: str, verb: str, limit_s: float) -> dict[str, Any] | None:
    """Return what the agent here answers to a question, or why it cannot tell; None where there is no agent."""
    if not os.path.exists(agent):
        return None
    try:
        return ask(agent, [verb], limit_s)
    except StepError as error:
        return {"success": False, "code": error.code, "message": str(error)}


def replica(agent: str, share: dict[str, Any] | None, limit_s: float) -> dict[str, Any] | None:
    """Return what the agent here finds in its replica, as `told`; a share that hangs would hang once more."""
    if share is not None and share.get("hung") and os.path.exists(agent):
        return {"success": False, "code": "SHARE_HUNG", "message": f"no answer within {limit_s:g} s"}
    return told(agent, "state", limit_s + REPLICA_S)


def run_verb(agent: str, argv: list[str], limit_s: float) -> dict[str, Any]:
    """Run one verb and return its answer. Raises StepError with the agent's own words where it failed."""
    reply = ask(agent, argv, limit_s)
    if argv == ["restart"] and reply.get("code") == "HEARTBEAT_UNKNOWN_ACTION":  # an agent of before there was one
        run_verb(agent, ["stop", "--no-save-state"], limit_s)
        return run_verb(agent, ["start"], limit_s)
    if reply.get("success") is not True:
        raise refused(argv[0], reply)
    return reply


def apply(request: dict[str, Any]) -> dict[str, Any]:
    """Do the steps asked for, in order, up to the first that fails; then look at the agent again."""
    folder, wanted = local_dir(request), request.get("agent")
    is_first = not named_builds(folder)
    done: list[dict[str, Any]] = []
    failed: dict[str, Any] | None = None
    for step in request["steps"]:
        try:
            check_ours(folder)
            done.append({"step": step["step"], "reply": _STEPS[step["do"]](agent_of(folder, wanted), step)})
        except (StepError, OSError, ValueError) as error:
            failed = failure_of(step["step"], error)
            is_first = is_first and cause_of(error) == FULL
            break
    agent = agent_of(folder, wanted)
    own = told(agent, "status", STATUS_LIMIT_S) if request.get("look", True) else None
    if failed is not None:
        _take_back(agent, done, everything=is_first and not (own or {}).get("alive"))
    agent = agent_of(folder, wanted)
    return {
        "ok": failed is None,
        "done": done,
        "failed": failed,
        "localDir": folder,
        "agentSha256": sha256_of(agent),
        "status": own if os.path.exists(agent) else None,
    }


def _push(agent: str, step: dict[str, Any]) -> dict[str, Any]:
    """Put the agent beside the one that runs. Nothing is touched before all of it has come and its hash is right."""
    folder = os.path.dirname(agent)
    path = os.path.join(folder, step["agent"])
    data = uploaded(folder)
    if sha256(data) == step["sha256"]:
        replace(folder, step["agent"], data, 0o700)
        with suppress(FileNotFoundError):  # it came by stdin, or another rollout of the same build has removed it
            unlink(os.path.join(folder, PUSHED_NAME))
    elif sha256_of(path) != step["sha256"]:  # else another rollout of the same build has just taken it
        raise StepError("UPLOAD_BROKEN", "the agent did not arrive whole; the old one is still in place")
    return {"pushed": step["agent"]}


def _take_back(agent: str, done: list[dict[str, Any]], *, everything: bool) -> None:
    """What was pushed and is not what is to run takes up no room; a first agent on a full disk goes wholly."""
    folder = os.path.dirname(agent)
    pushed = [step["reply"]["pushed"] for step in done if "pushed" in (step["reply"] or {})]
    if pushed and everything:
        with suppress(StepError):
            run_verb(agent, ["uninstall"], STATUS_LIMIT_S)
        _remove(agent, {})
        return
    for name in pushed:
        if name not in named_builds(folder) and os.path.exists(os.path.join(folder, name)):
            unlink(os.path.join(folder, name))


def _configure(agent: str, step: dict[str, Any]) -> None:
    folder = os.path.dirname(agent)
    data = json.dumps(step["config"], indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    replace(folder, CONFIG_NAME, data, 0o600)


def replace(folder: str, name: str, data: bytes, mode: int) -> None:
    """Write a file whole or not at all, and read it back. Two rollouts at once each have a temporary name."""
    make_folder(folder, parents=True)
    path, temporary = os.path.join(folder, name), os.path.join(folder, f".{name}.{os.getpid()}.new")
    _sweep(folder, f".{name}.")
    try:
        with open(create(temporary, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(temporary, path)
    finally:
        if os.path.exists(temporary):
            unlink(temporary)
    with open(path, "rb") as file:
        if file.read() != data:
            raise StepError("NOT_WRITTEN", f"{path} does not hold what was written to it")


def _sweep(folder: str, beginning: str) -> None:
    """Remove what a rollout that was cut off left of a file, once no process can be writing it."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith(beginning) and _CUT_OFF.fullmatch(name) and time.time() - os.lstat(path).st_mtime > CUT_S:
            unlink(path)


def _start(agent: str, step: dict[str, Any]) -> dict[str, Any]:
    """Have the build that runs put the pushed one on trial; one that knows no trials is replaced by it at once.

    What was not there when this rollout looked (`over`) gives way to a greater name alone. Raises StepError REPLACED.
    """
    folder, name = os.path.split(agent)
    before = next(iter(named_builds(folder)), name)
    asked = os.path.join(folder, before) if BUILD_FILE.fullmatch(before) else agent
    if asked != agent and name < before and sha256_of(agent_of(folder)) != step["over"]:
        raise StepError("REPLACED", replaced(before[6:22], name[6:22]))
    try:
        reply = ask(asked, ["restart", "--to", name], float(step["limit"]))
    except (StepError, OSError):
        if asked == agent:
            raise
        return _verb(agent, step)  # it cannot even answer: there is nothing to go back to
    if reply.get("success") is True:
        return reply
    if reply.get("code") == "REPLACED":
        return _start(agent, step)  # it runs no more
    if asked != agent and reply.get("code") == "HEARTBEAT_UNKNOWN_ACTION":
        return _verb(agent, step)
    raise refused("restart", reply)


def _back(agent: str, step: dict[str, Any]) -> dict[str, Any]:
    """Have the build before the one that is named take over: it starts itself. Raises StepError where there is none."""
    folder = os.path.dirname(agent)
    for before in named_builds(folder)[1:2]:
        if os.path.exists(os.path.join(folder, before)):
            return _verb(os.path.join(folder, before), step)
    raise StepError("NO_BUILD_BEFORE", "there is no build before it on that machine")


def _verb(agent: str, step: dict[str, Any]) -> dict[str, Any]:
    return run_verb(agent, step["argv"], float(step["limit"]))


def _look(agent: str, step: dict[str, Any]) -> dict[str, Any]:
    """Have the agent look at the share from the session its loop will run in; what it cannot use ends the rollout."""
    reply = _verb(agent, step)
    share = reply.get("share")
    if isinstance(share, dict) and (problem := share_problem(share, float(step["shareDeadline"]))):
        raise StepError(problem[0], f"share {share.get('path')}: {problem[1]}", share.get("path"))
    return reply


#: What a rollout that was cut off left of a file.
_CUT_OFF = re.compile(r"\.(agent|agent-[0-9a-f]{16}|config)\.(pyz|json)(\.[0-9]+)?\.new")
#: What else of ours lies in the local folder; the logon session's answer where the process that asked was ended before.
_OURS = re.compile(
    "|".join([*map(re.escape, (AGENT_NAME, CONFIG_NAME, *MEASURE_NAMES)), f"{re.escape(PUSHED_NAME)}.*"])
    + rf"|{BUILD_FILE.pattern}|{_CUT_OFF.pattern}|answer-[0-9a-f]{{16}}(\.tmp|\.log)?"
)
#: A file of 200 kB is written in less; a temporary name of it that is older has no writer any more, in s.
CUT_S = 600.0


def _remove(agent: str, _step: dict[str, Any]) -> dict[str, Any]:
    """Remove our own files and no others; what was set aside because it was not understood stays, and is named."""
    folder = os.path.dirname(agent)
    kept: list[str] = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if INSTANCE.fullmatch(name) and os.path.isdir(path) and not os.path.islink(path):
            kept += _remove_instance(path)
        elif _OURS.fullmatch(name):
            unlink(path)
    with suppress(OSError):  # whatever else lies there is not ours
        rmdir(folder)
    return {"kept": kept}


def _remove_instance(folder: str) -> list[str]:
    kept = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not os.path.isdir(path) or os.path.islink(path):
            unlink(path)
            continue
        try:
            rmdir(path)
        except OSError:
            kept.append(path)
    with suppress(OSError):
        rmdir(folder)
    return kept


_STEPS: dict[str, Callable[[str, dict[str, Any]], Any]] = {
    "push": _push,
    "configure": _configure,
    "verb": _verb,
    "start": _start,
    "back": _back,
    "look": _look,
    "remove": _remove,
}


#: What may be asked; on_verify adds to it where it travels too.
ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"probe": probe, "apply": apply}


def main(argv: list[str]) -> int:
    """Answer one request: argv[1] is its JSON in base64."""
    request = json.loads(binascii.a2b_base64(argv[1]))
    try:
        reply = ANSWERS[request["do"]](request)
    except Exception as error:  # noqa: BLE001 - a machine that cannot answer must say so
        reply = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(f"\n{MARKER}{pressed(json.dumps(reply))}\n")
    return 0 if reply.get("ok", "error" not in reply) else 1
