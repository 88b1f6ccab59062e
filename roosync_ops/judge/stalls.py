"""What stands still: as few stale replicas and stalled uploads as explain all the beats that did not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.wire.status import ONLINE, WARNING

from . import verdict as v
from .probes import RUNNING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .matrix import Cell
    from .probes import ProbeResult

#: Invariant 4: where so many of the beats do not arrive anywhere, it is what carries them that stands still.
_SHARE_PERCENT: Final = 90


def compared(cells: Mapping[tuple[str, str], Cell], probes: Mapping[str, ProbeResult]) -> dict[tuple[str, str], bool]:
    """Return whether a beat arrived, for each replica and machine that tells: one that has not beaten tells nothing."""
    beating = {name for (_, name), cell in cells.items() if cell.status in (ONLINE, WARNING)}
    beating |= {name for name, one in probes.items() if one.agent.kind == RUNNING}
    return {
        (observer, name): cell.lags
        for (observer, name), cell in cells.items()
        if observer != name and (cell.lags or cell.status == ONLINE or (cell.behind_ms is not None and name in beating))
    }


def stalls(
    cells: Mapping[tuple[str, str], Cell], compared: dict[tuple[str, str], bool], offsets: Mapping[str, int]
) -> list[v.Reason]:
    """Explain the cells that lag by as few stale replicas and stalled writers as can be."""
    lagging = sum(compared.values())
    rows = {observer for (observer, _), lags in compared.items() if lags}
    columns = {name for (_, name), lags in compared.items() if lags}
    if len(rows) > 1 and len(columns) > 1 and lagging * 100 >= len(compared) * _SHARE_PERCENT:
        since = max((_arrived(cells, pair, offsets) for pair in compared), default=0)
        facts = {"since": since or None, "behind": lagging, "of": len(compared)}
        return [v.Reason(v.SHARE_STALLED, min(columns), facts)]
    found = []
    while any(compared.values()):
        reason, explained = _worst_line(cells, compared, offsets)
        if reason is None:
            break
        found.append(reason)
        compared = {pair: lags for pair, lags in compared.items() if pair not in explained}
    return found


def _worst_line(
    cells: Mapping[tuple[str, str], Cell], compared: Mapping[tuple[str, str], bool], offsets: Mapping[str, int]
) -> tuple[v.Reason | None, set[tuple[str, str]]]:
    """Return the row or column that lags most, by share and then by number; none where no line lags by half."""
    lines = [(v.OBSERVER_STALE, observer) for observer in dict.fromkeys(pair[0] for pair in compared)]
    lines += [(v.UPLOAD_STALLED, name) for name in dict.fromkeys(pair[1] for pair in compared)]
    ranked = []
    for kind, name in lines:
        pairs = {pair for pair in compared if pair[kind == v.UPLOAD_STALLED] == name}
        behind = sum(compared[pair] for pair in pairs)
        ranked.append((behind / len(pairs), behind, kind, name, pairs))
    ranked.sort(key=lambda line: line[:2], reverse=True)
    share, behind, kind, name, pairs = ranked[0]
    if share <= 0.5:  # noqa: PLR2004 - half of a line: a beat on its way, not a line that stands still
        return None, set()
    since = max((_arrived(cells, pair, offsets) for pair in pairs), default=0) or None
    tied = [line for line in ranked[1:] if line[:2] == (share, behind) and line[4] & pairs and line[2] != kind]
    if tied and behind == 1:
        observer, writer = next(iter(pairs & tied[0][4]))
        return v.Reason(v.LINK_STALLED, writer, {"since": since, "observer": observer}), pairs | tied[0][4]
    return v.Reason(kind, name, {"since": since, "behind": behind, "of": len(pairs)}), pairs


def _arrived(cells: Mapping[tuple[str, str], Cell], pair: tuple[str, str], offsets: Mapping[str, int]) -> int:
    """Return when the beat that a replica shows was sent, on the reader's clock; 0 where it shows none."""
    heard = cells[pair].heard_ms
    return 0 if heard is None else heard - offsets.get(pair[1], 0)
