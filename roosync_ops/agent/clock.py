"""Time as the loop sees it. Everything it knows of time comes from here, so that a simulator can stand in."""

from __future__ import annotations

import os
import select
import signal
import sys
import time

from roosync_ops.wire.typed import Any

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Clock(Protocol):
        """What the loop asks of time. `wait` returns early once stopping; `stopping` never turns false again."""

        def wall_ms(self) -> int: ...

        def monotonic_ns(self) -> int: ...

        def wait(self, seconds: float) -> None: ...

        def stopping(self) -> bool: ...


class SystemClock:
    """The machine's clocks, and SIGTERM and SIGINT as the request to stop.

    A signal's handler only writes to a pipe that `wait` selects on: setting an Event there could dead-lock with the
    very wait it interrupts.
    """

    def __init__(self) -> None:
        self._stopping = False
        self._pipe: tuple[int, int] | None = None

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

    def listen(self, instance: str, request: str) -> None:
        """Where there are no signals: take what names `instance` as the request to stop, and the file `request` too."""

    def begin(self) -> None:
        """Forget what was asked of an earlier loop. Call once this is the only one."""

    def _stop(self, _number: int, _frame: Any) -> None:
        self._stopping = True

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def stopping(self) -> bool:
        return self._stopping

    def wait(self, seconds: float) -> None:
        """Wait `seconds`, less where a signal comes."""
        if self._stopping or seconds <= 0:
            return
        if self._pipe is None:
            time.sleep(seconds)
            return
        if select.select([self._pipe[0]], [], [], seconds)[0]:
            try:  # noqa: SIM105 - contextlib is memory held for months
                os.read(self._pipe[0], 64)
            except BlockingIOError:
                pass
