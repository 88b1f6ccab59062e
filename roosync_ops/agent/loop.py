"""The permanent loop: a beat at once, then every interval on a monotonic clock, whatever the share does."""

from __future__ import annotations

from .clock import SystemClock
from .errors import ProblemError
from .publisher import HeartbeatPublisher
from .share import OK
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


class Loop:
    """Beats until its clock says stop. Time and share are handed in; `step` and `pause` never sleep by themselves."""

    def __init__(self, publisher: HeartbeatPublisher, clock: SystemClock) -> None:
        self.publisher = publisher
        self.clock = clock
        self.view_writer = ViewWriter(publisher)
        self.beats = 0
        self._interval_ns = publisher.config.interval_ms * _NS_PER_MS
        self._anchor_ns = clock.monotonic_ns()
        self._due_ns = self._anchor_ns
        self._offset_ms = self._wall_less_monotonic()
        self._was_stuck = False
        self._early_at_ns: int | None = None

    def run(self) -> None:
        """Beat until told to stop."""
        while not self.clock.stopping():
            self.step()
            self.pause()

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
            if self._share_is_back() or self._jumped():
                return

    def leave(self) -> bool:
        """Write that this machine leaves; False where it had left already. Raises ProblemError."""
        now_ms = self.clock.wall_ms()
        return self.publisher.attempt(lambda: self._leave(now_ms), now_ms)

    def _leave(self, now_ms: int) -> bool:
        left = self.publisher.leave(now_ms)
        self._tend(now_ms)  # the last keeper's last act: nobody else would tell readers of the view
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

    def _share_is_back(self) -> bool:
        back = self._was_stuck and not self.publisher.share.is_stuck
        self._was_stuck = self._was_stuck and not back
        return back

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
