"""One instance's processes: a job object, so that they end together. subprocess cannot start a process suspended."""

import ctypes
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from ctypes import wintypes

assert sys.platform == "win32"

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_CREATE_SUSPENDED, _CREATE_NO_WINDOW, _NEW_GROUP, _USE_HANDLES, _STILL_ACTIVE = 0x4, 0x08000000, 0x200, 0x100, 259
#: A Linux system call by its number and two arguments, in the Windows calling convention; and what is called.
_SYSCALL = bytes.fromhex("5756 4889c8 4889d7 4c89c6 0f05 5e5f c3".replace(" ", ""))
_UNSHARE, _UMOUNT2, _NEW_MOUNTS_AND_FS, _DETACH, _EXECUTABLE = 272, 166, 0x0002_0200, 2, 0x40
#: ERROR_INTERNAL_ERROR: under Wine on a busy machine the new process died before its first instruction; tried again.
_WINE_LOST_IT = 1359
_GENERIC_READ_WRITE, _SHARE_ALL, _OPEN_EXISTING = 0xC0000000, 7, 3


class _Startup(ctypes.Structure):
    _fields_ = (
        ("cb", wintypes.DWORD),
        ("reserved", wintypes.LPWSTR),
        ("desktop", wintypes.LPWSTR),
        ("title", wintypes.LPWSTR),
        *((name, wintypes.DWORD) for name in ("x", "y", "width", "height", "columns", "lines", "fill", "flags")),
        ("show", wintypes.WORD),
        ("reserved_size", wintypes.WORD),
        ("reserved_bytes", ctypes.c_void_p),
        *((name, wintypes.HANDLE) for name in ("stdin", "stdout", "stderr")),
    )


class _Information(ctypes.Structure):
    _fields_ = (
        ("process", wintypes.HANDLE),
        ("thread", wintypes.HANDLE),
        ("process_id", wintypes.DWORD),
        ("thread_id", wintypes.DWORD),
    )


class _Inheritable(ctypes.Structure):
    _fields_ = (("length", wintypes.DWORD), ("descriptor", ctypes.c_void_p), ("inherit", wintypes.BOOL))


for _name in ("CreateFileW", "CreateJobObjectW"):
    getattr(_kernel, _name).restype = wintypes.HANDLE


def hresult(error: int) -> int:
    """HRESULT_FROM_WIN32: how Last Run Result shows a Win32 error."""
    return 0x80070000 | (error & 0xFFFF)


def _null() -> int:
    # a Windows Python under Wine dies at its start where a standard stream is closed: the null device is an open one
    inheritable = _Inheritable(ctypes.sizeof(_Inheritable), None, True)
    handle = _kernel.CreateFileW(
        "NUL", _GENERIC_READ_WRITE, _SHARE_ALL, ctypes.byref(inheritable), _OPEN_EXISTING, 0, None
    )
    return int(handle)


def _lose_the_drive() -> None:
    """Take the drive from what the calling thread starts from now on: the elevated token has drive letters of its own.

    Under Wine a process is forked by the thread that asks for it, and a thread may have mounts of its own.
    """
    code = ctypes.create_string_buffer(_SYSCALL)
    size = ctypes.c_size_t(len(_SYSCALL))
    _kernel.VirtualProtect(ctypes.byref(code), size, _EXECUTABLE, ctypes.byref(wintypes.DWORD()))
    call = ctypes.CFUNCTYPE(ctypes.c_longlong, ctypes.c_longlong, ctypes.c_void_p, ctypes.c_longlong)(
        ctypes.addressof(code)
    )
    drive = ctypes.create_string_buffer(b"/srv/drive")
    if call(_UNSHARE, _NEW_MOUNTS_AND_FS, 0) or call(_UMOUNT2, ctypes.addressof(drive), _DETACH):
        raise OSError("the elevated token's drive letters cannot be its own here")


#: Starts what is elevated.
_elevated = ThreadPoolExecutor(1, initializer=_lose_the_drive)


def start(command: str, arguments: str, directory: str, *, elevated: bool) -> "Process":
    """Start a process with the ordinary token, which sees the drive, or with the elevated one, which does not."""
    if elevated:
        return _elevated.submit(Process, command, arguments, directory, elevated=True).result()
    return Process(command, arguments, directory, elevated=False)


class Process:
    """A process and all it starts, by its command line and folder. OSError with `winerror` if it cannot be started."""

    def __init__(self, command: str, arguments: str, directory: str, *, elevated: bool) -> None:
        line = f'"{os.path.expandvars(command).strip(chr(34))}" {arguments}'.rstrip()
        folder = os.path.expandvars(directory) if directory else os.path.expandvars(r"%SystemRoot%\system32")
        os.environ["WINLAB_TOKEN"] = "elevated" if elevated else "ordinary"  # inherited
        null, info, start = _null(), _Information(), _Startup(flags=_USE_HANDLES)
        start.cb, start.stdin, start.stdout, start.stderr = ctypes.sizeof(start), null, null, null
        flags = _CREATE_SUSPENDED | _CREATE_NO_WINDOW | _NEW_GROUP
        buffer = ctypes.create_unicode_buffer(line)
        for left in range(5, -1, -1):
            made = _kernel.CreateProcessW(
                None, buffer, None, None, True, flags, None, folder, ctypes.byref(start), ctypes.byref(info)
            )
            error = ctypes.get_last_error()
            if made or error != _WINE_LOST_IT or not left:
                break
            time.sleep(0.5)
        _kernel.CloseHandle(wintypes.HANDLE(null))
        if not made:
            raise OSError(0, "CreateProcess", line, error)
        self.pid, self._process, self._job = info.process_id, wintypes.HANDLE(info.process), self._enter(info)

    @staticmethod
    def _enter(info: _Information) -> wintypes.HANDLE:
        job = wintypes.HANDLE(_kernel.CreateJobObjectW(None, None))
        _kernel.AssignProcessToJobObject(job, wintypes.HANDLE(info.process))
        _kernel.ResumeThread(wintypes.HANDLE(info.thread))
        _kernel.CloseHandle(wintypes.HANDLE(info.thread))
        return job

    def code(self) -> int | None:
        """The exit code of the process that was started itself, None while it runs."""
        if _kernel.WaitForSingleObject(self._process, 0):
            return None
        code = wintypes.DWORD()
        _kernel.GetExitCodeProcess(self._process, ctypes.byref(code))
        return code.value

    def terminate(self) -> None:
        """End the process and everything it started."""
        _kernel.TerminateJobObject(self._job, 1)

    def close(self) -> None:
        """Let go of it; what still runs goes on."""
        _kernel.CloseHandle(self._process)
        _kernel.CloseHandle(self._job)
