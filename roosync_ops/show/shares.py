"""What was measured of shares, and of the ways between them, as a table."""

from collections.abc import Mapping
from typing import Any, Final

from .columns import Column, lay_out
from .text import PLAIN, Style, safe, wrapped

HERE: Final = "this computer"
_SIGNS: Final = {"good": "✓", "bad": "✗", "unknown": "?"}


def shares_table(found: Mapping[str, Any], style: Style = PLAIN) -> str:
    """Return a part for each share, the ways between them, and the verdict as the last line, of what --json prints."""
    lines: list[str] = []
    for share in [found, *found["machines"]] if found["shared"] is not None else found["machines"]:
        if found["machines"]:
            lines += [f"{share.get('machineId', HERE)}  {safe(share['shared'] or '')}".rstrip()]
        for one in share["traits"]:
            lines += wrapped(f"{_SIGNS[one['verdict']]} {one['name']:<12} {safe(one['detail'])}", style.width, 15)
        if share.get("code") is not None:
            lines += [*wrapped(f"✗ {safe(share['reason'])}", style.width, 2), f"  next: {safe(share['hint'])}"]
        lines += [""]
    if ways := found["propagation"]:
        columns = [
            Column("From", [way["source"] for way in ways], 6),
            Column("To", [way["observer"] or HERE for way in ways], 5),
            Column("Beats", [str(way["beats"]) for way in ways], 1, right=True),
            Column("p50", [f"{way['p50S']:.1f} s" for way in ways], 3, right=True),
            Column("p99", [f"{way['p99S']:.1f} s" for way in ways], 4, right=True),
            Column("±", [f"{way['errorS']:.1f} s" for way in ways], 2, right=True),
        ]
        lines += [*lay_out(columns, style), ""]
    return "\n".join([*lines, "fit for heartbeats" if found["ok"] else "not fit for heartbeats as it is"])
