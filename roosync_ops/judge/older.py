"""Who keeps a machine: our agent, or an older service, which writes so seldom that its silence of minutes is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.merge import VIEW
from roosync_ops.wire.status import Thresholds

if TYPE_CHECKING:
    from roosync_ops.state import SharedState
    from roosync_ops.wire.merge import Evidence

#: The protocol: builds of 2026-03-08 to 2026-05-04 write a live machine's file every 5 to 10 min, check it every 20.
SELDOM_MS: Final = 1_200_000


def is_kept_by_older(piece: Evidence) -> bool:
    """Return True if an older service wrote this record, and beats for its machine.

    An entry of the view without our fields may be about a machine of ours, as an older keeper wrote it.
    """
    record = piece.record
    if record.sequence is not None or isinstance(record.data.get("agent"), dict):
        left_at, heard = record.left_at_ms, record.last_heartbeat_ms
        return left_at is not None and heard is not None and heard > left_at
    return piece.before is None or piece.kind != VIEW or piece.before.record.has_left


def limits(piece: Evidence, thresholds: Thresholds, patience_ms: int | None = None) -> Thresholds:
    """Return the thresholds its machine is judged by; with a patience of 0 those are the protocol's, whoever writes."""
    if patience_ms == 0 or thresholds.timeout_ms >= SELDOM_MS or not is_kept_by_older(piece):
        return thresholds
    return Thresholds(thresholds.interval_ms, SELDOM_MS)


def undone(piece: Evidence | None, state: SharedState) -> dict[str, Any]:
    """Return what an older service did to a machine's own file, as facts; none where it did nothing.

    `by` is the best guess at whose: of the machines that an older service keeps the one heard last, for it beats as it
    writes.
    """
    if piece is None or piece.undone is None:
        return {}
    kind, at_ms = piece.undone
    heard = {
        name: other.record.last_heartbeat_ms or 0
        for name, other in state.machines.items()
        if is_kept_by_older(other) and name != piece.record.machine_id
    }
    return {"undone": kind, "undone_at": at_ms, "by": max(heard, key=lambda name: heard[name]) if heard else None}
