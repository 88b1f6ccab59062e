"""Texts from the share made harmless, and measured as a terminal will draw them."""

import html
import re
import textwrap
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from roosync_ops.wire.times import to_iso

from .messages import words

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]|#~!$])")
#: Where GitHub makes a mention, a reference or a link of plain text: it looks at what is rendered, so that no backslash
#: keeps it from that. A zero-width space does, in the place of the empty match.
_LINKED: Final = re.compile(r"(?<=@)(?=\w)|(?<=#)(?=\d)|(?<=\bGH-)(?=\d)|(?<=:)(?=//)|(?<=\bwww)(?=\.)", re.IGNORECASE)
#: A command that names hundreds of machines is shown whole.
_MOST: Final = 16_384
#: A space at which no line is broken; `safe` leaves none of a text's own.
_HARD: Final = "\N{NO-BREAK SPACE}"
#: A space with a slash before it and behind it, as in G:/Mon Drive/Synchronisation.
_IN_PATH: Final = re.compile(r"([/\\][^\s/\\;,]*) (?=[^\s/\\;,]*[/\\])")
#: Narrower, wrapping does not help.
_LEAST: Final = 24
_ZERO_WIDTH: Final = "&#8203;"
_TICKS: Final = re.compile(r"`+")
_RESET: Final = "\x1b[0m"


@dataclass(frozen=True)
class Style:
    """How a text is written: in which language, and on a terminal in lines of `width` cells (None: any) and in colour.

    `local`: times are this computer's own, with their zone; in a file, a page or a document they are UTC.
    """

    lang: str = "en"
    width: int | None = None
    color: bool = False
    local: bool = False

    def __getitem__(self, code: str) -> str:
        """Return the word of a code."""
        return words(self.lang)[code]

    def paint(self, text: str, code: str) -> str:
        """Return `text` in an ANSI colour; as it is where there are none, and for an empty code."""
        return f"{code}{text}{_RESET}" if self.color and code else text


PLAIN: Final = Style()


def safe(text: str) -> str:
    """Return `text` without anything a terminal obeys: controls, ANSI, bidi marks and lone surrogates as escapes.

    What is longer is cut.
    """
    text = text if len(text) <= _MOST else f"{text[:_MOST]}…"
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    if unicodedata.category(char) == "Zs":
        return " "
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - the escapes' own bounds


def markdown_safe(text: str) -> str:
    """Return `text` as Markdown that renders as it reads: no table, HTML, link, mention or reference comes of it."""
    return _LINKED.sub(_ZERO_WIDTH, _MARKDOWN.sub(r"\\\1", html.escape(safe(text), quote=False)))


def markdown_code(text: str) -> str:
    """Return `text` as a Markdown code span, whatever backticks it holds."""
    shown = safe(text)
    fence = "`" * (1 + max(map(len, _TICKS.findall(shown)), default=0))
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown or ' '}{fence}"


def fence(lines: Iterable[str]) -> str:
    """Return the backticks that open and close a block of `lines`, whatever backticks they hold."""
    return "`" * max(3, 1 + max((len(run) for line in lines for run in _TICKS.findall(line)), default=0))


def cells(text: str) -> int:
    """Return how many terminal cells `text` takes: two for a wide East Asian character or an emoji, none for a mark."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """Return `text` cut to `width` cells, an ellipsis telling that it was."""
    if cells(text) <= width:
        return text
    kept, used = [], 1
    for char in text:
        used += _cell(char)
        if used > width:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` filled to `width` cells."""
    blank = " " * (width - cells(text))
    return blank + text if right else text + blank


def whole(text: str) -> str:
    """Return `text` as one word to `wrapped`: a command that is there to be pasted, a path."""
    return text.replace(" ", _HARD)


def wrapped(text: str, width: int | None, indent: int = 4) -> list[str]:
    """Return `text` in lines of `width` cells, all but the first with an `indent`; no word and no path is broken."""
    if width is None or width < _LEAST or cells(text) <= width:
        lines = [text]
    else:
        blank, text = " " * indent, _IN_PATH.sub(rf"\1{_HARD}", text)
        lines = textwrap.wrap(text, width, subsequent_indent=blank, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_HARD, " ") for line in lines]


def duration(ms: int, style: Style = PLAIN) -> str:
    """Write a duration in its two largest units: `45 s`, `3 min 20 s`, `2 h 05 min`, `4 d 3 h`."""
    seconds = abs(ms) // 1000
    sign = "-" if ms < 0 and seconds else ""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes == 0:
        return f"{sign}{seconds} s"
    if hours == 0:
        return f"{sign}{minutes} min {seconds % 60:02d} s"
    if days == 0:
        return f"{sign}{hours} h {minutes % 60:02d} min"
    return f"{sign}{days} {style['day']} {hours % 24} h"


def age(ms: int | None, style: Style = PLAIN) -> str:
    """Write an age; `-` for none."""
    return "-" if ms is None else duration(ms, style)


def clock_ms(ms: int, style: Style = PLAIN) -> str:
    """Write a time for a reader; as `clock` does."""
    return clock(to_iso(ms), style)


def clock(iso: str | None, style: Style = PLAIN) -> str:
    """Write a wire time for a reader: `2026-02-12 10:15:30Z`, or `2026-02-12 11:15:30+01:00`; `-` for none."""
    if iso and style.local:
        with suppress(ValueError, OverflowError, OSError):  # the first or last day of the calendar
            return f"{datetime.fromisoformat(iso).astimezone().replace(microsecond=0)}".replace("+00:00", "Z")
    return f"{iso[:10]} {iso[11:19]}Z" if iso else "-"
