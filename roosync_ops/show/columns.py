"""Aligned columns for a terminal of any width. Plain text: a table library takes seconds for 10,000 rows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .text import Style, cells, cut, pad, safe

_GAP: Final = "  "
#: A column narrower than this tells nothing.
_LEAST: Final = 10

BOLD: Final = "\x1b[1m"
DIM: Final = "\x1b[2m"
RED: Final = "\x1b[31m"
GREEN: Final = "\x1b[32m"
YELLOW: Final = "\x1b[33m"
#: What is shown of a status, or of whether a machine is as expected, in which colour.
COLORS: Final = {
    "online": GREEN,
    "warning": YELLOW,
    "offline": RED,
    "left": DIM,
    "unknown": YELLOW,
    "✓": GREEN,
    "✗": RED,
}
#: Each table's columns, of which the one of the lowest rank goes first where room is short; and which are figures (they
#: stand right), are elastic (cut before any column goes), or are coloured by what they hold.
_COLUMNS: Final[dict[str, Any]] = json.loads(Path(__file__).with_name("columns.json").read_text("utf-8"))


@dataclass
class Column:
    """A header and its cells. Where room is short the column of the lowest `rank` goes first.

    An `elastic` column is cut before any column goes. `colors` are the ANSI codes of the cells, if any.
    """

    header: str
    values: list[str]
    rank: int
    elastic: bool = False
    right: bool = False
    colors: list[str] | None = None
    width: int = field(init=False)

    def __post_init__(self) -> None:
        self.width = max(map(cells, [self.header, *self.values]))


def codes(table: str) -> list[str]:
    """Return the codes of a table's columns."""
    return list(_COLUMNS["ranks"][table])


def tabled(table: str, rows: Sequence[Mapping[str, str]], style: Style) -> list[str]:
    """Return rows, escaped, below the words of their columns' codes; signs have no word."""
    columns = []
    for code, rank in _COLUMNS["ranks"][table].items():
        values = [safe(row[code]) for row in rows]
        colors = [_color(code, value) for value in values] if style.color else None
        header = style[code] if code else ""
        is_elastic, is_figure = code in _COLUMNS["elastic"], code in _COLUMNS["figures"]
        columns.append(Column(header, values, rank, is_elastic, is_figure, colors))
    return lay_out(columns, style)


def _color(code: str, value: str) -> str:
    if code == "history.uptime" and value != "-":
        return GREEN if value.startswith("100.0%") else YELLOW if value.startswith("99.") else RED
    return COLORS.get(value.lstrip(">"), "") if code in _COLUMNS["colored"] else ""


def lay_out(columns: list[Column], style: Style) -> list[str]:
    """Return the header line and one line a row, none wider than a line may be."""
    columns = _fit(columns, style.width)
    header = _GAP.join(_cell(column.header, column) for column in columns)
    shown = []
    for column in columns:
        texts = [_cell(value, column) for value in column.values]
        shown.append(list(map(style.paint, texts, column.colors)) if column.colors else texts)
    rows = [_GAP.join(row).rstrip() for row in zip(*shown, strict=True)]
    return [style.paint(header.rstrip(), BOLD), *rows]


def _cell(text: str, column: Column) -> str:
    if text.isascii() and len(text) <= column.width:  # nearly all of 10,000 rows
        return text.rjust(column.width) if column.right else text.ljust(column.width)
    return pad(cut(text, column.width), column.width, right=column.right)


def _fit(columns: list[Column], width: int | None) -> list[Column]:
    """Drop and shorten columns until they fit. The last one left is cut to the width."""
    if width is None:
        return columns
    kept = list(columns)
    while len(kept) > 1:
        spare = sum(max(0, column.width - _LEAST) for column in kept if column.elastic)
        if total(kept) - spare <= width:
            break
        kept.remove(min(kept, key=lambda column: column.rank))
    for column in kept:
        if column.elastic or len(kept) == 1:
            others = total(kept) - column.width
            column.width = max(1, min(column.width, width - others))
    return kept


def total(columns: list[Column]) -> int:
    """Return how many cells a line of them takes."""
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)
