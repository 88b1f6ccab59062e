"""The terminal while a watcher runs: keys without Enter, a table in place, and all as it was at the end."""

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, Final, Self

#: How often a Windows console, which cannot be waited on with the rest, is asked for a key, in s.
_KEY_POLL_S: Final = 0.1


class Terminated(BaseException):  # an order, as KeyboardInterrupt is, not an error
    """SIGTERM or SIGHUP came."""


class Endings:
    """SIGTERM and SIGHUP end the block with Terminated; Ctrl-C with KeyboardInterrupt. Neither inside `whole`."""

    def __init__(self) -> None:
        self._guarded = False
        self._came: type[BaseException] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for name, ending in (("SIGTERM", Terminated), ("SIGHUP", Terminated), ("SIGINT", KeyboardInterrupt)):
            number = getattr(signal, name, None)
            if number is not None:
                self._before[number] = signal.signal(number, partial(self._heard, ending))
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let nothing end the block half way: what was remembered as told is handed over as well."""
        self._guarded = True
        try:
            yield
        finally:
            self._guarded = False
            came, self._came = self._came, None
            if came is not None:
                raise came

    def _heard(self, ending: type[BaseException], _number: int, _frame: FrameType | None) -> None:
        if not self._guarded:
            raise ending
        self._came = ending


class Keys:
    """The keys typed while the block runs, each at once and without an echo. The terminal is as before at its end."""

    def __init__(self) -> None:
        self._saved: Any = None
        self._descriptor = -1

    def __enter__(self) -> Self:
        if sys.stdin is not None and sys.stdin.isatty() and os.name == "posix":
            import termios  # noqa: PLC0415 - not on Windows
            import tty  # noqa: PLC0415 - as above

            self._descriptor = sys.stdin.fileno()
            self._saved = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor, termios.TCSANOW)
        return self

    def __exit__(self, *_: object) -> None:
        if self._saved is not None:
            import termios  # noqa: PLC0415 - as above

            # A terminal that went away needs nothing put back.
            with suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._saved)

    def wait(self, seconds: float) -> str:
        """Wait for a key, at most `seconds`; return it in lower case, empty where none came."""
        if os.name == "nt" and sys.stdin is not None and sys.stdin.isatty():
            return _wait_windows(seconds)
        if self._saved is None:
            time.sleep(max(0.0, seconds))
            return ""
        if not select.select([self._descriptor], [], [], max(0.0, seconds))[0]:
            return ""
        raw = os.read(self._descriptor, 1)
        if not raw:  # the terminal is gone
            raise Terminated
        return raw.decode("ascii", "replace").lower()


def _wait_windows(seconds: float) -> str:
    import msvcrt  # noqa: PLC0415 - on Windows alone

    console: Any = msvcrt
    end = time.monotonic() + seconds
    while not console.kbhit():
        left = end - time.monotonic()
        if left <= 0:
            return ""
        time.sleep(min(_KEY_POLL_S, left))
    return str(console.getwch()).lower()


class Screen:
    """A text that is drawn in place, below what the terminal showed before. Drawn again only where it changed."""

    def __init__(self, *, color: bool) -> None:
        from rich.console import Console  # noqa: PLC0415 - 60 ms that only a terminal needs
        from rich.live import Live  # noqa: PLC0415 - as above

        self._console = Console(color_system="standard" if color else None, highlight=False, markup=False)
        self._live = Live(console=self._console, auto_refresh=False, screen=False, vertical_overflow="crop")
        self._drawn: tuple[str, tuple[int, int]] | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a terminal that went away
            self._live.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the terminal to something else while the block runs."""
        self._live.stop()
        try:
            yield
        finally:
            self._drawn = None
            self._live.start()

    def draw(self, make: Callable[[int, int], str]) -> None:
        """Draw what `make(width, height)` returns, if it is not what is there."""
        from rich.text import Text  # noqa: PLC0415 - as above

        width, height = self._console.size
        text = make(width, height - 1)
        if (text, (width, height)) == self._drawn:
            return
        if self._drawn is not None and self._drawn[1] != (width, height):
            self._console.clear()  # the terminal has wrapped what was there: it cannot be gone back over
        self._drawn = (text, (width, height))
        self._live.update(Text.from_ansi(text, no_wrap=True, overflow="crop"), refresh=True)
