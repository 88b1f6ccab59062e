"""The inventory as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .columns import Column, lay_out
from .messages import words
from .text import safe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def machines_table(
    rows: Sequence[Mapping[str, Any]], lang: str = "en", width: int | None = None, *, color: bool = False
) -> str:
    """Return the machines of an inventory: the rows are those of `roosync-ops machines list --json`."""
    if not rows:
        return words(lang)["empty"]
    word = words(lang)
    columns = [
        Column(word["machine"], [row["machineId"] for row in rows], 9),
        Column(word["expected"], [row["expected"] for row in rows], 8),
        Column("SSH", [safe(row["ssh"]) for row in rows], 7),
        Column(word["groups"], [safe(", ".join(row["groups"])) for row in rows], 5),
        Column(word["why"], [safe(row["why"] or "") for row in rows], 4, elastic=True),
    ]
    return "\n".join(lay_out(columns, width, color=color))
