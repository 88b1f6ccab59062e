"""Who sees whom: what each replica shows of each machine, and what stands still by that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias

from roosync_ops.fleet import Machine
from roosync_ops.state import SharedState
from roosync_ops.wire.merge import merge
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import ONLINE, UNKNOWN, WARNING, status

from . import verdict as v
from .contradictions import contradictions, wrong_clocks
from .observe import is_kept_by_older, limits_of, undone_by_older
from .probes import HERE, LEFT, NOT_RUNNING, RUNNING, SELF_REPORTED, ProbeResult, reason_of, replicas_of

#: A replica that lacks a machine of fewer beats than this may just not have heard of it yet.
_NEW_BEATS: Final = 5
#: Invariant 4: where so many of the beats do not arrive anywhere, it is what carries them that stands still.
_SHARE_PERCENT: Final = 90


@dataclass(frozen=True, slots=True)
class Cell:
    """What one observer's replica shows of one machine.

    `age_ms` is by one clock where the machine was asked (`probed`). `behind_ms` is how much newer the newest beat is
    that any replica shows of it, None where no other shows anything; `lags` where that is more than the timeout.
    """

    status: str
    age_ms: int | None = None
    sequence: int | None = None
    heard_ms: int | None = None
    behind_ms: int | None = None
    lags: bool = False
    probed: bool = False


#: One known beat; who knows it, the machine itself included; and when that was told, on the reader's clock.
_Beat: TypeAlias = tuple[Record, str, int]


@dataclass(frozen=True)
class Matrix:
    """Observers by machines. Observers are machineIds, and HERE for the replica of this computer, where it has one.

    `lags` has each pair of an observer and another machine that tells something, and whether its beats lag there.
    """

    now_ms: int
    machines: tuple[str, ...]
    observers: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    probes: Mapping[str, ProbeResult]
    lags: Mapping[tuple[str, str], bool]
    findings: tuple[v.Reason, ...] = ()

    def cell(self, observer: str, machine_id: str) -> Cell:
        """Return what `observer` shows of a machine; unknown where it shows nothing."""
        return self.cells.get((observer, machine_id), Cell(UNKNOWN))

    def is_heard(self, machine_id: str) -> bool:
        """Return True if some replica shows a machine online, whatever it answers itself."""
        return any(self.cell(observer, machine_id).status == ONLINE for observer in self.observers)

    @cached_property
    def stale(self) -> dict[str, int | None]:
        """Whose replica stands still, or is one end of a link that does: when its last beat was sent, by our clock."""
        of = {v.OBSERVER_STALE: lambda one: one.machine_id, v.LINK_STALLED: lambda one: one.facts["observer"]}
        return {of[one.kind](one): one.facts["since"] for one in self.findings if one.kind in of}

    def holders(self, machine_id: str) -> tuple[tuple[str, ...], tuple[str, ...], int | None]:
        """Return who holds a machine's latest beats, which live replicas do not, and how far the best of those lags."""
        pairs = ((observer, self.lags.get((observer, machine_id))) for observer in self.observers)
        shown = {observer: lags for observer, lags in pairs if lags is not None}
        behind = tuple(observer for observer, lags in shown.items() if lags and observer not in self.stale)
        known = [self.cell(observer, machine_id).behind_ms for observer in behind]
        best = min((lag for lag in known if lag is not None), default=None)
        return tuple(observer for observer, lags in shown.items() if not lags), behind, best

    def finding(self, kind: str, machine_id: str | None = None) -> v.Reason | None:
        """Return the first finding of a kind, of that machine where one is named."""
        return next((one for one in self.findings if one.kind == kind and machine_id in (None, one.machine_id)), None)

    @property
    def ok(self) -> bool:
        return not self.findings

    @property
    def reached(self) -> int:
        return sum(one.is_reached for one in self.probes.values())


def matrix(
    fleet: Iterable[Machine],
    probes: Mapping[str, ProbeResult],
    own: SharedState | None,
    now_ms: int,
    own_problem: str | None = None,
) -> Matrix:
    """Return who sees whom at `now_ms` (ms since the epoch, on the reader's clock).

    `own` is the reader's replica, None where it has none, `own_problem` why it should have one and has not.
    """
    machines = {machine.machine_id: machine for machine in fleet}
    replicas = replicas_of(own, probes.values(), now_ms)
    newest = {name: _newest(name, replicas, probes) for name in machines}
    cells = {
        (observer, name): _cell(observer, machine, state, read_ms, newest[name], probes)
        for observer, (state, read_ms) in replicas.items()
        for name, machine in machines.items()
    }
    asked = {name: _left(probes[name], replicas, now_ms) for name in machines if name in probes}
    offsets = {name: one.offset_ms or 0 for name, one in probes.items()}
    sent = {pair: at - offsets.get(pair[1], 0) for pair, cell in cells.items() if (at := cell.heard_ms) is not None}
    unread = [] if own_problem is None else [v.Reason(v.REPLICA_UNREADABLE, HERE, {"detail": own_problem})]
    lags = compared(cells, asked)
    states = [state for state, _ in replicas.values()]
    found = [
        *unread,
        *_stalls(lags, sent),
        *_words(asked, machines, {name for (_, name), cell in cells.items() if cell.status == ONLINE}),
        *wrong_clocks(asked.values()),
        *(found for name in machines for found in contradictions(name, states, probes)),
    ]
    return Matrix(now_ms, tuple(machines), tuple(replicas), cells, asked, lags, tuple(found))


def _left(one: ProbeResult, replicas: Mapping[str, tuple[SharedState, int]], now_ms: int) -> ProbeResult:
    """Return the probe of a machine without a loop, or without an answer, that said before that it leaves."""
    if one.agent.kind in SELF_REPORTED - {NOT_RUNNING, LEFT}:
        return one
    pieces = [state.machines[one.machine_id] for state, _ in replicas.values() if one.machine_id in state.machines]
    best = merge(pieces, now_ms).get(one.machine_id)
    if best is None or not best.record.has_left:
        return one
    since = (best.record.left_at_ms or 0) - (one.offset_ms or 0)
    kind = LEFT if one.agent.kind == NOT_RUNNING else one.agent.kind
    state = next(state for state, _ in replicas.values() if state.machines.get(one.machine_id) is best)
    undone, is_older = undone_by_older(best, state), is_kept_by_older(best)
    return replace(one, agent=replace(one.agent, kind=kind, left_ms=since, undone=undone, older=is_older))


def _newest(
    machine_id: str, replicas: Mapping[str, tuple[SharedState, int]], probes: Mapping[str, ProbeResult]
) -> list[_Beat]:
    """Return every beat that an observer knows of a machine, the newest first."""
    shown = ((state.record_of(machine_id), observer, at) for observer, (state, at) in replicas.items())
    found = [(record, observer, at) for record, observer, at in shown if record is not None]
    one = probes.get(machine_id)
    if one is not None and one.agent.sequence is not None:
        found.append((Record(machine_id, one.agent.heard_ms, sequence=one.agent.sequence), machine_id, one.read_ms))
    return sorted(found, key=lambda beat: (beat[0].sequence or 0, beat[0].last_heartbeat_ms or 0), reverse=True)


def _cell(  # noqa: PLR0913, PLR0917 - a row, a column, and what is known of both
    observer: str,
    machine: Machine,
    state: SharedState,
    read_ms: int,
    beats: list[_Beat],
    probes: Mapping[str, ProbeResult],
) -> Cell:
    record = state.record_of(machine.machine_id)
    others = [beat for beat in beats if beat[1] != observer]
    one = probes.get(machine.machine_id)
    offset = None if one is None else one.offset_ms
    if record is None or record.last_heartbeat_ms is None:
        known = any((beat.sequence or 0) >= _NEW_BEATS for beat, _, _ in others)
        return Cell(UNKNOWN, lags=known and not _is_young(one, machine.offline_timeout))
    now_there = read_ms + (offset or 0)
    limits = limits_of(state.machines[machine.machine_id], machine.thresholds)
    behind = None
    if others:
        newest, _, told_ms = others[0]
        # By so much it was sent later than this reading, as far as the observer that tells of it looked later.
        later_ms = max(0, min((newest.last_heartbeat_ms or 0) - (offset or 0), told_ms) - read_ms)
        behind = max(0, _behind_ms(record, newest, machine.heartbeat_interval) - later_ms)
    return Cell(
        status(record, now_there, limits),
        now_there - record.last_heartbeat_ms,
        record.sequence,
        record.last_heartbeat_ms,
        behind,
        behind is not None and behind > machine.offline_timeout,
        offset is not None,
    )


def _is_young(one: ProbeResult | None, limit_ms: int) -> bool:
    """Return True if a loop began so lately that all its beats may be on their way, after a silence however long."""
    status = None if one is None else one.status
    if status is None or status.started_ms is None or status.beat_ms is None:
        return False
    return status.running and status.beat_ms - status.started_ms <= limit_ms


def _behind_ms(record: Record, newest: Record, interval_ms: int) -> int:
    """Count in beats where they are numbered, else by the machine's own clock: in either case no second clock."""
    if record.sequence is not None and newest.sequence is not None:
        return max(0, newest.sequence - record.sequence) * interval_ms
    return max(0, (newest.last_heartbeat_ms or 0) - (record.last_heartbeat_ms or 0))


def _words(probes: Mapping[str, ProbeResult], machines: Mapping[str, Machine], heard: set[str]) -> list[v.Reason]:
    """Return what machines that should beat say of themselves where that is not well.

    One that could not be asked, and beats, is well.
    """
    found = []
    for name, one in probes.items():
        reason = reason_of(one) if machines[name].expected == ONLINE else None
        if reason is not None and (one.agent.kind in SELF_REPORTED or name not in heard):
            found.append(reason)
        elif one.state_problem is not None and one.agent.kind == RUNNING:
            found.append(v.Reason(v.REPLICA_UNREADABLE, name, {"detail": one.state_problem}))
    return found


def compared(cells: Mapping[tuple[str, str], Cell], probes: Mapping[str, ProbeResult]) -> dict[tuple[str, str], bool]:
    """Return whether a beat arrived, for each replica and machine that tells: one that has not beaten tells nothing."""
    beating = {name for (_, name), cell in cells.items() if cell.status in (ONLINE, WARNING)}
    beating |= {name for name, one in probes.items() if one.agent.kind == RUNNING}
    return {
        (observer, name): cell.lags
        for (observer, name), cell in cells.items()
        if observer != name and (cell.lags or cell.status == ONLINE or (cell.behind_ms is not None and name in beating))
    }


def _stalls(compared: dict[tuple[str, str], bool], sent: Mapping[tuple[str, str], int]) -> list[v.Reason]:
    """Explain the pairs that lag by as few stale replicas and stalled writers as can be.

    `sent` is when the beat was sent that a replica shows of a machine, on the reader's clock.
    """
    lagging = sum(compared.values())
    rows = {observer for (observer, _), lags in compared.items() if lags}
    columns = {name for (_, name), lags in compared.items() if lags}
    if len(rows) > 1 and len(columns) > 1 and lagging * 100 >= len(compared) * _SHARE_PERCENT:
        facts = {"since": _last(compared, sent), "behind": lagging, "of": len(compared)}
        return [v.Reason(v.SHARE_STALLED, min(columns), facts)]
    found = []
    while any(compared.values()) and (line := _worst_line(compared, sent)) is not None:
        found.append(line[0])
        compared = {pair: lags for pair, lags in compared.items() if pair not in line[1]}
    return found


def _worst_line(
    compared: Mapping[tuple[str, str], bool], sent: Mapping[tuple[str, str], int]
) -> tuple[v.Reason, set[tuple[str, str]]] | None:
    """Return the row or column that lags most, by share and then by number; None where no line lags by half."""
    ranked = []
    for side, kind in enumerate((v.OBSERVER_STALE, v.UPLOAD_STALLED)):
        for name in dict.fromkeys(pair[side] for pair in compared):
            pairs = {pair for pair in compared if pair[side] == name}
            behind = sum(compared[pair] for pair in pairs)
            ranked.append((behind / len(pairs), behind, kind, name, pairs))
    ranked.sort(key=lambda line: line[:2], reverse=True)
    share, behind, kind, name, pairs = ranked[0]
    if share <= 0.5:  # noqa: PLR2004 - half of a line: a beat on its way, not a line that stands still
        return None
    since = _last(pairs, sent)
    tied = [line for line in ranked[1:] if line[:2] == (share, behind) and line[4] & pairs and line[2] != kind]
    if tied and behind == 1:
        observer, writer = next(iter(pairs & tied[0][4]))
        return v.Reason(v.LINK_STALLED, writer, {"since": since, "observer": observer}), pairs | tied[0][4]
    return v.Reason(kind, name, {"since": since, "behind": behind, "of": len(pairs)}), pairs


def _last(pairs: Iterable[tuple[str, str]], sent: Mapping[tuple[str, str], int]) -> int | None:
    return max((sent[pair] for pair in pairs if pair in sent), default=None)
