"""Whose replica shows whose beats: which machine's uploads, and which observer's downloads, have stalled.

Ages never mix two clocks: how far a replica is behind is the machine's own last beat, from its local truth, minus the
beat that the replica holds, and the same clock wrote both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.state import SharedState

    from .diagnose_model import DiagnosisInput

#: A replica that holds no beat of a machine is behind by more than any of its beats.
_NEVER_MS: Final = 1 << 62


class Uploads(NamedTuple):
    """Which observers hold a machine's latest beats, which do not, and by how much the best of those is behind."""

    fresh: tuple[str, ...]
    behind: tuple[str, ...]
    lag_ms: int | None


def uploads(scene: DiagnosisInput, machine_id: str) -> Uploads:
    """Return who holds the beats of `machine_id`; observers that hold nobody's do not count against it."""
    fresh, behind, lags = [], [], []
    for observer in scene.views:
        lag = None if observer == machine_id else _lag_ms(scene, observer, machine_id)
        if lag is None:
            continue
        if lag <= _limit_ms(scene, machine_id):
            fresh.append(observer)
        elif not is_stale(scene, observer):
            behind.append(observer)
            lags.append(lag)
    best = min(lags, default=None)
    return Uploads(tuple(fresh), tuple(behind), None if best == _NEVER_MS else best)


def is_stale(scene: DiagnosisInput, observer: str) -> bool:
    """Return True if `observer`'s replica lacks beats that were written, and holds nobody's latest."""
    freshness = list(_freshness(scene, observer))
    return False in freshness and True not in freshness


def stale_since_ms(scene: DiagnosisInput, observer: str) -> int | None:
    """Return the newest beat, by its writer's clock, that a stale observer's replica holds of anybody else."""
    pieces = scene.views[observer].machines.items()
    heard = [piece.record.last_heartbeat_ms for name, piece in pieces if name != observer]
    return max((at for at in heard if at is not None), default=None)


def _freshness(scene: DiagnosisInput, observer: str) -> Iterator[bool]:
    """Yield, for each other machine that tells or shows when it last beat, whether `observer` holds that beat.

    A machine that does not beat proves nothing, nor does one whose beats nobody at all holds: those are its own.
    """
    view = scene.views[observer]
    for name in {*scene.sights, *view.machines} - {observer}:
        lag, limit = _lag_ms(scene, observer, name), _limit_ms(scene, name)
        if lag is None:
            if _is_recent(scene, observer, name):
                yield True
        elif lag > limit:
            if not _is_missed_by_all(scene, name, observer):
                yield False
        elif _beats(scene, name):
            yield True


def _is_missed_by_all(scene: DiagnosisInput, machine_id: str, observer: str) -> bool:
    """Return True if others than `observer` look at a machine, and none of them holds its latest beats."""
    names = [name for name in scene.views if name not in (observer, machine_id)]
    lags = [lag for lag in (_lag_ms(scene, name, machine_id) for name in names) if lag is not None]
    return bool(lags) and min(lags) > _limit_ms(scene, machine_id)


def _beats(scene: DiagnosisInput, machine_id: str) -> bool:
    """Return True if a machine has just beaten, by its own word and clock."""
    sight = scene.sights.get(machine_id)
    agent = None if sight is None else sight.agent
    if agent is None or agent.beat_ms is None or agent.now_ms is None:
        return False
    return agent.now_ms - agent.beat_ms <= agent.timeout_ms


def _read_ms(scene: DiagnosisInput, observer: str) -> int:
    """Return when `observer`'s replica was read, on the reader's clock: a machine's as it answered."""
    sight = scene.sights.get(observer)
    there = None if sight is None or sight.agent is None else sight.agent.now_ms
    return scene.views[observer].read_at_ms if sight is None or there is None else there - sight.offset_ms


def _lag_ms(scene: DiagnosisInput, observer: str, machine_id: str) -> int | None:
    """Return how far `observer`'s replica is behind what the machine had written when that was read.

    None where the machine does not tell when it wrote.
    """
    sight = scene.sights.get(machine_id)
    agent = None if sight is None else sight.agent
    if agent is None or agent.beat_ms is None or not agent.read_back:
        return None
    piece = scene.views[observer].machines.get(machine_id)
    written = min(agent.beat_ms, _read_ms(scene, observer) + (0 if sight is None else sight.offset_ms))
    # Its beats, after a silence however long, may all be on their way.
    began = agent.running and agent.started_ms is not None
    young = began and written - (agent.started_ms or 0) <= _limit_ms(scene, machine_id)
    if piece is None or piece.record.last_heartbeat_ms is None:
        first = agent.running and agent.sequence is not None and agent.sequence <= 1
        return None if young or first else _NEVER_MS
    if agent.sequence is not None and (piece.record.sequence or 0) >= agent.sequence:
        return 0
    if young:
        return None
    return max(0, written - piece.record.last_heartbeat_ms)


def _is_recent(scene: DiagnosisInput, observer: str, machine_id: str) -> bool:
    """Return True if a machine that says nothing itself is seen to beat, its clock taken for right."""
    piece = scene.views[observer].machines.get(machine_id)
    heard = None if piece is None else piece.record.last_heartbeat_ms
    return heard is not None and abs(_read_ms(scene, observer) - heard) <= _limit_ms(scene, machine_id)


def _limit_ms(scene: DiagnosisInput, machine_id: str) -> int:
    """Return how far behind ordinary replication may be: the machine's own timeout."""
    machine = scene.fleet.get(machine_id)
    sight = scene.sights.get(machine_id)
    if sight is not None and sight.agent is not None:
        return sight.agent.timeout_ms
    return machine.offline_timeout if machine is not None else 120_000


def others(scene: DiagnosisInput, machine_id: str) -> dict[str, SharedState]:
    """Return what everybody but the machine itself sees; its own replica where nobody else looks."""
    found = {observer: view for observer, view in scene.views.items() if observer != machine_id}
    fresh = {observer: view for observer, view in found.items() if not is_stale(scene, observer)}
    return fresh or found or dict(scene.views)
