"""Time as the loop sees it. Everything it knows of time comes from here, so that a simulator can stand in."""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Any

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
