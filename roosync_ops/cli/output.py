"""Where a command's words go: data to stdout, everything else to stderr, and neither ever raises."""

from __future__ import annotations

import io
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from types import TracebackType

#: What a console that cannot show a sign gets instead of a question mark.
_PLAIN: Final = str.maketrans({"✓": "+", "✗": "x", "…": "~", "✅": "+", "❌": "x", "\N{EM DASH}": "-"})


def prepare() -> None:
    """Have what goes into a pipe or a file be UTF-8 on Windows too, as JSON has to be (RFC 8259).

    pythonw.exe, under the Task Scheduler, has neither stream: what is said there is said to nobody.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as the process
    for stream in (sys.stdout, sys.stderr):
        if sys.platform == "win32" and isinstance(stream, io.TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8")


def write(text: str) -> None:
    """Print `text` and a line break on stdout."""
    _print(text, sys.stdout)


def note(text: str) -> None:
    """Print `text` and a line break on stderr."""
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    """Print; a reader that has gone away (`| head`) is no error, and does not change the exit code."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        # The interpreter flushes at exit once more: give it somewhere to write to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a person is looking."""
    return stream.isatty()


def wants_color(stream: TextIO) -> bool:
    """Tell whether to colour: on a terminal that can, unless NO_COLOR (https://no-color.org) is set."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_of(stream: TextIO) -> int | None:
    """Return how many cells a line may take; None where nothing limits it (a pipe or a file)."""
    if os.environ.get("COLUMNS", "").isdecimal() or is_terminal(stream):
        return shutil.get_terminal_size().columns
    return None


class Progress:
    """One line on stderr that is rewritten in place, and wiped at the end. Silent where stderr is no terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = False

    def show(self, text: str) -> None:
        if is_terminal(self._stream):
            self._stream.write(f"\r\x1b[2K{text}")
            self._stream.flush()
            self._shown = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
