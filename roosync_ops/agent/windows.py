r"""What the agent asks of Windows itself: named mutexes, and processes by their creation time. Win32 alone.

Names in `Global\\` are the machine's, not a logon session's: a command over SSH and a task of the desktop meet there.
"""

from __future__ import annotations

import sys

from roosync_ops.wire.typed import Callable, T

if sys.platform != "win32":
    raise ImportError("Windows alone")

import ctypes
from ctypes import wintypes

_KERNEL32 = ctypes.WinDLL("kernel32", use_last_error=True)
_ALREADY_EXISTS = 183
_ACCESS_DENIED = 5
_SYNCHRONIZE = 0x0010_0000
_PROCESS_TERMINATE = 0x0001
_PROCESS_QUERY_LIMITED = 0x1000
_WAIT_OBJECT_0 = 0


def _prototype(name: str, result: object, *arguments: object) -> None:
    function = getattr(_KERNEL32, name)
    function.restype, function.argtypes = result, arguments


_prototype("CreateMutexW", wintypes.HANDLE, ctypes.c_void_p, wintypes.BOOL, wintypes.LPCWSTR)
_prototype("OpenMutexW", wintypes.HANDLE, wintypes.DWORD, wintypes.BOOL, wintypes.LPCWSTR)
_prototype("CloseHandle", wintypes.BOOL, wintypes.HANDLE)
_prototype("WaitForSingleObject", wintypes.DWORD, wintypes.HANDLE, wintypes.DWORD)
_prototype("OpenProcess", wintypes.HANDLE, wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
_prototype("TerminateProcess", wintypes.BOOL, wintypes.HANDLE, wintypes.UINT)
_prototype("GetProcessTimes", wintypes.BOOL, wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4)
_prototype("K32GetProcessMemoryInfo", wintypes.BOOL, wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD)
close_handle = _KERNEL32.CloseHandle


class _Memory(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS; its PagefileUsage is what is committed for the process alone."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("faults", wintypes.DWORD),
        ("others", ctypes.c_size_t * 6),
        ("own", ctypes.c_size_t),
        ("peak", ctypes.c_size_t),
    )


def take_name(name: str) -> int | None:
    """Take a name for this process; None where another has it. Raises OSError where there are no such names.

    It is held until its handle is closed, or the process ends.
    """
    value: int | None = _KERNEL32.CreateMutexW(None, False, name)
    code = ctypes.get_last_error()
    if not value:
        if code == _ACCESS_DENIED:
            return None  # it is there, and another user's
        raise ctypes.WinError(code)
    if code == _ALREADY_EXISTS:
        close_handle(value)
        return None
    return value


def is_taken(name: str) -> bool:
    """Return True if some process has the name. Nothing is taken: a loop that begins just now finds it free."""
    value = _KERNEL32.OpenMutexW(_SYNCHRONIZE, False, name)
    if not value:
        return ctypes.get_last_error() == _ACCESS_DENIED
    close_handle(value)
    return True


def process_start(pid: int) -> str | None:
    """Return when process `pid` was created, in units of 100 ns since 1601; None where it is gone or hidden from us."""
    return _asked(pid, 0, lambda handle: None if _waited(handle, 0) else _created(handle))


def see_ended(pid: int, start: str, seconds: float, *, ends: bool) -> None:
    """Wait at most `seconds` for the process that is `pid` and was created at `start`, and no other; end it if `ends`.

    Asked and ended through one handle: a pid that is given to another process in between cannot be hit.
    """

    def see(handle: int) -> None:
        if _created(handle) == start:
            _KERNEL32.TerminateProcess(handle, 1) if ends else None
            _waited(handle, int(seconds * 1000))

    _asked(pid, _PROCESS_TERMINATE if ends else 0, see)


def process_costs(pid: int) -> tuple[int, float]:
    """Return what process `pid` has of memory for itself, in bytes, and had of a processor, in s; zeros for none."""
    return _asked(pid, 0, _costs) or (0, 0.0)


def _costs(handle: int) -> tuple[int, float]:
    counters = _Memory(ctypes.sizeof(_Memory))
    _KERNEL32.K32GetProcessMemoryInfo(handle, ctypes.byref(counters), counters.size)
    return counters.own, sum(_times(handle)[2:]) / 1e7


def _asked(pid: int, access: int, work: Callable[[int], T]) -> T | None:
    """Return what `work` makes of a process's handle; None where there is none to be had."""
    handle = _KERNEL32.OpenProcess(access | _PROCESS_QUERY_LIMITED | _SYNCHRONIZE, False, pid)
    if not handle:
        return None
    try:
        return work(handle)
    finally:
        close_handle(handle)


def _waited(handle: int, milliseconds: int) -> bool:
    return bool(_KERNEL32.WaitForSingleObject(handle, milliseconds) == _WAIT_OBJECT_0)


def _created(handle: int) -> str | None:
    times = _times(handle)
    return str(times[0]) if times else None


def _times(handle: int) -> list[int]:
    """Return when a process was created and ended, and what it had of a processor as the kernel and as itself."""
    times = [wintypes.FILETIME() for _ in range(4)]
    if not _KERNEL32.GetProcessTimes(handle, *[ctypes.byref(each) for each in times]):
        return []
    return [each.dwHighDateTime << 32 | each.dwLowDateTime for each in times]
