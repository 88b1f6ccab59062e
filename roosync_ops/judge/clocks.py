"""Whose clock is wrong: from offsets that were measured, and from records that contradict themselves."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from roosync_ops.wire.status import FUTURE_TOLERANCE_MS
from roosync_ops.wire.times import time_or_none

from . import verdict as v
from .patience import AUTO_MOST_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from roosync_ops.wire.record import Record

    from .probes import ProbeResult
    from .view_evidence import ViewEvidence

#: From so many machines on that agree with each other and not with the reader, the reader's clock is the suspect.
_AGREEING: Final = 2


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
    back = 0
    latest = 0
    for _, heard in counted:
        back = max(back, latest - heard)
        latest = max(latest, heard)
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


def unheard_ms(machine_id: str, witness: ViewEvidence, timeout_ms: int) -> int | None:
    """Return how old a machine's own beat would have been, by its stamp, when the view was written without it.

    None where that is no longer than a delay may be, AUTO_MOST_MS beyond the timeout; or where the view's writer is no
    witness: it had not heard two others, of which one may be itself, lately.
    """
    own, checked, known = witness.own(machine_id), witness.checked_ms, witness.heard_ms.get(machine_id)
    if own is None or own.last_heartbeat_ms is None or checked is None or known is None:
        return None
    unheard = checked - own.last_heartbeat_ms
    if own.last_heartbeat_ms <= known or unheard <= timeout_ms + AUTO_MOST_MS or witness.heard_lately < _AGREEING:
        return None
    return unheard


def all_ahead_ms(heard: Mapping[str, int], now_ms: int) -> int | None:
    """Return how far the reader's clock seems behind: every machine heard of lies in its future, and two at least."""
    ahead = [at - now_ms for at in heard.values()]
    if len(ahead) < _AGREEING or min(ahead) <= FUTURE_TOLERANCE_MS:
        return None
    return min(ahead)
