"""Flips handed to commands and notification services, none of which can block or kill the watcher.

Each target has a thread and a bounded queue of its own, and each delivery is a process of its own with a time limit:
whatever hangs, crashes or talks without end in there is ended with it. When a queue is full the oldest flip is dropped
("drop-oldest": what is true now matters more than what was), and that is said.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from roosync_ops.admin.child import end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Where notification URLs may stand instead of on a command line, which everybody on the computer can read.
URL_VARIABLE: Final = "ROOSYNC_NOTIFY_URL"
#: How many flips wait for one target; more are dropped, oldest first.
MAX_QUEUE: Final = 100
#: How long one delivery may take, in s.
TIMEOUT_S: Final = 30.0
#: How long the watcher's end waits for deliveries under way, in s.
GRACE_S: Final = 5.0
#: What a delivery answers is a sentence; no more of it is read.
_MAX_ANSWER: Final = 4_096
_KILL_S: Final = 2.0


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
        self._max_queue = max_queue
        self._queue: collections.deque[dict[str, Any]] = collections.deque()
        self._changed = threading.Condition()
        self._ended = False
        self._busy = False
        self._process: subprocess.Popen[bytes] | None = None
        # A daemon: the interpreter must be able to end whatever a delivery does.
        self._thread = threading.Thread(target=self._work, name=f"deliver {target.name}", daemon=True)
        self._thread.start()

    def put(self, flip: dict[str, Any]) -> None:
        """Queue a flip; the oldest goes where there is no room."""
        dropped = False
        with self._changed:
            if self._ended:
                return
            if len(self._queue) >= self._max_queue:
                self._queue.popleft()
                self.dropped += 1
                dropped = True
            self._queue.append(flip)
            self._changed.notify_all()
        if dropped and self.dropped in (1, 10, 100, 1000):
            self._tell(f"{self.target.name} is too slow: {self.dropped} dropped so far, oldest first")

    def close(self, grace_s: float = GRACE_S) -> None:
        """End within `grace_s` s; what was not delivered by then is said."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queue and not self._busy, grace_s)
            self._ended = True
            left = len(self._queue) + self._busy
            self._queue.clear()
            self._changed.notify_all()
            process = self._process
        if process is not None:
            _end(process)
        self._thread.join(_KILL_S)
        if left:
            self._tell(f"{self.target.name}: {left} not delivered at the end")

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._ended)
                if self._ended:
                    return
                flip = self._queue.popleft()
                self._busy = True
            problem = self._deliver(flip)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                ended = self._ended
            if problem is not None and not ended:
                self._tell(f"{self.target.name} failed: {problem}")

    def _deliver(self, flip: dict[str, Any]) -> str | None:
        """Run the target once; return what went wrong, None for nothing."""
        try:
            process = self._start(flip)
        except (OSError, ValueError) as error:
            return f"cannot be started: {getattr(error, 'strerror', None) or type(error).__name__}"
        try:
            return self._wait(process, self._input(flip))
        finally:
            _end(process)
            with self._changed:
                self._process = None

    def _start(self, flip: dict[str, Any]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - the operator's own command, as words, without a shell
            self.target.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if self.target.secret is not None else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**_without_secrets(), **environment(flip)},
            start_new_session=os.name == "posix",
        )
        with self._changed:
            self._process = process
        return process

    def _wait(self, process: subprocess.Popen[bytes], given: bytes) -> str | None:
        """Give the process its input and wait for it. One that does not read has as long as one that does not end."""
        answer: list[bytes] = []
        talk = threading.Thread(target=_talk, args=(process, given, answer), daemon=True)
        talk.start()
        try:
            code = process.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            return f"no end after {self._timeout_s:g} s; killed"
        talk.join(_KILL_S)
        if code == 0:
            return None
        told = b"".join(answer).decode("utf-8", "replace").strip()
        return told or f"exit code {code}"

    def _input(self, flip: dict[str, Any]) -> bytes:
        document = flip if self.target.secret is None else {"url": self.target.secret, "flip": flip}
        return json.dumps(document).encode("ascii") + b"\n"


def _talk(process: subprocess.Popen[bytes], given: bytes, answer: list[bytes]) -> None:
    """Write and read what a process may never read or write; the pipes are this thread's, to close as well."""
    if process.stdin is not None:
        with suppress(OSError), process.stdin as pipe:
            pipe.write(given)
    if process.stdout is not None:
        with suppress(OSError), process.stdout as pipe:
            answer.append(pipe.read(_MAX_ANSWER))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a delivery that has not ended, with all it started; one that has may leave a child behind it."""
    if process.poll() is None:
        end(process)


def _without_secrets() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != URL_VARIABLE}


def environment(flip: dict[str, Any]) -> dict[str, str]:
    """Return `ROOSYNC_FLIP_*` for a command: MACHINE (empty for the share), FROM, TO, AT, REASON, PLANNED, FLAPPING."""
    return {
        "ROOSYNC_FLIP_MACHINE": flip["machineId"] or "",
        "ROOSYNC_FLIP_FROM": flip["from"],
        "ROOSYNC_FLIP_TO": flip["to"],
        "ROOSYNC_FLIP_AT": flip["at"],
        "ROOSYNC_FLIP_REASON": flip["reason"],
        "ROOSYNC_FLIP_PLANNED": "1" if flip["planned"] else "0",
        "ROOSYNC_FLIP_FLAPPING": "1" if flip["flapping"] else "0",
        "ROOSYNC_FLIP_TEXT": flip.get("text") or "",
    }


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
