"""Where a command's words go: data to stdout, everything else to stderr, and neither ever raises."""

import errno
import io
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self, TextIO

if TYPE_CHECKING:
    from roosync_ops.show.text import Style

#: What a console that cannot show a sign gets instead of a question mark.
_PLAIN: Final = str.maketrans({"✓": "+", "✗": "x", "…": "~", "✅": "+", "❌": "x", "\N{EM DASH}": "-"})
#: What is escaped in a document where a stream's encoding has not all of it, as JSON knows it (RFC 8259, 7).
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
#: What becomes of a sign that a stream's encoding does not have, where nothing better is known of it.
_ESCAPE: Final = "backslashreplace"


class _Stream(io.TextIOWrapper):
    """A stream of ours that is written to while it can be; what went wrong is kept, and never raised."""

    trouble: OSError | None = None

    @classmethod
    def to(cls, descriptor: int, encoding: str, *, line_buffering: bool = False) -> Self:
        file = io.FileIO(descriptor, "w", closefd=False)
        return cls(io.BufferedWriter(file), encoding, _ESCAPE, line_buffering=line_buffering)

    def write(self, text: str, /) -> int:
        with self._kept():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._kept():
            super().flush()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.trouble = self.trouble or error
            # What is still held goes nowhere, now or when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


#: Without a terminal, what takes longer than so many s says every so many s how far it is.
_SAY_S: Final = 10.0
_quiet = False
_utc = True
_lang = "en"


def speak(lang: str) -> None:
    """Have all that is for people be in `lang` from now on: tables, notes, progress and questions."""
    global _lang  # noqa: PLW0603 - a process speaks to one person
    _lang = lang


def spoken(text: str, *, of_agents: bool = False) -> str:
    """Return a sentence of ours in the language that is spoken; one `of_agents` may be French where English is."""
    if _lang == "en" and not of_agents:
        return text
    from roosync_ops.show.messages import translated  # noqa: PLC0415 - 300 ms that few commands need

    return translated(text, _lang)


def hush(wanted: bool) -> bool:
    """Have nothing written but what is wrong, or all again."""
    global _quiet  # noqa: PLW0603 - a process has one stdout
    _quiet = wanted
    return wanted


def in_utc(wanted: bool) -> bool:
    """Have times on a terminal be in UTC, or this computer's own with their zone."""
    global _utc  # noqa: PLW0603 - as above
    _utc = wanted
    return wanted


def prepare() -> None:
    """Have every stream be there and take whatever is written; what cannot be written is told by `undelivered`.

    What goes into a pipe or a file is UTF-8 on Windows too, as JSON has to be (RFC 8259). pythonw.exe, under the Task
    Scheduler, has no stream: what is written there is lost.
    """
    hush(False)
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - for as long as the process
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = _Stream.to(os.open(os.devnull, os.O_WRONLY), "utf-8")
            nowhere.trouble = None if sys.platform == "win32" else OSError(errno.EBADF, os.strerror(errno.EBADF))
            setattr(sys, name, nowhere)
        elif type(stream) is io.TextIOWrapper:
            setattr(sys, name, _prepared(stream))


def _prepared(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    encoding = "utf-8" if sys.platform == "win32" and not stream.isatty() else stream.encoding
    if type(getattr(stream.buffer, "raw", stream.buffer)) is not io.FileIO:  # a console of Windows
        stream.reconfigure(errors=_ESCAPE)
        return stream
    if sys.platform != "win32":
        os.set_blocking(stream.fileno(), True)  # others who have it too may have set it otherwise
    return _Stream.to(stream.fileno(), encoding, line_buffering=stream.line_buffering)


def undelivered() -> OSError | None:
    """Return why not all of stdout could be written; a reader that has gone away (`| head`) had what it wanted."""
    if not isinstance(sys.stdout, _Stream):
        return None
    sys.stdout.flush()
    trouble = sys.stdout.trouble
    gone = (errno.EPIPE, errno.EINVAL) if sys.platform == "win32" else (errno.EPIPE,)
    return None if trouble is None or trouble.errno in gone else trouble


def write(text: str) -> None:
    """Print `text` and a line break on stdout."""
    if not _quiet:
        _print(text, sys.stdout)


def note(text: str) -> None:
    """Print `text` and a line break on stderr."""
    _print(spoken(text), sys.stderr)


def mention(text: str) -> None:
    """Note what is good to know and nothing that is wrong."""
    if not _quiet:
        note(text)


def _print(text: str, stream: TextIO) -> None:
    """Print what is for people in signs that the stream has; a JSON document keeps its own, escaped."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        if text.startswith(("{", "[")):
            text = _BEYOND_ASCII.sub(lambda sign: json.dumps(sign[0])[1:-1], text)
        text = text.translate(_PLAIN).encode(encoding, _ESCAPE).decode(encoding)
    stream.write(text + "\n")
    stream.flush()


def is_live() -> bool:
    """Return True if a person is looking at stdout, on a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def wants_color() -> bool:
    """Return True if to colour: on a terminal that can, unless NO_COLOR (https://no-color.org) is set."""
    return is_live() and not os.environ.get("NO_COLOR")


def width() -> int | None:
    """Return how many cells a line may take; None where nothing limits it (a pipe or a file)."""
    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def style() -> "Style":
    """Return how a table for people is written here."""
    from roosync_ops.show.text import Style  # noqa: PLC0415 - as above

    return Style(_lang, width(), wants_color(), local=not _utc)


class Progress:
    """One line on stderr that is rewritten in place, and wiped at the end; without a terminal a line now and then."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = False
        self._clock = clock
        self._said = clock()

    def show(self, text: str) -> None:
        if _quiet:
            return
        text = spoken(text)
        if self._stream.isatty():
            self._rewrite(text)
            self._shown = True
        elif self._clock() - self._said >= _SAY_S:
            self._said = self._clock()
            _print(text, self._stream)

    def say(self, text: str) -> None:
        """Print a line that stays, in the place of the one that is rewritten."""
        self._wipe()
        if not _quiet:
            _print(text, self._stream)

    def _rewrite(self, text: str) -> None:
        self._stream.write(f"\r\x1b[2K{text}")
        self._stream.flush()

    def _wipe(self) -> None:
        if self._shown:
            self._rewrite("")
            self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wipe()
