"""Is every machine what it is expected to be, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.findings import BAD_HEARTBEAT, NAIVE_HEARTBEAT, NO_HEARTBEAT, READ_ALL_THE_SAME
from roosync_ops.wire.names import HEARTBEATS, VIEW_NAME
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS, LEFT, OFFLINE, ONLINE, UNKNOWN, WARNING

from . import older, second
from . import verdict as v
from .behind import behind
from .clocks import all_ahead_ms, inconsistent_ms, unheard_ms, wrong_clocks
from .observe import observation
from .patience import AUTO_MOST_MS, TIMESTAMP, clock_suspected
from .probes import NOTHING_ELSE, SELF_REPORTED, UNASKED, Knowledge, ProbeResult, reason_of
from .verdict import Basis
from .view_evidence import ViewEvidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from roosync_ops.fleet import Fleet, Machine
    from roosync_ops.state import SharedState
    from roosync_ops.state.signs import Sign
    from roosync_ops.wire.findings import Finding

    from .matrix import Matrix

#: Which observations meet which expectation. A warning meets neither: it may turn out either way.
_MET_BY: Final = {ONLINE: frozenset([ONLINE]), OFFLINE: frozenset([OFFLINE, LEFT, UNKNOWN])}
#: Invariant 4: from this share of the fleet on, and from two machines on, the observer is the suspect.
_SUSPECT_PERCENT: Final = 90
_SUSPECT_AT_LEAST: Final = 2
_TIME_FINDINGS: Final = frozenset([NO_HEARTBEAT, BAD_HEARTBEAT, NAIVE_HEARTBEAT])


def validate(  # noqa: PLR0913 - each is a piece of evidence; the last two are asked for
    fleet: Fleet,
    state: SharedState,
    now_ms: int,
    chosen: Iterable[Machine] | None = None,
    *,
    known: Knowledge = NOTHING_ELSE,
    matrix: Matrix | None = None,
    asked: Mapping[str, ProbeResult] = MappingProxyType({}),
) -> v.Validation:
    """Judge every machine of `fleet` (or the `chosen` of it) by `state` at `now_ms` (ms since the epoch).

    Thresholds are the inventory's. Machines the fleet does not know are listed apart and never counted. `known` are
    clocks that were measured and what was seen when; `matrix` is what the machines themselves testify, `asked` what
    those do that alone were asked.
    """
    machines = tuple(fleet if chosen is None else chosen)
    seen = [
        (machine, observation(machine.machine_id, state, now_ms, machine.thresholds, known)) for machine in machines
    ]
    asked = asked if matrix is None else matrix.probes
    decided = [
        (machine, second.by_word(machine, row, state, now_ms, asked.get(machine.machine_id))) for machine, row in seen
    ]
    gone = _gone_at_once(decided, state)
    witness = ViewEvidence(state, tuple(row for _, row in seen))
    clocks = () if matrix is not None else tuple(wrong_clocks(asked.values()))
    view = _View(state, now_ms, known, matrix, asked, clocks, gone, _reader_behind_ms(seen, now_ms, known), witness)
    verdicts = tuple(_verdict(machine, row, view) for machine, row in decided)
    strangers = tuple(observation(name, state, now_ms) for name in sorted(state.machines) if name not in fleet)
    return v.Validation(
        now_ms, state.shared, verdicts, strangers, state.findings, evidence=matrix, patience_ms=known.patience_ms
    )


@dataclass(frozen=True, slots=True)
class _View:
    """What one verdict is reached from, beside the machine's own row.

    `gone` is (gone or late, expected to be heard) where the observer is the suspect. `behind_ms` is how far the
    reader's own clock seems behind everybody's. `witness` is the view, asked where it matters.
    """

    state: SharedState
    now_ms: int
    known: Knowledge
    matrix: Matrix | None
    asked: Mapping[str, ProbeResult]
    clocks: tuple[v.Reason, ...]
    gone: tuple[int, int] | None
    behind_ms: int | None
    witness: ViewEvidence

    def probe(self, machine_id: str) -> ProbeResult | None:
        return self.asked.get(machine_id)

    def timeout_ms(self, machine: Machine) -> int:
        """Return for how long a machine may be silent."""
        return second.timeout_ms(machine, self.state, self.known.patience_ms)


def _reader_behind_ms(seen: list[tuple[Machine, v.Observation]], now_ms: int, known: Knowledge) -> int | None:
    heard = {row.machine_id: row.last_heartbeat_ms for _, row in seen if row.last_heartbeat_ms is not None}
    return all_ahead_ms(heard, now_ms) if known.patience_ms is None and not known.offsets else None


def _gone_at_once(seen: list[tuple[Machine, v.Observation]], state: SharedState) -> tuple[int, int] | None:
    """Return (gone or late, expected to be heard) where so many are that the observer is the suspect, else None.

    A replica that stands still makes them gone one after the other, as each one's last beat passes its timeout: those
    that are late are on their way. Who left on purpose is not to be heard, and nobody is gone from a share that holds
    nothing yet.
    """
    words = [row.observed for machine, row in seen if machine.expected == ONLINE and row.observed != LEFT]
    unheard = sum(word != ONLINE for word in words)
    if not state.machines or all(word in (ONLINE, WARNING) for word in words):
        return None
    if unheard < _SUSPECT_AT_LEAST or unheard * 100 < len(words) * _SUSPECT_PERCENT:
        return None
    return unheard, len(words)


def _verdict(machine: Machine, row: v.Observation, view: _View) -> v.Verdict:
    probe = view.probe(machine.machine_id)
    rests_on = second.basis_of(row, probe, view.timeout_ms(machine))
    if _is_no_evidence(row, view, probe) or _hidden_ms(machine, row, view) is not None:
        row = replace(row, observed=UNKNOWN)
    elif _is_late(machine, row, view, rests_on):
        row = replace(row, observed=WARNING)
    ok = row.observed in _MET_BY[machine.expected]
    reason, sign = _reason(machine, row, view, rests_on, ok=ok), _sign(row, view)
    if sign is not None and reason is not None:
        facts = {**reason.facts, "sign": view.now_ms - sign[0], "sign_of": sign[1]}
        reason = replace(reason, facts=facts)
    return v.Verdict(
        machine.machine_id,
        machine.expected,
        row.observed,
        ok,
        row.observed in (ONLINE, WARNING),
        row.last_heartbeat_ms,
        row.age_ms,
        row.missed,
        reason,
        machine.why,
        row.basis,
        probe,
        sign,
        rests_on,
    )


def _is_late(machine: Machine, row: v.Observation, view: _View, rests_on: Basis) -> bool:
    """Return True if silence is no longer than this share's delays have been, and nobody's word says what it is."""
    if row.observed != OFFLINE or rests_on in (Basis.ASKED, Basis.UNREACHABLE) or row.age_ms is None:
        return False
    timeout_ms = view.timeout_ms(machine)
    may_last_ms = second.may_last_ms(view.known.late_ms, timeout_ms)
    return view.known.patience_ms is None and timeout_ms < row.age_ms <= may_last_ms


def _sign(row: v.Observation, view: _View) -> Sign | None:
    """Return a sign of life that newer services left of a machine since it was last heard; None for one that is."""
    sign = view.state.signs.get(row.machine_id)
    if sign is None or row.observed in (ONLINE, LEFT) or sign[0] <= (row.last_heartbeat_ms or 0):
        return None
    return sign


def _is_no_evidence(row: v.Observation, view: _View, probe: ProbeResult | None) -> bool:
    """Where the observers are the suspects, what they do not show of a machine says nothing of it.

    Only a machine's own word does. Without a probe the words stay the protocol's, and the reason tells. And where the
    machine's own file is there and cannot be read, half arrived perhaps, an older word from elsewhere is no death.
    """
    if row.observed != OFFLINE or (probe is not None and probe.agent.kind in SELF_REPORTED):
        return False
    return _unread(row, view.state) is not None or (bool(view.asked) and view.gone is not None)


def _reason(machine: Machine, row: v.Observation, view: _View, rests_on: Basis, *, ok: bool) -> v.Reason | None:
    """Return why a machine is not as expected, or why a machine that is should be looked at; None for all is well."""
    measured = row.machine_id in view.known.offsets
    ahead = -row.age_ms if row.age_ms is not None and row.age_ms < -FUTURE_TOLERANCE_MS and not measured else None
    hidden = _hidden_ms(machine, row, view)
    if ok or hidden is not None:
        if row.observed == ONLINE and (said := _of_a_living(row, view, rests_on)) is not None:
            return said
        return _disagrees(machine, row, view) if ahead is None else _ahead(row, ahead, hidden, view)
    if machine.expected == OFFLINE:
        facts = {"observed": row.observed, "age": row.age_ms, "why": machine.why}
        return v.Reason(v.BEATS_UNEXPECTEDLY, row.machine_id, facts, ahead)
    told = _told(row, view, rests_on) or _unread(row, view.state)
    if told is not None:
        return told
    silent = row.observed in (OFFLINE, UNKNOWN) or (row.age_ms or 0) > view.timeout_ms(machine)
    if view.gone is not None and silent:
        facts = {"gone": view.gone[0], "of": view.gone[1], "age": row.age_ms}
        return v.Reason(v.OBSERVER_SUSPECTED, row.machine_id, facts)
    return (
        _contradicted(machine, row, view)
        or _arrives(machine, row, view)
        or _behind(machine, row, view)
        or _silence(row, view, ahead, rests_on)
    )


def _of_a_living(row: v.Observation, view: _View, rests_on: Basis) -> v.Reason | None:
    """Return what is the matter with a machine that lives by its own word: its clock, or its beats on their way."""
    clock = next((one for one in view.clocks if one.machine_id == row.machine_id), None)
    if clock is not None or rests_on != Basis.ASKED:
        return clock
    return _stalled(row, view) or v.Reason(v.LATE_HERE, row.machine_id, {"age": row.age_ms})


def _ahead(row: v.Observation, ahead: int, hidden: int | None, view: _View) -> v.Reason:
    """A beat from the future: its machine's clock is ahead, or the reader's is behind everybody's.

    `hidden` is for how long no other has arrived, where that is known to be too long.
    """
    if hidden is not None:
        return v.Reason(v.CLOCK_HIDES, row.machine_id, {"age": hidden}, ahead)
    if view.behind_ms is not None:
        facts = {"off": -view.behind_ms, "count": len(view.state.machines)}
        return v.Reason(v.READER_CLOCK_WRONG, row.machine_id, facts)
    return v.Reason(v.CLOCK_SUSPECTED, row.machine_id, ahead_ms=ahead)


def _disagrees(machine: Machine, row: v.Observation, view: _View) -> v.Reason | None:
    """Return where a beat arrived at another time than its stamp allows; None for a reader that saw none arrive."""
    piece, seen = view.state.machines.get(row.machine_id), view.known.seen.get(row.machine_id)
    if piece is None or row.machine_id in view.known.offsets:
        return None
    if not clock_suspected(piece.record, seen, view.now_ms, machine.thresholds):
        return None
    return v.Reason(v.CLOCK_DISAGREES, row.machine_id)


def _hidden_ms(machine: Machine, row: v.Observation, view: _View) -> int | None:
    """Return for how long, in ms, no beat of a machine arrived whose stamp lies in the future; None for no such thing.

    For a reader of time stamps that an earlier one left its memory. Only where somebody else is heard, and only after
    as much delay as ever is borne: such a stamp is no evidence then, and silence alone is no death.
    """
    seen = view.known.seen.get(row.machine_id)
    if seen is None or row.observed == LEFT or view.known.patience_ms is not None or view.matrix is not None:
        return None
    if row.age_ms is None or row.age_ms >= -FUTURE_TOLERANCE_MS or view.behind_ms is not None:
        return None
    timeout_ms = machine.thresholds.timeout_ms
    arrivals = [one.moved_by_ms for one in view.known.seen.values() if one.moved_by_ms is not None]
    silent = view.now_ms - (seen.first_ms if seen.moved_by_ms is None else seen.moved_by_ms)
    is_heard = any(view.now_ms - at <= timeout_ms for at in arrivals)
    return silent if is_heard and silent > timeout_ms + AUTO_MOST_MS else None


def _arrives(machine: Machine, row: v.Observation, view: _View) -> v.Reason | None:
    """Say where a machine is silent by its stamps, and by an earlier reader's memory a beat of it has just arrived."""
    seen = view.known.seen.get(row.machine_id)
    if row.observed != OFFLINE or seen is None or seen.moved_by_ms is None:
        return None
    if view.now_ms - seen.moved_by_ms > machine.thresholds.timeout_ms:
        return None
    return _disagrees(machine, row, view)


def _told(row: v.Observation, view: _View, rests_on: Basis) -> v.Reason | None:
    """Return why, as the machine itself and the other replicas tell it; None where nobody was asked or knows."""
    probe = view.probe(row.machine_id)
    if probe is None or row.observed == LEFT or rests_on == Basis.NO_AGENT:
        return None
    if view.gone is not None and probe.agent.kind not in SELF_REPORTED:
        return None
    if row.observed == UNKNOWN and probe.agent.kind == UNASKED:  # a rollout says what is in its way
        return None
    own = reason_of(probe)
    if own is not None:
        own = replace(own, facts={"age": row.age_ms, **own.facts})
    if row.observed == WARNING and rests_on == Basis.HEARD:  # too early to say more than the machine does itself
        return own if probe.agent.kind in SELF_REPORTED else None
    return own or _stalled(row, view)


def _stalled(row: v.Observation, view: _View) -> v.Reason | None:
    """Return what the other replicas tell of why a machine's beats do not arrive."""
    if view.matrix is None:
        return None
    about = (v.UPLOAD_STALLED, v.LINK_STALLED)
    stalled = [found for found in view.matrix.findings if found.kind in about and found.machine_id == row.machine_id]
    stalled += [found for found in view.matrix.findings if found.kind == v.SHARE_STALLED]
    return replace(stalled[0], machine_id=row.machine_id) if stalled else None


def _contradicted(machine: Machine, row: v.Observation, view: _View) -> v.Reason | None:
    """Say where silence rests on a time stamp alone, and the record itself or the view says that its clock is wrong."""
    piece = view.state.machines.get(row.machine_id)
    if piece is None or row.observed != OFFLINE or row.basis != TIMESTAMP:
        return None
    back = inconsistent_ms(piece.record)
    if back is not None:
        return v.Reason(v.CLOCK_CONTRADICTED, row.machine_id, {"age": row.age_ms, "back": back})
    unheard = unheard_ms(row.machine_id, view.witness, machine.thresholds.timeout_ms)
    return (
        None if unheard is None else v.Reason(v.CLOCK_BEHIND, row.machine_id, {"age": row.age_ms, "unheard": unheard})
    )


def _behind(machine: Machine, row: v.Observation, view: _View) -> v.Reason | None:
    """Return where silence may be this replica's own; of no use where the other replicas were asked."""
    if row.observed != OFFLINE or view.matrix is not None:
        return None
    return behind(row, view.witness, machine.thresholds)


def _unread(row: v.Observation, state: SharedState) -> v.Reason | None:
    """Return the reason where the machine's own file is there, and could not be used.

    What was heard of it then comes from elsewhere (an old view), or from nowhere.
    """
    if row.observed == UNKNOWN and row.file is not None and row.last_heartbeat_ms is None:
        finding = _finding(state, row, _TIME_FINDINGS)
        return v.Reason(v.NO_VALID_HEARTBEAT, row.machine_id, _facts(row.file, finding))
    own = f"{HEARTBEATS}/{row.machine_id}.json"
    if row.observed not in (UNKNOWN, OFFLINE) or row.file == own:
        return None
    about = [item for item in state.findings_about(row.machine_id) if item.kind not in READ_ALL_THE_SAME]
    troubles = about if row.file in (None, VIEW_NAME) else [item for item in about if item.file == own]
    if not troubles:
        return None
    return v.Reason(v.NOT_UNDERSTOOD, row.machine_id, _facts(troubles[0].file, troubles[0]))


def _finding(state: SharedState, row: v.Observation, kinds: frozenset[str]) -> Finding | None:
    about = state.findings_about(row.machine_id) or state.findings
    return next((item for item in about if item.file == row.file and item.kind in kinds), None)


def _facts(file: str, finding: Finding | None) -> dict[str, str | None]:
    return {
        "file": file,
        "kind": finding.kind if finding is not None else NO_HEARTBEAT,
        "detail": finding.detail if finding is not None else "no valid lastHeartbeat",
    }


def _silence(row: v.Observation, view: _View, ahead: int | None, rests_on: Basis) -> v.Reason:
    if row.older and row.observed in (WARNING, OFFLINE):
        facts = {"age": row.age_ms, "since": row.last_heartbeat}
        return v.Reason(v.SELDOM if row.observed == WARNING else v.OLDER_SILENT, row.machine_id, facts)
    if row.observed == WARNING and rests_on != Basis.HEARD and view.known.patience_ms is None:
        return v.Reason(v.LATE_SHARE, row.machine_id, {"age": row.age_ms, "most": view.known.late_ms})
    if row.observed == WARNING:
        return v.Reason(v.MISSING_BEATS, row.machine_id, {"age": row.age_ms, "missed": row.missed})
    if row.observed == OFFLINE:
        return v.Reason(v.SILENT, row.machine_id, {"age": row.age_ms, "since": row.last_heartbeat})
    if row.observed == LEFT:
        kind = v.OLDER_LEFT if row.older else v.HAS_LEFT
        return v.Reason(kind, row.machine_id, {"since": _left_at_ms(row, view), **_undone(row, view)}, ahead)
    return v.Reason(v.NEVER_SEEN, row.machine_id)


def _undone(row: v.Observation, view: _View) -> dict[str, Any]:
    return older.undone(view.state.machines.get(row.machine_id), view.state)


def _left_at_ms(row: v.Observation, view: _View) -> int | None:
    """Return when it was stopped on purpose: by its record, else by its own word."""
    piece, probe = view.state.machines.get(row.machine_id), view.probe(row.machine_id)
    said = None if probe is None else probe.agent.left_ms
    return said if piece is None or piece.record.left_at_ms is None else piece.record.left_at_ms
