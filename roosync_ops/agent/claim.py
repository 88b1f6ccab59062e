"""One loop per machine, whichever user or local folder it is started from.

loop.lock lies in a local folder and so says nothing about an agent that lives in another user's. A name in Linux's
abstract socket namespace is the machine's own: no file, no permission, and gone with the process that holds it.
"""

from __future__ import annotations

import errno
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What a name is taken for; no other program has a reason to use it.
_PREFIX = "\0roosync-heartbeat/"


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


def is_claimed(instance: str) -> bool:
    """Tell whether some loop on this machine has the place of `instance`."""
    taken = claim(instance)
    if taken is None:
        return True
    taken.release()
    return False
