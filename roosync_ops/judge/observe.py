"""What the shared state shows of each machine, whoever it is and whatever is expected of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roosync_ops.wire.record import object_in
from roosync_ops.wire.status import DEFAULT_THRESHOLDS, UNKNOWN, Thresholds, missed_heartbeats

from . import older
from .patience import silence_ms, status_with
from .probes import NOTHING_ELSE, Knowledge
from .verdict import Observation, Survey

if TYPE_CHECKING:
    from roosync_ops.state import SharedState
    from roosync_ops.wire.merge import Evidence


def observe(state: SharedState, now_ms: int) -> Survey:
    """Return what `state` shows at `now_ms` of every machine in it, each by the thresholds it states itself."""
    rows = tuple(observation(machine_id, state, now_ms) for machine_id in sorted(state.machines))
    return Survey(now_ms, state.shared, rows, state.findings)


def observation(
    machine_id: str,
    state: SharedState,
    now_ms: int,
    thresholds: Thresholds | None = None,
    known: Knowledge = NOTHING_ELSE,
) -> Observation:
    """Return what `state` shows of one machine; unknown where it shows nothing."""
    piece = state.machines.get(machine_id)
    if piece is None:
        return Observation(machine_id, UNKNOWN)
    record, now_ms = piece.record, piece.read_ms or now_ms
    limits = older.limits(piece, thresholds or stated_thresholds(machine_id, state), known.patience_ms)
    heard, now_ms = record.last_heartbeat_ms, known.looked.get(machine_id, now_ms)
    seen = None if known.patience_ms is None else known.seen.get(machine_id)
    offset = known.offsets.get(machine_id)
    word, basis = status_with(record, seen, now_ms, limits, known.patience_ms, offset)
    age = None if heard is None else silence_ms(record, seen, now_ms, limits, offset)[0]
    return Observation(
        machine_id,
        word,
        heard,
        age,
        None if age is None or heard is None else missed_heartbeats(record, heard + age, limits),
        _version(piece),
        piece.file,
        basis,
        older.is_kept_by_older(piece),
    )


def stated_thresholds(machine_id: str, state: SharedState) -> Thresholds:
    """Return the interval and timeout a machine's own agent says it runs with, else the protocol's defaults."""
    record = state.record_of(machine_id)
    return DEFAULT_THRESHOLDS if record is None else record.thresholds


def _version(piece: Evidence) -> str | None:
    """Return the version of what wrote the record: our agent's, else the older service's."""
    stated = (object_in(piece.record.data, part).get("version") for part in ("agent", "metadata"))
    return next((version for version in stated if isinstance(version, str)), None)
