"""Whose clock is wrong, and which name two computers beat under: what was measured, and what contradicts itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, combinations
from statistics import median
from typing import Final

from roosync_ops.state import SharedState
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS
from roosync_ops.wire.times import time_or_none

from . import verdict as v
from .probes import ProbeResult

#: From so many machines on that agree with each other and not with the reader, the reader's clock is the suspect.
_AGREEING: Final = 2
#: Whoever erases the view or rewrites a record does so again and again: what last happened so long ago is over, in ms.
LATELY_MS: Final = 3_600_000
#: Reading two records of one session can tell times that overlap by what a beat takes, in ms.
_OVERLAP_MS: Final = 1_000


def wrong_clocks(probes: Iterable[ProbeResult]) -> list[v.Reason]:
    """Return whose clock is off by more than FUTURE_TOLERANCE_MS beyond the error of the measurement."""
    measured = [one for one in probes if one.offset_ms is not None]
    offsets = [one.offset_ms or 0 for one in measured]
    if len(offsets) >= _AGREEING:
        middle = round(median(offsets))
        agree = all(abs(offset - middle) <= FUTURE_TOLERANCE_MS for offset in offsets)
        if agree and abs(middle) > FUTURE_TOLERANCE_MS:
            return [v.Reason(v.READER_CLOCK_WRONG, measured[0].machine_id, {"off": -middle, "count": len(offsets)})]
    return [
        v.Reason(v.CLOCK_WRONG, one.machine_id, {"off": one.offset_ms, "error": one.error_ms or 0})
        for one in measured
        if abs(one.offset_ms or 0) - (one.error_ms or 0) > FUTURE_TOLERANCE_MS
    ]


def stepped_back_ms(records: Iterable[Record]) -> int | None:
    """Return by how much a machine's clock went back between two of its records: a later one has an earlier time."""
    counted = sorted(
        (record.sequence, record.last_heartbeat_ms)
        for record in records
        if record.sequence is not None and record.last_heartbeat_ms is not None
    )
    latest = accumulate((heard for _, heard in counted), max)
    back = max((most - heard for most, (_, heard) in zip(latest, counted, strict=True)), default=0)
    return back if back > FUTURE_TOLERANCE_MS else None


def inconsistent_ms(record: Record) -> int | None:
    """Return how far a record's heartbeat lies before what it says came before it; None where it does not.

    An agent that started, or was first seen, after its last heartbeat had its clock put back in between.
    """
    if record.last_heartbeat_ms is None:
        return None
    before = time_or_none(record.agent.get("startedAt"))
    if before is None or before - record.last_heartbeat_ms <= FUTURE_TOLERANCE_MS:
        return None
    return before - record.last_heartbeat_ms


def all_ahead_ms(heard: Mapping[str, int], now_ms: int) -> int | None:
    """Return how far the reader's clock seems behind: every machine heard of lies in its future, and two at least."""
    ahead = [at - now_ms for at in heard.values()]
    if len(ahead) < _AGREEING or min(ahead) <= FUTURE_TOLERANCE_MS:
        return None
    return min(ahead)


def contradictions(name: str, states: Iterable[SharedState], probes: Mapping[str, ProbeResult]) -> Iterator[v.Reason]:
    """Yield what two replicas that hold two beats of a name tell: its clock went back; two computers beat under it.

    The latter by its agent's word as well.
    """
    records = [record for state in states if (record := state.record_of(name)) is not None]
    back = stepped_back_ms(records)
    if back is not None:
        yield v.Reason(v.CLOCK_STEPPED, name, {"back": back})
    said = probes[name].agent.twin if name in probes else None
    detail = said or overlapping(records)
    if detail is not None:
        yield v.Reason(v.TWINS, name, {"detail": detail})


def lately(detail: str | None, at: str | None, now: str | None) -> str | None:
    """Return in what way somebody rewrote a machine's record, by its own word, unless that is over by its own clock."""
    now_ms, at_ms = time_or_none(now), time_or_none(at)
    return None if now_ms is None or at_ms is None or now_ms - at_ms > LATELY_MS else detail


def overlapping(records: Sequence[Record]) -> str | None:
    """Return the two sessions that cannot be of one computer, cut for the eye; None where there are no such two."""
    for one, other in combinations((record for record in records if record.session_id is not None), 2):
        # Each beat after the other began: a computer has one session at a time.
        if one.session_id != other.session_id and _beat_after(one, other) and _beat_after(other, one):
            return f"{one.session_id!s:.12} + {other.session_id!s:.12}"
    return None


def _beat_after(one: Record, other: Record) -> bool:
    began = time_or_none(other.agent.get("startedAt"))
    return began is not None and one.last_heartbeat_ms is not None and one.last_heartbeat_ms > began + _OVERLAP_MS
