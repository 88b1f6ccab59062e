r"""One loop per machine, whichever user or local folder it is started from.

loop.lock lies in a local folder and so says nothing about an agent that lives in another user's. A name in Linux's
abstract socket namespace, or in Windows' `Global\`, is the machine's own: no file, and gone with the process that
holds it.
"""

from __future__ import annotations

import errno
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What a name is taken for; no other program has a reason to use it.
_PREFIX = "\0roosync-heartbeat/"
#: Events and mutexes share their names there, and the event that stops the loop has the plain one.
_WINDOWS_PREFIX = "Global\\roosync-heartbeat-loop-"


class Claim:
    """The machine's one place for a loop of `instance`, held until released or until the process ends."""

    def __init__(self, held: Any) -> None:
        self._held = held

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def claim(instance: str) -> Claim | None:
    """Take the place; None where another loop has it. On systems without such names there is nothing to take."""
    if sys.platform == "win32":
        return _claim_name(instance)
    if not sys.platform.startswith("linux"):
        return Claim(None)
    import _socket  # noqa: PLC0415 - `socket` itself is 200 kB more, held for months

    held = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    try:
        held.bind(_PREFIX + instance)
    except OSError as error:
        held.close()
        if error.errno == errno.EADDRINUSE:
            return None
        return Claim(None)  # a sandbox without sockets: loop.lock alone guards
    return Claim(held)


def _claim_name(instance: str) -> Claim | None:
    if sys.platform == "win32":  # for mypy: no other platform has the module
        from .windows import take_name  # noqa: PLC0415 - as above

        try:
            held = take_name(_WINDOWS_PREFIX + instance)
        except OSError:
            return Claim(None)
        return None if held is None else Claim(held)
    return Claim(None)


def is_claimed(instance: str) -> bool:
    """Tell whether some loop on this machine has the place of `instance`."""
    if sys.platform == "win32":
        from .windows import is_taken  # noqa: PLC0415 - as above

        return is_taken(_WINDOWS_PREFIX + instance)
    taken = claim(instance)
    if taken is None:
        return True
    taken.release()
    return False
