"""Virtual time: callbacks in order, and processes that sleep in it. Nothing here waits for anything real."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped]  # gevent brings it, untyped

if TYPE_CHECKING:
    from collections.abc import Callable


class Hub:
    """The one clock of a simulation, in seconds since it began."""

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0
        self._main = getcurrent()

    def at(self, when: float, deed: Callable[[], object]) -> None:
        """Do `deed` at `when`, and in the order asked for where times are equal."""
        self._count += 1
        heapq.heappush(self._queue, (max(when, self.now), self._count, deed))

    def every(self, period_s: float, deed: Callable[[], object], first: float = 0.0) -> None:
        """Do `deed` again and again, from `first` on."""

        def again() -> None:
            deed()
            self.at(self.now + period_s, again)

        self.at(first, again)

    def run(self, until: float) -> None:
        """Let time pass."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, deed = heapq.heappop(queue)
            deed()
        self.now = until

    def switch_back(self) -> None:
        self._main.switch()


class Process:
    """A program that runs in virtual time: `body` may `sleep`, and can be killed wherever it does."""

    def __init__(self, hub: Hub, body: Callable[[Process], None]) -> None:
        self._hub = hub
        self._thread = greenlet(lambda: body(self))
        self._naps = 0
        hub.at(hub.now, self._thread.switch)

    @property
    def is_over(self) -> bool:
        return bool(self._thread.dead)

    def sleep(self, seconds: float) -> None:
        """Let others go on; return after so long, or when woken."""
        self._naps += 1
        nap = self._naps
        self._hub.at(self._hub.now + seconds, lambda: self._wake(nap))
        self._hub.switch_back()

    def wake(self) -> None:
        """End the nap it is in."""
        self._hub.at(self._hub.now, lambda nap=self._naps: self._wake(nap))  # type: ignore[misc]

    def kill(self) -> None:
        """End it where it stands. What `finally` does there is not prevented: whoever kills makes that harmless."""
        self._naps += 1
        if self._thread.gr_frame is None:  # not begun, or over
            self._thread = greenlet(lambda: None)
            self._thread.switch()
        else:
            self._thread.throw(GreenletExit)

    def _wake(self, nap: int) -> None:
        if nap == self._naps and not self._thread.dead:
            self._naps += 1
            self._thread.switch()
