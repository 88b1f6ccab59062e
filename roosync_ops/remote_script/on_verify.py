"""On the machine: have its share measured or tidied as its agent is configured, within bounds, nothing left behind.

on_measure and on_tidy do it, in a process of its own; on Windows, where this session does not see the share, the agent
there has the user's logon session run it. Travels behind on_machine, and only where it is asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress

from roosync_ops.wire.child import run
from roosync_ops.wire.local import create
from roosync_ops.wire.typed import Any

from .on_common import CONFIG_NAME, MEASURE_NAMES, StepError, agent_of, local_dir, read_config, resolve_shared
from .on_machine import ANSWERS

if sys.platform == "win32":
    from .on_windows import unlink
else:
    from .on_posix import unlink


Problem = tuple[str, str]
_PYTHON = (sys.executable, "-I", "-S", "-X", "utf8")
#: The texts of on_measure and on_tidy, which are filled in on the way.
MEASURE = ""
TIDY = ""
#: Runs either: says each part at once, or all of them in the file argv[2], whole; and at last that it is the end.
_MAIN = """
import itertools, json, os, sys
parts = []
for part in itertools.chain(work(json.loads(bytes.fromhex(sys.argv[1]))), [{"end": True}]):
    if part:
        parts.append(part)
        sys.argv[2:] or print(json.dumps(part), flush=True)
if sys.argv[2:]:
    with open(sys.argv[2] + ".tmp", "w", encoding="utf-8") as file:
        json.dump({"parts": parts}, file)
    os.replace(file.name, sys.argv[2])
"""
#: How long the folder may take to go, in s, and how long a process that was killed may take to end.
_CLEAN_S = 10.0
_END_S = 2.0
#: To start and end a task of the logon session, in s.
_TASK_S = 30.0
#: What was measured is a few kB; a watch of days is cut off.
_MAX_OUTPUT = 4_000_000


def verify(request: dict[str, Any]) -> dict[str, Any]:
    """Measure the share for `seconds` and at most `limit` s more; return what was found."""
    shared = _shared(request)
    if shared is None:
        return _told(None, [], ("NO_SHARED_PATH", "nothing says where its shared folder is"))
    asked = {"shared": shared, "token": request["token"], "seconds": request["seconds"]}
    parts, problem = _done(MEASURE, local_dir(request), asked, float(request["limit"]) + float(request["seconds"]))
    if problem is not None and problem[0] == "SHARE_HUNG":
        parts += _here(MEASURE, {**asked, "clean": True}, _CLEAN_S)
    return _told(shared, parts, problem)


def tidy(request: dict[str, Any]) -> dict[str, Any]:
    """Remove what a verification that was broken off left behind."""
    shared = _shared(request)
    asked = {"shared": shared, "token": request["token"], "clean": True}
    return _told(shared, [] if shared is None else _here(MEASURE, asked, _CLEAN_S), None)


def tend(request: dict[str, Any]) -> dict[str, Any]:
    """Rebuild the view where `rebuild`, and sweep our orphans, in this machine's replica; with `dry` only look."""
    folder, shared = local_dir(request), _shared(request)
    agent = agent_of(folder)
    if shared is None or not os.path.exists(agent):
        return {"problem": ("NOT_ENROLLED", f"there is no agent in {folder}, or it has no share")}
    asked = {"agent": agent, "shared": shared, "rebuild": request["rebuild"], "dry": request["dry"]}
    parts, problem = _done(TIDY, folder, asked, float(request["limit"]))
    return {"rebuilt": _of(parts, "rebuilt"), "files": _of(parts, "files") or [], "problem": problem}


ANSWERS.update(verify=verify, tidy=tidy, tend=tend)


def _shared(request: dict[str, Any]) -> str | None:
    """Return the share as the agent here is configured; the inventory's is for a machine that has none."""
    config, _, _ = read_config(os.path.join(local_dir(request), CONFIG_NAME))
    written = config.get("shared") if isinstance(config, dict) else None
    return resolve_shared({"shared": written or request.get("shared")}, config)


def _told(shared: str | None, parts: list[dict[str, Any]], problem: Problem | None) -> dict[str, Any]:
    removed = _of(parts, "removed")
    return {
        "shared": shared,
        "traits": [part["trait"] for part in parts if "trait" in part],
        "sightings": [part["seen"] for part in parts if "seen" in part],
        "problem": problem,
        "removed": (problem is None or problem[0] != "SHARE_HUNG") if removed is None else removed,
    }


def _of(parts: list[dict[str, Any]], key: str) -> Any:
    """Return what the last part that tells `key` says of it, None where none does."""
    return next((part[key] for part in reversed(parts) if key in part), None)


def _done(
    program: str, folder: str, asked: dict[str, Any], limit_s: float
) -> tuple[list[dict[str, Any]], Problem | None]:
    """Run the program where the share is seen; return what it found, and why that is not all."""
    parts = _here(program, asked, limit_s)
    try:
        if sys.platform == "win32" and (_of(parts, "problem") or [""])[0] == "SHARE_MISSING":
            parts = _in_logon_session(program, folder, asked, limit_s + _TASK_S)
    except StepError as error:
        return [], (error.code, str(error))
    if _of(parts, "end") is None:
        return parts, ("SHARE_HUNG", f"the share did not answer within {limit_s:g} s")
    return parts, _of(parts, "problem")


def _here(program: str, asked: dict[str, Any], limit_s: float) -> list[dict[str, Any]]:
    """Run the program in a process of its own, which is left behind where it hangs and cannot be killed."""
    try:
        output = run([*_PYTHON, "-c", program + _MAIN, json.dumps(asked).encode().hex()], limit_s).stdout
    except subprocess.TimeoutExpired as ended:
        output = ended.output or b""
    found: list[dict[str, Any]] = []
    with suppress(ValueError):  # the last one, cut off
        found.extend(map(json.loads, output[:_MAX_OUTPUT].split(b"\n")))
    return found


def _in_logon_session(text: str, folder: str, asked: dict[str, Any], limit_s: float) -> list[dict[str, Any]]:
    """Have the agent here run the program where the drive is. Raises StepError."""
    agent = agent_of(folder)
    if not os.path.exists(agent):
        raise StepError("SHARE_NOT_SEEN", "this session does not see the share, and no agent is here to ask another")
    sys.path.insert(0, agent)
    program = os.path.join(folder, MEASURE_NAMES[0])
    try:
        from roosync_ops.agent.errors import ProblemError  # noqa: PLC0415 - the machine's own, and only now
        from roosync_ops.agent.interactive_session import run_command  # noqa: PLC0415 - as above

        with open(create(program), "wb") as file:
            file.write((text + _MAIN).encode())
        command = [*_PYTHON, program, json.dumps(asked).encode().hex()]
        try:
            told = run_command("measure", folder, lambda answer: [*command, answer], limit_s)
            parts: list[dict[str, Any]] = told["parts"]
        except ProblemError as error:
            code = getattr(error, "code", "LOCAL_ERROR")
            raise StepError(*_UNANSWERED.get(code, (code, str(error)))) from None
    except (ImportError, OSError, AttributeError, TypeError, KeyError) as error:
        raise StepError("SHARE_NOT_SEEN", f"the logon session could not be asked: {error}") from None
    finally:
        if os.path.exists(program):
            unlink(program)
    if (_of(parts, "problem") or [""])[0] == "SHARE_MISSING":
        raise StepError("DRIVE_NOT_MOUNTED", "the logon session does not see the share either")
    return parts


#: The agent's code for why the logon session gave no answer: ours, and a sentence.
_UNANSWERED = {
    "NO_LOGON_SESSION": ("NO_LOGON_SESSION", "nobody is logged on: the share is seen from nowhere"),
    "AGENT_CRASHED": ("SHARE_HUNG", "the logon session did not answer in time"),
}
