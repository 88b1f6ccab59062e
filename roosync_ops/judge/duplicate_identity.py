"""Two computers under one name: what an agent says of its own file, and records that cannot be of one computer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.wire.times import time_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roosync_ops.wire.record import Record

#: Whoever erases the view or rewrites a record does so again and again: what last happened so long ago is over, in ms.
LATELY_MS: Final = 3_600_000
#: Reading two records of one session can tell times that overlap by what a beat takes, in ms.
_OVERLAP_MS: Final = 1_000


def lately(detail: str | None, at: str | None, now: str | None) -> str | None:
    """Return in what way somebody rewrote a machine's record, by its own word, unless that is over by its own clock."""
    now_ms, at_ms = time_or_none(now), time_or_none(at)
    return None if now_ms is None or at_ms is None or now_ms - at_ms > LATELY_MS else detail


def overlapping(records: Sequence[Record]) -> str | None:
    """Return the two sessions that cannot be of one computer, cut for the eye; None where there are no such two."""
    pair = next(((a, b) for a in records for b in records if _overlap(a, b)), None)
    return None if pair is None else f"{pair[0].session_id!s:.12} + {pair[1].session_id!s:.12}"


def _overlap(one: Record, other: Record) -> bool:
    """Return True if two sessions of one name each beat after the other began: a computer has one session at a time."""
    if None in (one.session_id, other.session_id) or one.session_id == other.session_id:
        return False
    return _beat_after(one, other) and _beat_after(other, one)


def _beat_after(one: Record, other: Record) -> bool:
    began = time_or_none(other.agent.get("startedAt"))
    return began is not None and one.last_heartbeat_ms is not None and one.last_heartbeat_ms > began + _OVERLAP_MS
