"""What this machine says of itself: its boot, and whether a process is still the one it was."""

from __future__ import annotations

import os
import sys
import time

#: A boot time computed from two clocks moves by rounding and by corrections of the wall clock, in s.
_BOOT_GRAIN_S = 60


def boot_id() -> str:
    """Return a text that is the same until the next boot; where the system gives none, the boot's time, coarsely."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return f"boot-{int(time.time() - time.monotonic()) // _BOOT_GRAIN_S}"


def new_session_id() -> str:
    """Return a text no other session has."""
    return os.urandom(16).hex()


def process_start(pid: int) -> str | None:
    """Return when process `pid` began, in the kernel's own ticks; None where it cannot be told.

    With the pid it names one process for ever: a pid alone is given to another process sooner or later.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The second field is the command in parentheses and may hold anything, parentheses included.
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        return None


def is_same_process(pid: object, start: object) -> bool:
    """Tell whether `pid` is alive and is still the process that began at `start`."""
    if type(pid) is not int or pid <= 1 or not _exists(pid):
        return False
    now = process_start(pid)
    return now is None or start is None or now == start


def _exists(pid: int) -> bool:
    if sys.platform == "win32":
        # os.kill(pid, 0) ends the process on Windows; the lock, and not the pid, is the proof there.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
