r"""One holder among this machine's processes: of a lock on a file, and of the machine's one place for a loop.

A lock is the OS lock that filelock takes, on the same kind of file.

Facts taken from filelock 4 (`_unix.py`, `_windows.py`): on Unix an exclusive `flock` on a file opened read-write,
never unlinked, and void when the file was unlinked between open and lock; on Windows an exclusive `LockFileEx` of one
byte at offset 0, which `LockFile` takes too, at once or not at all. Each excludes the other's holder; tests prove it
both ways.

loop.lock lies in a local folder and so says nothing about an agent that lives in another user's. A name in Linux's
abstract socket namespace, or in Windows' `Global\`, is the machine's own: no file, and gone with the process that
holds it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from roosync_ops.wire.local import FILE_MODE
from roosync_ops.wire.small import suppress, wait_until
from roosync_ops.wire.typed import Callable

#: How often a lock that is held is asked for again, in s.
_POLL_S = 0.02
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
#: filelock: some file systems report EACCES for a lock held elsewhere.
_HELD_ELSEWHERE = (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK)

#: Windows: another process has the lock.
_LOCK_VIOLATION = 33
#: What a name is taken for; no other program has a reason to use it.
_PREFIX = "\0roosync-heartbeat/"
_WINDOWS_PREFIX = "Global\\roosync-heartbeat-loop-"
#: `<descriptor> <pid> <instance>` of a place that was taken before the loop's own image began.
HANDED_OVER = "ROOSYNC_CLAIM"


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


class Claim:
    """The machine's one place for a loop, held until closed or until the process ends; there may be none to hold."""

    def __init__(self, number: int | None = None, give_back: Callable[[int], object] = os.close) -> None:
        self.number = number
        self._give_back = give_back

    def close(self) -> None:
        if self.number is not None:
            self._give_back(self.number)


def claim(instance: str) -> Claim | None:
    """Take the place; None where another loop has it. On systems without such names there is nothing to take."""
    if sys.platform == "win32":
        from .windows import close_handle, take_name  # noqa: PLC0415 - each platform loads its own

        with suppress(OSError):  # no such names here: loop.lock alone guards
            handle = take_name(_WINDOWS_PREFIX + instance)
            return None if handle is None else Claim(handle, close_handle)
    if not sys.platform.startswith("linux"):
        return Claim()
    handed_over = _handed_over(instance)
    if handed_over is not None:
        return Claim(handed_over)
    import _socket  # noqa: PLC0415 - `socket` itself is 200 kB more, held for months

    held = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    try:
        held.bind(_PREFIX + instance)
    except OSError as error:
        held.close()
        # else a sandbox without sockets: loop.lock alone guards
        return None if error.errno == errno.EADDRINUSE else Claim()
    return Claim(held.detach())


def hand_over(instance: str) -> None:
    """Take the place for the image that replaces this one by exec: with it `_socket` is gone, the name is not.

    Where another has it, nothing is handed over, and the next image finds that out for itself.
    """
    taken = claim(instance)
    if taken is not None and taken.number is not None:
        os.set_inheritable(taken.number, True)
        os.environ[HANDED_OVER] = f"{taken.number} {os.getpid()} {instance}"


def _handed_over(instance: str) -> int | None:
    """Return what this process took before its exec. The pid says that it was this one, and no parent of it."""
    number, _, owner = os.environ.pop(HANDED_OVER, "").partition(" ")
    if owner == f"{os.getpid()} {instance}" and number.isdecimal():
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(number)).st_mode):
                os.set_inheritable(int(number), False)
                return int(number)
    return None


def is_claimed(instance: str) -> bool:
    """Return True if some loop on this machine has the place of `instance`; a look at it takes nothing."""
    if sys.platform == "win32":
        from .windows import is_taken  # noqa: PLC0415 - as above

        return is_taken(_WINDOWS_PREFIX + instance)
    import _socket  # noqa: PLC0415 - as above

    asking = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    try:
        asking.connect(_PREFIX + instance)
    except OSError:
        return False
    finally:
        asking.close()
    return True
