"""What a round trip does its own way on Windows: there is no `fork`, so each touch that may hang is a process."""

from __future__ import annotations

import calendar
import os
import re
import subprocess
import sys
import time
from contextlib import suppress

from roosync_ops.wire.child import run
from roosync_ops.wire.typed import Any, Callable, Iterable, Iterator

from .on_common import PUSHED_NAME, StepError, parse_last_line, reply_in

if sys.platform == "win32":
    import winreg


#: How long a file may stay open in another process (a scanner, a loop that is ending), in s.
PATIENCE_S = 10.0
#: A look that a logon session is asked for takes a task's start and end, in s, beside the share's own deadline.
LOGON_S = 25.0
#: What starts Google Drive, in any version; under the programs' folder.
_DRIVE = ("Google", "Drive File Stream", "launch.bat")
#: A task that restarts Google Drive by its name, and where tasks are listed. OneDrive, disks and drivers have tasks of
#: their own, and what only looks at Drive restarts nothing.
_WATCHDOG = re.compile(
    r"(?=.*(?<!one)(?<!(one|usb)[ _-])(?<!(hard|disk)[ _-])(?<!\b[a-fh-z][ _-])drive(?![rns]))"
    r"(?=.*(watch|keep.?alive|guard|restart|relaunch)).*",
    re.IGNORECASE,
)
_TASKS = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree"
_MAX_NAME = 200
#: How long this session's own look has, in s: where it does not end, that proves nothing.
HERE_S = 20.0
#: The logon session's own word: whatever this SSH session sees, the agent would not see more.
_FINAL = ("NO_LOGON_SESSION", "DRIVE_NOT_MOUNTED")
#: The text of share_facts, filled in on the way, and what has it look at the share argv[1] from this session.
FACTS = ""
_LOOK = "\nprint(__import__('json').dumps(share_facts(sys.argv[1])))"


def who() -> dict[str, Any]:
    """Return who runs this; what could keep a loop alive here is always a scheduled task. And what restarts Drive."""
    launcher = os.path.join(os.environ.get("PROGRAMFILES", ""), *_DRIVE)
    drive = {"watchdog": watchdog(tasks()), "launcher": launcher if os.path.exists(launcher) else None}
    return {"user": os.environ.get("USERNAME", ""), "uid": None, "systemd": False, "drive": drive}


def watchdog(names: Iterable[str]) -> str | None:
    """Return the first of tasks' `names` that says that it restarts Google Drive; None where none does."""
    return next((name for name in names if _WATCHDOG.fullmatch(name)), None)


def tasks(folder: str = "", depth: int = 2) -> Iterator[str]:
    """Yield the names of scheduled tasks but Windows' own, from the registry: any user may read it, in any language."""
    if sys.platform == "win32":
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _TASKS + folder) as key:
                names = [winreg.EnumKey(key, at) for at in range(winreg.QueryInfoKey(key)[0])]
        except OSError:
            names = []
        for name in names:
            yield (f"{folder}\\{name}" if folder else name)[:_MAX_NAME]
            if depth > 1 and (folder or name.lower() != "microsoft"):
                yield from tasks(f"{folder}\\{name}", depth - 1)
    yield from ()


def uploaded(folder: str) -> bytes:
    """Take the agent from where it was uploaded to; what is not there is empty."""
    with suppress(FileNotFoundError), open(os.path.join(folder, PUSHED_NAME), "rb") as file:
        return file.read()
    return b""


def look_at_share(shared: str, limit_s: float, agent: str, status: dict[str, Any] | None) -> dict[str, Any]:
    """Look at the share as the agent would, and write nothing; `hung` where it gave the agent no answer.

    This SSH session may not see a drive that the user's logon session does, or hang in it: a loop that has just
    written to the share is believed, and where there is an agent, it is asked.
    """
    told = _proved_by_loop(shared, status or {}) or _told_by_agent(shared, limit_s, agent)
    if told is not None:
        return told
    code, output = _run(["-c", FACTS + _LOOK, shared], min(limit_s, HERE_S))
    facts = parse_last_line(output)
    if facts is not None:
        return facts
    return {"path": shared, "problem": "no answer in this SSH session" if code is None else output[:200]}


def _proved_by_loop(shared: str, status: dict[str, Any]) -> dict[str, Any] | None:
    """Return the share as the loop that runs knows it: it wrote there a moment ago. None if not so."""
    parts = (status.get(key) for key in ("lastBeat", "share", "config"))
    beat, own, config = (part if isinstance(part, dict) else {} for part in parts)
    if status.get("running") is not True or own.get("state") != "ok" or beat.get("readBack") is not True:
        return None
    if os.path.normcase(str(status.get("shared"))) != os.path.normcase(shared):
        return None
    try:
        age_s = _seconds(status["now"]) - _seconds(beat["lastHeartbeat"])
        if not 0 <= age_s * 1000 < config["offlineTimeout"]:
            return None
    except (KeyError, TypeError, ValueError):
        return None
    seen = dict.fromkeys(("exists", "isDirectory", "readable", "writable"), True)
    return {"path": shared, **seen, "session": "loop"}


def _seconds(text: str) -> int:
    """Return the seconds since the epoch of a time as the agent writes it, without its milliseconds."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def _told_by_agent(shared: str, limit_s: float, agent: str) -> dict[str, Any] | None:
    """Return the share as the agent here sees it; None where there is none or it cannot tell."""
    try:
        reply = ask(agent, ["look", "--shared", shared], limit_s + LOGON_S)
    except StepError:
        return None
    share = reply.get("share")
    if reply.get("success") is True and isinstance(share, dict):
        if share.get("hung") and reply.get("session") != "logon":
            return None  # an older agent's word for this session, which proves nothing
        return {**share, "path": shared, "session": reply.get("session")}
    if reply.get("code") in _FINAL:
        return {"path": shared, "code": reply["code"], "problem": str(reply.get("message"))}
    return None


def ask(agent: str, argv: list[str], limit_s: float) -> dict[str, Any]:
    """Return what the agent in the file `agent` answers to one verb. Raises StepError."""
    folder = os.path.dirname(agent)
    if not os.path.exists(agent):
        raise StepError("NOT_ENROLLED", f"there is no agent in {folder}")
    code, output = _run(["-B", agent, *argv, "--local-dir", folder, "--json"], limit_s)
    return reply_in(argv[0], code, output, limit_s)


def _run(words: list[str], limit_s: float) -> tuple[int | None, str]:
    """Run this Python with `words`; return (its exit code, what it printed). The code is None after `limit_s`."""
    try:
        done = run([sys.executable, "-I", "-S", "-X", "utf8", *words], limit_s)
    except subprocess.TimeoutExpired as ended:
        return None, ((ended.stderr or b"") + (ended.output or b"")).decode("utf-8", "replace")
    return done.returncode, (done.stderr + done.stdout).decode("utf-8", "replace")


def _patiently(deed: Callable[..., None]) -> Callable[..., None]:
    """Return `deed` as it waits a while for the process that holds a file open: until then it is refused."""

    def wait(*paths: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return deed(*paths)
            except PermissionError:
                if time.monotonic() >= end:
                    raise
            time.sleep(0.1)

    return wait


unlink = _patiently(os.unlink)
rmdir = _patiently(os.rmdir)
put_in_place = _patiently(os.replace)
