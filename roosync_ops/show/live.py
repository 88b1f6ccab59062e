"""The live table of `roosync-ops watch`: as many machines as fit, the ones to look at first."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from roosync_ops.judge import Validation, Verdict

from .columns import BOLD, DIM, GREEN, RED, YELLOW, tabled
from .messages import Sentence, headline, translated
from .reasons import basis_line, flip_text, said
from .table import cells
from .text import Style, cut, duration, safe

#: How many of the last flips are shown, where there is room.
_FLIPS: Final = 5
#: What is wrong may take so many lines.
_TROUBLE_LINES: Final = 3
#: The title, the table's header, the line that tells of more rows, the basis, the headline, and the empty lines.
_AROUND: Final = 7


@dataclass
class View:
    """What was asked for by keys: the order, whether all are shown, the machine that is meant, and the help."""

    by_trouble: bool = True
    only_wrong: bool = False
    at: int | None = None
    helped: bool = False

    def press(self, key: str) -> None:
        """Do what a key means; one that means nothing does nothing."""
        if key == "s":
            self.by_trouble = not self.by_trouble
        elif key == "f":
            self.only_wrong = not self.only_wrong
        elif key == "?":
            self.helped = not self.helped
        elif key in ("j", "k"):
            self.at = max(0, (-1 if self.at is None else self.at) + (1 if key == "j" else -1))

    def rows(self, validation: Validation | None) -> list[Verdict]:
        """Return the machines in order: by the inventory, or what is not as expected first, then what is odd."""
        rows = [row for row in validation.verdicts if not (self.only_wrong and row.ok)] if validation else []
        return sorted(rows, key=lambda row: (row.ok, row.reason is None)) if self.by_trouble else rows

    def meant(self, validation: Validation | None) -> Verdict | None:
        """Return the machine that is marked, else the first that is not as expected."""
        rows = self.rows(validation)
        if self.at is not None and rows:
            self.at = min(self.at, len(rows) - 1)
            return rows[self.at]
        return next((row for row in rows if not row.ok), None)


@dataclass(frozen=True)
class Told:
    """What a watcher knows beside the validation; flips in their JSON form, the newest last; times in ms."""

    flips: Sequence[Mapping[str, Any]] = ()
    troubles: Sequence[str] = ()
    pending: Mapping[str, int] = field(default_factory=dict)
    clock: str = ""


def live(  # noqa: PLR0913, PLR0917 - what is seen, what was told, and the screen's own facts
    validation: Validation | None, shared: str, told: Told, view: View, height: int, style: Style
) -> str:
    """Return the screen, at most `height` lines of the style's width. Nothing in it is obeyed."""
    width = style.width or 80
    title = style.paint(cut(f"{told.clock}  {safe(shared)}  ({style['watch.keys']})".lstrip(), width), DIM)
    meant = view.meant(validation)
    next_ = [] if meant is None or meant.reason is None else _next(said(meant.reason, style), width)
    helped = _wrapped(style["watch.help"], width) if view.helped else []
    foot = [*helped, *next_]
    troubles = [safe(translated(text, style.lang)) for text in told.troubles]
    foot += [style.paint(line, YELLOW) for text in troubles for line in _wrapped(text, width)]
    recent = [cut(flip_text(flip, style), width) for flip in told.flips[-_FLIPS:]]
    rows = view.rows(validation)
    room = height - _AROUND - len(foot)
    shown = min(len(recent), max(0, room - min(len(rows), 3) - 2))
    mark = None if view.at is None else meant
    left = max(1, room - (shown + 2 if shown else 0))
    body = _table(rows, told.pending, mark, left, style)
    if shown:
        foot = ["", style.paint(style["watch.flipped"], BOLD), *recent[-shown:], *foot]
    head = []
    if validation is not None:
        basis = [cut(basis_line(validation.verdicts, style), width)] if validation.verdicts else []
        head = [
            "",
            *basis,
            style.paint(headline(validation.online, validation.total), BOLD + (GREEN if validation.ok else RED)),
        ]
    lines = [title, "", *body, *head, *foot]
    return "\n".join(lines[:height])


def _wrapped(text: str, width: int, most: int = _TROUBLE_LINES) -> list[str]:
    return [cut(line, width) for line in textwrap.wrap(text, width)[:most]]


def _next(said: Sentence, width: int) -> list[str]:
    """Return what is wrong and the command for it, which has a line of its own where both do not fit into one."""
    lines = _wrapped(safe(str(said)), width)
    if not said.command or len(lines) == 1:
        return lines
    return [*_wrapped(safe(said.text), width, _TROUBLE_LINES - 1), *_wrapped(safe(said.command), width, 1)]


def _table(
    rows: Sequence[Verdict], pending: Mapping[str, int], marked: Verdict | None, room: int, style: Style
) -> list[str]:
    """Return the table with as many rows as there is room for: the `marked` one, that keys are about, among them."""
    if not rows:
        return []
    last = next((at for at, row in enumerate(rows) if row is marked), 0)
    first = max(0, last - max(1, room - 1) + 1) if len(rows) > room else 0
    shown = rows if len(rows) <= room else rows[first : first + max(1, room - 1)]
    told = []
    for row in shown:
        found, left_ms = cells(row, style), pending.get(row.machine_id)
        if row is marked:
            found[""] = f">{found['']}"
        if left_ms is not None:
            waits = style["watch.pending"].format(left=duration(left_ms, style))
            found["why"] = "; ".join(filter(None, [waits, found["why"]]))
        told.append(found)
    lines = tabled("live", told, style)
    rest = [row for row in rows if row not in shown]
    if rest:
        wrong = sum(not row.ok for row in rest)
        lines.append(cut(style["watch.more"].format(count=len(rest), wrong=wrong), style.width or 80))
    return lines
