r"""One loop per machine, whichever user or local folder it is started from.

loop.lock lies in a local folder and so says nothing about an agent that lives in another user's. A name in Linux's
abstract socket namespace, or in Windows' `Global\`, is the machine's own: no file, and gone with the process that
holds it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from roosync_ops.wire.small import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .windows import Handle

#: What a name is taken for; no other program has a reason to use it.
_PREFIX = "\0roosync-heartbeat/"
_WINDOWS_PREFIX = "Global\\roosync-heartbeat-loop-"
#: `<descriptor> <pid> <instance>` of a place that was taken before the loop's own image began.
HANDED_OVER = "ROOSYNC_CLAIM"


class Claim:
    """The machine's one place for a loop, held by a descriptor until closed or until the process ends."""

    def __init__(self, number: int | None = None) -> None:
        self.number = number

    def close(self) -> None:
        if self.number is not None:
            os.close(self.number)


def claim(instance: str) -> Claim | Handle | None:
    """Take the place; None where another loop has it. On systems without such names there is nothing to take."""
    if sys.platform == "win32":
        from .windows import take_name  # noqa: PLC0415 - each platform loads its own

        with suppress(OSError):  # no such names here: loop.lock alone guards
            return take_name(_WINDOWS_PREFIX + instance)
    if not sys.platform.startswith("linux"):
        return Claim()
    handed_over = _handed_over(instance)
    if handed_over is not None:
        return handed_over
    import _socket  # noqa: PLC0415 - `socket` itself is 200 kB more, held for months

    held = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    try:
        held.bind(_PREFIX + instance)
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            return None
        return Claim()  # a sandbox without sockets: loop.lock alone guards
    return Claim(held.detach())


def hand_over(instance: str) -> None:
    """Take the place for the image that replaces this one by exec: with it `_socket` is gone, the name is not.

    Where another has it, nothing is handed over, and the next image finds that out for itself.
    """
    taken = claim(instance) if sys.platform.startswith("linux") else None
    if isinstance(taken, Claim) and taken.number is not None:
        os.set_inheritable(taken.number, True)
        os.environ[HANDED_OVER] = f"{taken.number} {os.getpid()} {instance}"


def _handed_over(instance: str) -> Claim | None:
    """Return what this process took before its exec. The pid says that it was this one, and no parent of it."""
    number, _, owner = os.environ.pop(HANDED_OVER, "").partition(" ")
    if owner != f"{os.getpid()} {instance}" or not number.isdecimal():
        return None
    try:
        if not stat.S_ISSOCK(os.fstat(int(number)).st_mode):
            return None
        os.set_inheritable(int(number), False)
    except OSError:
        return None
    return Claim(int(number))


def is_claimed(instance: str) -> bool:
    """Return True if some loop on this machine has the place of `instance`."""
    if sys.platform == "win32":
        from .windows import is_taken  # noqa: PLC0415 - as above

        return is_taken(_WINDOWS_PREFIX + instance)
    taken = claim(instance)
    if taken is None:
        return True
    taken.close()
    return False
