"""What this machine says of itself: its boot, whether a process is still the one it was, and whether it goes down."""

from __future__ import annotations

import os
import signal
import sys
import time

from roosync_ops.wire.small import suppress

#: A boot time computed from two clocks moves by rounding and by corrections of the wall clock, in s.
_BOOT_GRAIN_S = 60
_BOOT_KEY = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"

#: Where systemd is PID 1, and nowhere else.
_SYSTEMD = "/run/systemd/system"
#: How long systemd may take to answer, in s; it is busy just then.
_ANSWER_S = 2.0


def boot_id() -> str:
    """Return a text that is the same until the next boot; where the system gives none, the boot's time, coarsely."""
    try:
        if sys.platform == "win32":
            import winreg  # noqa: PLC0415 - no other platform has the module

            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _BOOT_KEY) as key:
                return f"boot-{int(winreg.QueryValueEx(key, 'BootId')[0])}"
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return f"boot-{int(time.time() - time.monotonic()) // _BOOT_GRAIN_S}"


def process_start(pid: int) -> str | None:
    """Return when process `pid` began, in the kernel's own ticks; None where it cannot be told.

    With the pid it names one process for ever: a pid alone is given to another process sooner or later.
    """
    if sys.platform == "win32":
        from .windows import process_start as created  # noqa: PLC0415 - each platform loads its own

        return created(pid)
    fields = process_fields(pid)
    return fields[19].decode("ascii") if fields else None


def process_fields(pid: int) -> list[bytes]:
    """Return what Linux says of a process behind its name: proc(5), `stat` from its third field; empty for none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The second field is the command in parentheses and may hold anything, parentheses included.
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


def signal_process(pid: object, start: object, number: int) -> None:
    """Signal process `pid` if it is still the one that began at `start`. Raises PermissionError. POSIX alone."""
    if sys.platform == "win32" or type(pid) is not int or pid <= 1:
        return
    now = process_start(pid)
    if now is None or start is None or now == start:
        with suppress(ProcessLookupError):  # it has ended
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # one that is stopped hears of nothing else


def system_goes_down() -> bool:
    """Return True if systemd is shutting the system down or rebooting it, which must not read as leaving on purpose.

    False where there is no systemd to ask. On Windows a session's end kills without asking: an end was asked for.
    """
    if not os.path.isdir(_SYSTEMD):
        return False
    from subprocess import SubprocessError  # noqa: PLC0415 - not carried for months

    from roosync_ops.wire.child import run  # noqa: PLC0415 - as above

    try:  # where it lies differs between distributions
        return run(["systemctl", "is-system-running"], _ANSWER_S).stdout.strip() == b"stopping"
    except (OSError, SubprocessError):
        return False
