"""The permanent loop: a beat at once, then every interval on a monotonic clock, whatever the share does.

Everything it knows of time comes from its clock, so that a simulator can stand in.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Any

from .errors import OK, ProblemError
from .publisher import HeartbeatPublisher
from .view_writer import ViewWriter

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
#: How long the loop sleeps at most before it looks at its clocks: a machine that resumes beats within this, in s.
LOOK_S = 5.0
#: How soon a stuck call's return is noticed, in s.
STUCK_LOOK_S = 0.5
#: While the share is in trouble it is tried this often, in ns: the first good moment is used.
RETRY_NS = 5 * _NS_PER_S
#: Wall clock against monotonic clock: a larger step than this is a suspend or a clock put right, in ms.
JUMP_MS = 2_000
#: How soon a request to stop is seen where it is a file, in s.
_REQUEST_LOOK_S = 0.5


class SystemClock:
    """The machine's clocks, and SIGTERM and SIGINT as the request to stop; on Windows, which has none, a file.

    `wait` returns early once stopping; `stopping` never turns false again.

    A signal's handler only writes to a pipe that `wait` selects on: setting an Event there could dead-lock with the
    very wait it interrupts. What is behind time.monotonic on Windows counts the time a machine sleeps: GetTickCount64,
    and from CPython 3.13 on QueryPerformanceCounter.
    """

    def __init__(self) -> None:
        self._stopping = False
        self._pipe: tuple[int, int] | None = None
        self._request: str | None = None

    def catch_signals(self) -> None:
        """Turn SIGTERM and SIGINT into `stopping`. Main thread only."""
        if sys.platform != "win32":
            self._pipe = os.pipe()
            for end in self._pipe:
                os.set_blocking(end, False)
            signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal it was started from may go
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def listen(self, request: str) -> None:
        """Where there are no signals, take the file `request` as the request to stop."""
        if sys.platform == "win32":
            self._request = request

    def _stop(self, _number: int, _frame: Any) -> None:
        self._stopping = True

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def stopping(self) -> bool:
        self._stopping = self._stopping or (self._request is not None and os.path.exists(self._request))
        return self._stopping

    def wait(self, seconds: float) -> None:
        """Wait `seconds`, less where the end is asked for."""
        until = time.monotonic() + seconds
        while not self.stopping() and (left := until - time.monotonic()) > 0:
            if self._pipe is None:
                time.sleep(min(left, _REQUEST_LOOK_S))
            elif select.select([self._pipe[0]], [], [], left)[0]:
                with suppress(BlockingIOError):
                    os.read(self._pipe[0], 64)


class Loop:
    """Beats until its clock says stop. Time and share are handed in; `step` and `pause` never sleep by themselves."""

    def __init__(self, publisher: HeartbeatPublisher, clock: SystemClock) -> None:
        self.publisher = publisher
        self.clock = clock
        self.view_writer = ViewWriter(publisher)
        self.beats = 0
        self._interval_ns = publisher.config.thresholds.interval_ms * _NS_PER_MS
        self._anchor_ns = clock.monotonic_ns()
        self._due_ns = self._anchor_ns
        self._offset_ms = self._wall_less_monotonic()
        self._was_stuck = False
        self._early_at_ns: int | None = None

    def run(self) -> None:
        """Beat until told to stop, or until something else lies where this loop is found, or nothing."""
        before = None
        while not self.clock.stopping():
            self.step()
            before = before or self.publisher.places.found_by()  # of which the first beat makes one
            self.pause()
            found = self.publisher.places.found_by()
            if None in found or found != before:
                return

    def step(self) -> None:
        """Try one beat, look after the view, and set when the next try is due."""
        now_ms = self.clock.wall_ms()
        good = self._try_beat(now_ms)
        self._was_stuck = self.publisher.share.is_stuck
        self._offset_ms = self._wall_less_monotonic()
        now_ns = self.clock.monotonic_ns()
        # Ticks are counted from the start, so neither a late beat nor a long sleep moves the ones to come.
        ticks = (now_ns - self._anchor_ns) // self._interval_ns + 1
        self._due_ns = self._anchor_ns + ticks * self._interval_ns
        if not good:
            self._due_ns = min(self._due_ns, now_ns + RETRY_NS)

    def pause(self) -> None:
        """Wait until the next beat is due, the machine resumed, a stuck share came back, or the end is asked for."""
        while not self.clock.stopping():
            left_ns = self._due_ns - self.clock.monotonic_ns()
            if left_ns <= 0:
                return
            look = STUCK_LOOK_S if self._was_stuck else LOOK_S
            self.clock.wait(min(left_ns / _NS_PER_S, look))
            if (self._was_stuck and not self.publisher.share.is_stuck) or self._jumped():
                return

    def leave(self) -> bool:
        """Write that this machine leaves; False where it had left already. Raises ProblemError."""
        now_ms = self.clock.wall_ms()
        return self.publisher.attempt(lambda: self._leave(now_ms), now_ms)

    def _leave(self, now_ms: int) -> bool:
        left = self.publisher.leave(now_ms)
        self._tend(now_ms)  # the last keeper's last act: no other machine would tell readers of the view
        return left

    def _try_beat(self, now_ms: int) -> bool:
        """Beat; False where it failed.

        Trouble of the share is in `status`; trouble of the local side shows there as a last beat that grows old. The
        loop goes on in either case.
        """
        try:
            self.publisher.attempt(lambda: self._beat(now_ms), now_ms)
        except ProblemError:
            return False
        return True

    def _beat(self, now_ms: int) -> None:
        self.publisher.beat(now_ms)
        self.beats += 1
        self._tend(now_ms)

    def _tend(self, now_ms: int) -> None:
        try:
            self.view_writer.tend(now_ms)
        except ProblemError as trouble:
            if self.publisher.share.is_stuck:
                raise
            # Our own record is in the share; a view that would not be written is a detail, and the next beat's work.
            self.publisher.note_share(OK, f"heartbeat.json: {trouble.reason}", now_ms)

    def _wall_less_monotonic(self) -> int:
        return self.clock.wall_ms() - self.clock.monotonic_ns() // _NS_PER_MS

    def _jumped(self) -> bool:
        """Return True if the wall clock moved away from the monotonic one: the machine slept, or its clock was set.

        At most one beat an interval is brought forward so: a clock that is set every second must not flood the share.
        """
        offset = self._wall_less_monotonic()
        if abs(offset - self._offset_ms) <= JUMP_MS:
            return False
        self._offset_ms = offset
        now_ns = self.clock.monotonic_ns()
        if self._early_at_ns is not None and now_ns - self._early_at_ns < self._interval_ns:
            return False
        self._early_at_ns = now_ns
        return True
