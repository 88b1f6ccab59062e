"""Flips handed to commands and notification services, none of which can block or kill the watcher.

Each target has a thread and a bounded queue of its own, and each delivery is a process of its own with a time limit:
whatever hangs, crashes or talks without end in there is ended with it. When a queue is full the oldest flip is dropped
("drop-oldest": what is true now matters more than what was), and that is said.
"""

import collections
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from roosync_ops import process

#: Where notification URLs may stand instead of on a command line, which every user of the computer can read.
URL_VARIABLE: Final = "ROOSYNC_NOTIFY_URL"
#: How many flips wait for one target; more are dropped, oldest first.
MAX_QUEUE: Final = 100
#: How long one delivery may take, in s.
TIMEOUT_S: Final = 30.0
#: How long the watcher's end waits for deliveries under way, in s.
GRACE_S: Final = 5.0
#: Linux takes 131,072 bytes in a variable, Windows 32,767 characters in all of them together.
_MAX_VALUE: Final = 4096
#: What a delivery answers is a sentence; no more of it is read.
_MAX_ANSWER: Final = 4_096
_KILL_S: Final = 2.0
#: Of a flip, what a command's environment has as words.
_TOLD: Final = ("machine", "from", "to", "at", "reason", "text")
_FLAGS: Final = ("planned", "flapping")


class Target(NamedTuple):
    """Where flips go: a command line, never through a shell. `name` may be printed; secrets are in `secret` alone."""

    name: str
    argv: tuple[str, ...]
    #: Given on standard input, before the flip, in the same JSON document.
    secret: str | None = None


class Delivery:
    """Delivers to one target. `tell` gets one line for each failure; no call here waits."""

    def __init__(
        self,
        target: Target,
        tell: Callable[[str], None],
        *,
        timeout_s: float = TIMEOUT_S,
        max_queue: int = MAX_QUEUE,
    ) -> None:
        self.target = target
        self.dropped = 0
        self._tell = tell
        self._timeout_s = timeout_s
        self._waiting: collections.deque[dict[str, Any]] = collections.deque(maxlen=max_queue)
        self._busy = self._ended = False
        self._changed = threading.Condition()
        # A daemon: the interpreter must be able to end whatever a delivery does.
        self._thread = threading.Thread(target=self._work, name=f"deliver {target.name}", daemon=True)
        self._thread.start()

    def put(self, flip: dict[str, Any]) -> None:
        """Queue a flip; the oldest goes where there is no room."""
        with self._changed:
            if self._ended:
                return
            is_full = len(self._waiting) == self._waiting.maxlen
            self._waiting.append(flip)
            self._changed.notify_all()
        self.dropped += is_full
        if is_full and self.dropped in (1, 10, 100, 1000):
            self._tell(f"{self.target.name} is too slow: {self.dropped} dropped so far, oldest first")

    def close(self, grace_s: float = GRACE_S) -> None:
        """End within `grace_s` s; what was not delivered by then is said."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._busy, grace_s)
            self._ended = True
            left = len(self._waiting) + self._busy
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join(_KILL_S)
        if left:
            self._tell(f"{self.target.name}: {left} not delivered at the end")

    def _work(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                self._busy, flip = True, self._waiting.popleft()
            problem = self._deliver(flip)
            if problem is not None and not self._ended:
                self._tell(f"{self.target.name} failed: {problem}")

    def _deliver(self, flip: dict[str, Any]) -> str | None:
        """Run the target once; return what went wrong, None for nothing."""
        secret = self.target.secret
        given = json.dumps(flip if secret is None else {"url": secret, "flip": flip}).encode("ascii") + b"\n"
        ours = {**os.environ, **environment(flip)}
        ours.pop(URL_VARIABLE, None)
        heard = 0 if secret is None else process.MAX_ERR_BYTES
        try:
            done = process.within(
                self._timeout_s, self.target.argv, given, environment=ours, max_out=heard, watch=lambda: not self._ended
            )
        except process.ChildError as error:
            return str(error) if error.ended else f"cannot be started: {error}"
        if done.code == 0:
            return None
        return done.out[:_MAX_ANSWER].decode("utf-8", "replace").strip() or f"exit code {done.code}"


def environment(flip: dict[str, Any]) -> dict[str, str]:
    """Return `ROOSYNC_FLIP_*` for a command: MACHINE (empty for the share), FROM, TO, AT, REASON, PLANNED, FLAPPING.

    What no environment can hold is left out of it: the whole flip is on standard input.
    """
    told = {**flip, "machine": flip["machineId"]} | {name: str(int(flip[name])) for name in _FLAGS}
    fit = {name: (told.get(name) or "").replace("\0", "")[:_MAX_VALUE] for name in (*_TOLD, *_FLAGS)}
    # no lone surrogate
    return {f"ROOSYNC_FLIP_{name.upper()}": value.encode("utf-8", "replace").decode() for name, value in fit.items()}


def notification(number: int, url: str) -> Target:
    """Return the target for a notification URL; its name tells the kind of service alone: the rest may be secret."""
    scheme, found, _ = url.partition("://")
    kind = scheme if found and scheme.isascii() and scheme.isalnum() else "?"
    argv = (sys.executable, "-m", "roosync_ops.watch.notifier")
    return Target(f"notification {number} ({kind[:20]}://…)", argv, url)


def close_all(deliveries: Sequence[Delivery], grace_s: float = GRACE_S) -> None:
    """End all within `grace_s` s together."""
    end = time.monotonic() + grace_s
    for delivery in deliveries:
        delivery.close(max(0.0, end - time.monotonic()))
