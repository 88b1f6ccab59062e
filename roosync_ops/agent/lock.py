"""One lock among this machine's processes: the OS lock that filelock takes, on the same kind of file.

Facts taken from filelock 4 (`_unix.py`, `_windows.py`): on Unix an exclusive `flock` on a file opened read-write,
never unlinked, and void when the file was unlinked between open and lock; on Windows an exclusive `LockFileEx` of one
byte at offset 0, which `LockFile` takes too, at once or not at all. Each excludes the other's holder; tests prove it
both ways.
"""

from __future__ import annotations

import errno
import os
import sys

from roosync_ops.wire.local import FILE_MODE
from roosync_ops.wire.small import wait_until

#: How often a lock that is held is asked for again, in s.
_POLL_S = 0.02
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
#: filelock: some file systems report EACCES for a lock held elsewhere.
_HELD_ELSEWHERE = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK)

#: Windows: another process has the lock.
_LOCK_VIOLATION = 33


def try_lock(descriptor: int) -> bool:
    """Take the lock; False where it is held. OSError: there are no locks here. Its text travels (on_measure)."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - no such library elsewhere
        import msvcrt  # noqa: PLC0415 - as above

        # Not msvcrt.locking, which has one error for a lock that is held and for a volume that knows no locks.
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        if kernel32.LockFile(ctypes.c_void_p(msvcrt.get_osfhandle(descriptor)), 0, 0, 1, 0):
            return True
        code = ctypes.get_last_error()
        if code == _LOCK_VIOLATION:
            return False
        raise ctypes.WinError(code)
    import fcntl  # noqa: PLC0415 - as above

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD_ELSEWHERE:
            return False
        raise
    return True


class Lock:
    """An exclusive lock on `path`, held until released or until the process ends."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Take the lock; False when another process still has it after `timeout_s`. OSError passes through."""
        return wait_until(self._try, timeout_s, _POLL_S)

    def release(self) -> None:
        """Give the lock back; closing the descriptor is what frees it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Lock:  # noqa: PYI034 - Python 3.9 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _try(self) -> bool:
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, _FLAGS, FILE_MODE)
        locked = False
        try:
            # Unlinked between open and lock: this lock guards no name, and the next opener would get another file.
            locked = try_lock(descriptor) and (sys.platform == "win32" or os.fstat(descriptor).st_nlink > 0)
        finally:
            if not locked:
                os.close(descriptor)
        if locked:
            self._descriptor = descriptor
        return locked


def is_held(path: str) -> bool:
    """Return True if some process holds the lock on `path`. Nothing is created; what is no file is not held."""
    probe = Lock(path)
    held = os.path.isfile(path) and not probe.acquire()
    probe.release()
    return held
