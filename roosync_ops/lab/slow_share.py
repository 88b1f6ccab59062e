"""So much of FUSE, by linux/fuse.h, as leads to a share: for the first minute each look-up of it is late.

Standard library only: it runs in the program of mounts.py.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import time

#: A share that was just mounted keeps each touch waiting, and for how long it does, in s: 23, 54 and 70 were measured.
TOUCH_S, COLD_S = 30.0, 60.0
#: The longest request: buffers are of a page.
MAX_REQUEST = 1 << 16
_LOOKUP, _GETATTR, _INIT = 1, 3, 26
#: FORGET, INTERRUPT, BATCH_FORGET.
_UNANSWERED = (2, 36, 42)
_INIT_REPLY = struct.pack("<IIIIHHIIHHI28x", 7, 31, 4096, 0, 12, 9, 4096, 1, 1, 0, 0)
#: How often a fault that is over is noticed, in s.
_WAKE_S = 0.1
#: The node of the share, in the folder that is 1.
_SHARE = 2


class SlowShare:
    """The folder around a share, in which nothing but its `name` is found; the share itself is mounted there.

    A touch is what comes in by the share's path, which takes a look-up of its name. What follows on a file that is open
    takes none. Touches are late from `turn_cold` on.
    """

    def __init__(self, name: str) -> None:
        self._name = os.fsencode(name)
        self._waiting: list[tuple[float, bytes]] = []
        self._cold_until = 0.0

    def turn_cold(self) -> None:
        self._cold_until = time.monotonic() + COLD_S

    def wait_s(self) -> float:
        """Return how long until there may be something to do."""
        return min([_WAKE_S, *(max(0.0, at - time.monotonic()) for at, _ in self._waiting)])

    def take(self, request: bytes) -> None:
        """Keep a request until it is to be answered."""
        now = time.monotonic()
        (code,) = struct.unpack_from("<4xI", request)
        if code not in _UNANSWERED:
            self._waiting.append((now + TOUCH_S if code == _LOOKUP and now < self._cold_until else now, request))

    def due(self) -> list[bytes]:
        """Return what is to be said to each request that has waited long enough."""
        now = time.monotonic()
        ready = [request for at, request in self._waiting if at <= now]
        self._waiting = [held for held in self._waiting if held[0] > now]
        return [self._reply(request) for request in ready]

    def _reply(self, request: bytes) -> bytes:
        code, unique, node = struct.unpack_from("<4xIQQ", request)
        error, said = 0, b""
        if code == _INIT:
            said = _INIT_REPLY
        elif code == _GETATTR:
            said = bytes(16) + _attributes(node)
        elif code != _LOOKUP:
            error = -errno.ENOSYS  # the kernel does without
        elif request[40:].rstrip(b"\0") == self._name:
            said = struct.pack("<Q32x", _SHARE) + _attributes(_SHARE)  # not to be remembered: each touch looks it up
        else:
            error = -errno.ENOENT
        return struct.pack("<IiQ", 16 + len(said), error, unique) + said


def _attributes(node: int) -> bytes:
    """Return linux/fuse.h's fuse_attr of a folder."""
    return struct.pack("<Q52x4I12x", node, stat.S_IFDIR | 0o755, 2, os.geteuid(), os.getegid())
