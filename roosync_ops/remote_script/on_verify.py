"""On the machine: have its share measured or tidied as its agent is configured, within bounds, nothing left behind.

on_measure and on_tidy do it, in a process of its own; on Windows, where this session does not see the share, in a task
of the user's logon session. Travels behind on_machine, and only where it is asked for.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time

from roosync_ops.wire.local import create

from .on_common import AGENT_NAME, CONFIG_NAME, MEASURE_NAMES, StepError
from .on_machine import ANSWERS, local_dir, read_config, resolve_shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: The texts of on_measure and on_tidy, which are filled in on the way.
MEASURE = ""
TIDY = ""
#: How long the folder may take to go, in s, and how long a process that was killed may take to end.
_CLEAN_S = 10.0
_END_S = 2.0
#: To start and end a task of the logon session, in s; and how often its answer is looked for.
_TASK_S = 30.0
_LOOK_S = 0.2
#: How often the scheduler is asked whether it runs the task at all, in s.
_ASK_S = 2.0
#: What was measured is a few kB; a watch of days is cut off.
_MAX_OUTPUT = 4_000_000


def verify(request: dict[str, Any]) -> dict[str, Any]:
    """Measure the share for `seconds` and at most `limit` s more; return what was found, line by line, as `lines`."""
    shared = _shared(request)
    if shared is None:
        return _told(None, [], ("NO_SHARED_PATH", "nothing says where its shared folder is"))
    asked = {"shared": shared, "token": request["token"], "seconds": request["seconds"]}
    limit_s = float(request["limit"]) + float(request["seconds"])
    lines = _here(MEASURE, asked, limit_s)
    problem = None
    if sys.platform == "win32" and _problem_code(lines) == "SHARE_MISSING":
        try:
            lines = _in_logon_session(MEASURE, local_dir(request), asked, limit_s)
        except StepError as error:
            problem = error.code, str(error)
    elif not _has(lines, "end"):
        problem = "SHARE_HUNG", f"the share, or the program that measures it, did not answer within {limit_s:g} s"
        lines += _here(MEASURE, {**asked, "clean": True}, _CLEAN_S)
    return _told(shared, lines, problem)


def tidy(request: dict[str, Any]) -> dict[str, Any]:
    """Remove what a verification that was broken off left behind."""
    shared = _shared(request)
    asked = {"shared": shared, "token": request["token"], "seconds": 0, "clean": True}
    lines = [] if shared is None else _here(MEASURE, asked, _CLEAN_S)
    return _told(shared, lines, None)


def tend(request: dict[str, Any]) -> dict[str, Any]:
    """Rebuild the view where `rebuild`, and sweep our orphans, in this machine's replica; with `dry` only look."""
    folder, shared = local_dir(request), _shared(request)
    agent = os.path.join(folder, AGENT_NAME)
    if shared is None or not os.path.exists(agent):
        return {"problem": ("NOT_ENROLLED", f"there is no agent in {folder}, or it has no share")}
    asked = {"agent": agent, "shared": shared, "rebuild": request["rebuild"], "dry": request["dry"]}
    limit_s = float(request["limit"])
    lines = _here(TIDY, asked, limit_s)
    try:
        if sys.platform == "win32" and _problem_code(lines) == "SHARE_MISSING":
            lines = _in_logon_session(TIDY, folder, asked, limit_s)
    except StepError as error:
        return {"problem": (error.code, str(error))}
    found: dict[str, Any] = {"rebuilt": None, "files": [], "problem": None}
    if not _has(lines, "end"):
        found["problem"] = "SHARE_HUNG", f"the share did not answer within {limit_s:g} s"
    for line in lines:
        found.update((key, value) for key, value in line.items() if key in found)
    return found


ANSWERS.update(verify=verify, tidy=tidy, tend=tend)


def _shared(request: dict[str, Any]) -> str | None:
    """Return the share as the agent here is configured; the inventory's is for a machine that has none."""
    config, _, _ = read_config(os.path.join(local_dir(request), CONFIG_NAME))
    written = config.get("shared") if isinstance(config, dict) else None
    return resolve_shared({"shared": written or request.get("shared")}, config)


def _told(shared: str | None, lines: list[dict[str, Any]], problem: tuple[str, str] | None) -> dict[str, Any]:
    problem = problem or next((line["problem"] for line in lines if "problem" in line), None)
    removed = [line["removed"] for line in lines if "removed" in line]
    return {
        "shared": shared,
        "traits": [line["trait"] for line in lines if "trait" in line],
        "sightings": [line["seen"] for line in lines if "seen" in line],
        "problem": problem,
        "removed": removed[-1] if removed else problem is None or problem[0] != "SHARE_HUNG",
    }


def _has(lines: list[dict[str, Any]], key: str) -> bool:
    return any(key in line for line in lines)


def _problem_code(lines: list[dict[str, Any]]) -> str | None:
    return next((line["problem"][0] for line in lines if "problem" in line), None)


def _here(program: str, asked: dict[str, Any], limit_s: float) -> list[dict[str, Any]]:
    """Run the program in a process of its own, which is left behind where it hangs and cannot be killed."""
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(  # noqa: S603 - this very Python, with a program of ours
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", program, json.dumps(asked)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        try:
            child.wait(limit_s)
        except subprocess.TimeoutExpired:
            child.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_END_S)
        output.seek(0)
        return _lines(output.read(_MAX_OUTPUT))


def _lines(output: bytes) -> list[dict[str, Any]]:
    found = []
    for line in output.split(b"\n"):
        try:
            value = json.loads(line)
        except ValueError:
            continue  # the last one, cut off
        if isinstance(value, dict):
            found.append(value)
    return found


def _in_logon_session(text: str, folder: str, asked: dict[str, Any], limit_s: float) -> list[dict[str, Any]]:
    """Have a one-shot task of the agent's own making run the program where the drive is. Raises StepError."""
    agent = os.path.join(folder, AGENT_NAME)
    if not os.path.exists(agent):
        raise StepError("SHARE_NOT_SEEN", "this session does not see the share, and no agent is here to ask another")
    sys.path.insert(0, agent)
    program, output = (os.path.join(folder, name) for name in MEASURE_NAMES)
    try:
        from roosync_ops.agent.errors import ProblemError  # noqa: PLC0415 - the machine's own, and only now

        with open(create(program), "wb") as file:
            file.write(text.encode())
        try:
            return _by_task(folder, [program, json.dumps({**asked, "out": output})], output, limit_s)
        except ProblemError as error:
            raise StepError(getattr(error, "code", "LOCAL_ERROR"), str(error)) from None
    except (ImportError, OSError, AttributeError, TypeError) as error:
        raise StepError("SHARE_NOT_SEEN", f"the logon session could not be asked: {error}") from None
    finally:
        for path in (program, output):
            _unlink(path)


def _by_task(folder: str, words: list[str], output: str, limit_s: float) -> list[dict[str, Any]]:
    from roosync_ops.agent.permanence import task, task_xml  # noqa: PLC0415 - as above
    from roosync_ops.agent.permanence.schtasks import NO_SESSION, Scheduler  # noqa: PLC0415 - as above
    from roosync_ops.agent.permanence.task_folder import remove_if_empty  # noqa: PLC0415 - as above

    scheduler, user = Scheduler(), task.user_name()
    name = f"\\{task.FOLDER}\\measure-{task.local_name(folder)}"
    arguments = subprocess.list2cmdline(["-I", "-S", "-X", "utf8", *words])
    one = task_xml.Program(task.windowless(sys.executable), arguments, folder, user)
    try:
        scheduler.create(name, task_xml.one_shot(one), folder)
        try:
            scheduler.run(name)
        except Exception:
            if scheduler.last_result(name) in NO_SESSION:
                raise _nobody(user) from None
            raise
        return _awaited(output, limit_s + _TASK_S, lambda: scheduler.last_result(name) in NO_SESSION, user)
    finally:
        try:
            scheduler.delete(name)
        finally:
            remove_if_empty(task.FOLDER)


def _nobody(user: str) -> StepError:
    return StepError("NO_LOGON_SESSION", f"{user} is not logged on: the share is seen from nowhere")


def _awaited(output: str, limit_s: float, refused: Callable[[], bool], user: str) -> list[dict[str, Any]]:
    """Return what the task wrote, once it has written its last line. Raises StepError."""
    until = time.monotonic() + limit_s
    ask_at = time.monotonic() + _ASK_S
    while time.monotonic() < until:
        time.sleep(_LOOK_S)
        lines = _written(output)
        if _has(lines, "end"):
            if _problem_code(lines) == "SHARE_MISSING":
                raise StepError("DRIVE_NOT_MOUNTED", "the logon session does not see the share either")
            return lines
        if not lines and time.monotonic() >= ask_at:  # it has not begun yet
            if refused():
                raise _nobody(user)
            ask_at = time.monotonic() + _ASK_S
    raise StepError("SHARE_HUNG", f"the logon session did not answer within {limit_s:g} s")


def _written(output: str) -> list[dict[str, Any]]:
    try:
        with open(output, "rb") as file:
            return _lines(file.read(_MAX_OUTPUT))
    except OSError:
        return []  # not begun yet


def _unlink(path: str) -> None:
    for _ in range(20):
        try:
            os.unlink(path)
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.1)  # its writer is just ending
        else:
            return
