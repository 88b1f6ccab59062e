"""The live table of `roosync-ops watch`: as many machines as fit, the ones to look at first."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, Final

from .columns import BOLD, DIM, GREEN, RED, YELLOW, Column, lay_out, paint
from .flips import flip_text
from .reasons import brief
from .text import cut, duration, safe
from .words import headline, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from roosync_ops.judge import Validation, Verdict

_COLORS: Final = {"online": GREEN, "warning": YELLOW, "offline": RED, "left": DIM, "unknown": YELLOW}
_OK, _NOT_OK = "✓", "✗"
#: How many of the last flips are shown, where there is room.
_FLIPS: Final = 5
#: What is wrong may take so many lines.
_TROUBLE_LINES: Final = 3
#: The line of the title, the table's header, the line that tells of more rows, the headline, and the empty ones.
_AROUND: Final = 6
_MORE: Final = {"en": "… and {0} more, {1} of them not as expected", "fr": "… et {0} de plus, dont {1} non conformes"}
_QUIT: Final = {"en": "q quits", "fr": "q pour quitter"}
_FLIPPED: Final = {"en": "Flips", "fr": "Bascules"}


def live(  # noqa: PLR0913 - what is seen, what was told, what is wrong, and the screen's own facts
    validation: Validation | None,
    shared: str,
    flips: Sequence[Mapping[str, Any]],
    troubles: Sequence[str],
    *,
    lang: str,
    width: int,
    height: int,
    color: bool,
) -> str:
    """Return the screen, at most `height` lines none of which is wider than `width` cells. Nothing in it is obeyed.

    `flips` are in their JSON form, the newest last.
    """
    code = "fr" if lang == "fr" else "en"
    title = paint(cut(f"{safe(shared)}  ({_QUIT[code]})", width), DIM if color else "")
    foot = [paint(line, YELLOW if color else "") for text in troubles for line in _wrapped(safe(text), width)]
    recent = [cut(flip_text(flip, lang), width) for flip in flips[-_FLIPS:]]
    rows = _ranked(validation)
    room = height - _AROUND - len(foot)
    told = min(len(recent), max(0, room - min(len(rows), 3) - 2))
    body = _table(rows, max(1, room - (told + 2 if told else 0)), code, width, color=color)
    if told:
        foot = ["", paint(_FLIPPED[code], BOLD if color else ""), *recent[-told:], *foot]
    lines = [title, "", *body, *_head(validation, color=color), *foot]
    return "\n".join(lines[:height])


def _wrapped(text: str, width: int) -> list[str]:
    return [cut(line, width) for line in textwrap.wrap(text, width)[:_TROUBLE_LINES]]


def _head(validation: Validation | None, *, color: bool) -> list[str]:
    if validation is None:
        return []
    last = headline(validation.online, validation.total, validation.percent)
    return ["", paint(last, BOLD + (GREEN if validation.ok else RED) if color else "")]


def _ranked(validation: Validation | None) -> list[Verdict]:
    """Return the machines, what is not as expected first, then what has something to look at, each by the inventory."""
    rows = [] if validation is None else validation.verdicts
    return sorted(rows, key=lambda row: (row.ok, row.reason is None))


def _table(rows: Sequence[Verdict], room: int, lang: str, width: int, *, color: bool) -> list[str]:
    if not rows:
        return []
    shown = rows if len(rows) <= room else rows[: max(1, room - 1)]
    lines = lay_out(_columns(shown, lang), width, color=color)
    rest = rows[len(shown) :]
    if rest:
        wrong = sum(not row.ok for row in rest)
        lines.append(cut(_MORE[lang].format(len(rest), wrong), width))
    return lines


def _columns(rows: Sequence[Verdict], lang: str) -> list[Column]:
    word = words(lang)
    ages = ["-" if row.age_ms is None else duration(row.age_ms, lang) for row in rows]
    why = [safe(brief(row.reason, lang)) if row.reason is not None else safe(row.why or "") for row in rows]
    return [
        Column("", [_OK if row.ok else _NOT_OK for row in rows], 8, colors=[GREEN if row.ok else RED for row in rows]),
        Column(word["machine"], [row.machine_id for row in rows], 9),
        Column(word["expected"], [row.expected for row in rows], 5),
        Column(word["observed"], [row.observed for row in rows], 7, colors=[_COLORS[row.observed] for row in rows]),
        Column(word["age"], ages, 4, right=True),
        Column(word["why"], why, 3, elastic=True),
    ]
