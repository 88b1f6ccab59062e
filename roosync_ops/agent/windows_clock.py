"""Time on Windows, where no signal asks a process to stop: a named event does, and a file beside it."""

from __future__ import annotations

import os
import sys

from .clock import SystemClock

if sys.platform != "win32":
    raise ImportError("Windows alone")

from .windows import Event

#: Ctrl-C only sets a flag while the system waits; where a person may press it, it is looked at so often, in s.
_CONSOLE_LOOK_S = 0.25


def stop_event(instance: str) -> str:
    """Return the name of the event that asks the loop of `instance` to stop."""
    return f"Global\\roosync-heartbeat-{instance}"


class WindowsClock(SystemClock):
    """The machine's clocks. What is behind time.monotonic counts the time a machine sleeps.

    That is GetTickCount64, and from CPython 3.13 on QueryPerformanceCounter.
    """

    def __init__(self) -> None:
        super().__init__()
        self._event: Event | None = None
        self._request: str | None = None
        self._has_console = sys.stdin is not None

    def listen(self, instance: str, request: str) -> None:
        """The file is for a caller whose integrity level may not touch an event of a task with highest privileges."""
        try:
            self._event = Event(stop_event(instance))
        except OSError:
            self._event = None
        self._request = request

    def begin(self) -> None:
        if self._event is not None:
            self._event.clear()
        if self._request is not None and os.path.exists(self._request):
            os.unlink(self._request)

    def stopping(self) -> bool:
        asked = self._request is not None and os.path.exists(self._request)
        self._stopping = self._stopping or asked or self._asked(0)
        return self._stopping

    def wait(self, seconds: float) -> None:
        """Wait `seconds`, less where the end is asked for."""
        left_s = seconds
        while left_s > 0 and not self._stopping:
            part = min(left_s, _CONSOLE_LOOK_S) if self._has_console else left_s
            if self._asked(part):
                self._stopping = True
            left_s -= part

    def _asked(self, seconds: float) -> bool:
        if self._event is not None:
            return self._event.wait(seconds)
        super().wait(seconds)
        return False
