"""Why a machine is not as expected, or why one that is should be looked at: one reason, as a code with facts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.state import SharedState
from roosync_ops.state.shared import READ_ALL_THE_SAME
from roosync_ops.wire.findings import BAD_HEARTBEAT, NAIVE_HEARTBEAT, NO_HEARTBEAT, Finding
from roosync_ops.wire.names import VIEW_NAME, file_of
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS, LEFT, OFFLINE, ONLINE, UNKNOWN, WARNING

from . import second
from . import verdict as v
from .contradictions import ViewEvidence, inconsistent_ms
from .matrix import Matrix
from .observe import AUTO_MOST_MS, TIMESTAMP, clock_suspected, may_be_anothers, undone_by_older
from .probes import SELF_REPORTED, UNASKED, Knowledge, ProbeResult, reason_of
from .verdict import Basis

_TIME_FINDINGS: Final = frozenset([NO_HEARTBEAT, BAD_HEARTBEAT, NAIVE_HEARTBEAT])


@dataclass(frozen=True, slots=True)
class Given:
    """What one verdict is reached from, beside the machine's own row.

    `gone` is (gone or late, expected to be heard) where the observer is the suspect. `late` are those whose silence may
    yet be a delay. `behind_ms` is how far the reader's own clock seems behind all others. `witness` is heartbeat.json,
    asked where it matters.
    """

    state: SharedState
    now_ms: int
    known: Knowledge
    matrix: Matrix | None
    asked: Mapping[str, ProbeResult]
    clocks: tuple[v.Reason, ...]
    gone: tuple[int, int] | None
    late: frozenset[str]
    behind_ms: int | None
    witness: ViewEvidence
    fleet: Fleet

    def timeout_ms(self, machine: Machine) -> int:
        """Return for how long a machine may be silent."""
        return second.timeout_ms(machine, self.state, self.known.patience_ms)


def reason(machine: Machine, row: v.Observation, given: Given, rests_on: Basis, *, ok: bool) -> v.Reason | None:
    """Return why a machine is not as expected, or why a machine that is should be looked at; None for all is well."""
    measured = row.machine_id in given.known.offsets
    ahead = -row.age_ms if row.age_ms is not None and row.age_ms < -FUTURE_TOLERANCE_MS and not measured else None
    hidden = hidden_ms(machine, row, given)
    if ok or hidden is not None:
        if row.observed == ONLINE and (said := _of_a_living(row, given, rests_on)) is not None:
            return said
        return _disagrees(machine, row, given) if ahead is None else _ahead(row, ahead, hidden, given)
    if machine.expected == OFFLINE:
        facts = {"observed": row.observed, "age": row.age_ms, "why": machine.why}
        return v.Reason(v.BEATS_UNEXPECTEDLY, row.machine_id, facts, ahead)
    told = _told(row, given, rests_on) or unread(row, given.state)
    if told is not None:
        return told
    silent = row.observed in (OFFLINE, UNKNOWN) or (row.age_ms or 0) > given.timeout_ms(machine)
    if given.gone is not None and silent:
        facts = {"gone": given.gone[0], "of": given.gone[1], "age": row.age_ms}
        return v.Reason(v.OBSERVER_SUSPECTED, row.machine_id, facts)
    return (
        _contradicted(machine, row, given)
        or _arrives(machine, row, given)
        or (None if given.matrix is not None else given.witness.behind(row, machine.thresholds))
        or _silence(row, given, ahead, rests_on)
    )


def _of_a_living(row: v.Observation, given: Given, rests_on: Basis) -> v.Reason | None:
    """Return what is the matter with a machine that lives by its own word: its clock, or its beats on their way."""
    clock = next((one for one in given.clocks if one.machine_id == row.machine_id), None)
    if clock is not None or rests_on != Basis.ASKED:
        return clock
    return _stalled(row, given) or v.Reason(v.LATE_HERE, row.machine_id, {"age": row.age_ms})


def _ahead(row: v.Observation, ahead: int, hidden: int | None, given: Given) -> v.Reason:
    """A beat from the future: its machine's clock is ahead, or the reader's is behind all others.

    `hidden` is for how long no other has arrived, where that is known to be too long.
    """
    if hidden is not None:
        return v.Reason(v.CLOCK_HIDES, row.machine_id, {"age": hidden}, ahead)
    if given.behind_ms is not None:
        facts = {"off": -given.behind_ms, "count": len(given.state.machines)}
        return v.Reason(v.READER_CLOCK_WRONG, row.machine_id, facts)
    return v.Reason(v.CLOCK_SUSPECTED, row.machine_id, ahead_ms=ahead)


def _disagrees(machine: Machine, row: v.Observation, given: Given) -> v.Reason | None:
    """Return where a beat arrived at another time than its stamp allows; None for a reader that saw none arrive."""
    piece, seen = given.state.machines.get(row.machine_id), given.known.seen.get(row.machine_id)
    if piece is None or row.machine_id in given.known.offsets:
        return None
    is_noted = row.machine_id in given.known.clocks
    if not is_noted and not clock_suspected(piece.record, seen, given.now_ms, machine.thresholds):
        return None
    return v.Reason(v.CLOCK_DISAGREES, row.machine_id)


def hidden_ms(machine: Machine, row: v.Observation, given: Given) -> int | None:
    """Return for how long, in ms, no beat of a machine arrived whose stamp lies in the future; None for no such thing.

    For a reader of time stamps that an earlier one left its memory. Only where another machine is heard, and only after
    as much delay as ever is borne: such a stamp is no evidence then, and silence alone is no death.
    """
    seen = given.known.seen.get(row.machine_id)
    if seen is None or row.observed == LEFT or given.known.patience_ms is not None or given.matrix is not None:
        return None
    if row.age_ms is None or row.age_ms >= -FUTURE_TOLERANCE_MS or given.behind_ms is not None:
        return None
    timeout_ms = machine.thresholds.timeout_ms
    arrivals = [one.moved_by_ms for one in given.known.seen.values() if one.moved_by_ms is not None]
    silent = given.now_ms - (seen.first_ms if seen.moved_by_ms is None else seen.moved_by_ms)
    is_heard = any(given.now_ms - at <= timeout_ms for at in arrivals)
    return silent if is_heard and silent > timeout_ms + AUTO_MOST_MS else None


def _arrives(machine: Machine, row: v.Observation, given: Given) -> v.Reason | None:
    """Say where a machine is silent by its stamps, and by an earlier reader's memory a beat of it has just arrived."""
    seen = given.known.seen.get(row.machine_id)
    if row.observed != OFFLINE or seen is None or seen.moved_by_ms is None:
        return None
    if given.now_ms - seen.moved_by_ms > machine.thresholds.timeout_ms:
        return None
    return _disagrees(machine, row, given)


def _told(row: v.Observation, given: Given, rests_on: Basis) -> v.Reason | None:
    """Return why, as the machine itself and the other replicas tell it; None where no machine was asked or knows.

    Before that, whose beat an older service may have written there.
    """
    other = may_be_anothers(row.machine_id, given.state, given.fleet) if row.observed == UNKNOWN else None
    if other is not None:
        return v.Reason(v.MAY_BE_ANOTHERS, row.machine_id, {"age": row.age_ms, "other": other})
    probe = given.asked.get(row.machine_id)
    if probe is None or row.observed == LEFT or rests_on == Basis.NO_AGENT:
        return None
    if given.gone is not None and probe.agent.kind not in SELF_REPORTED:
        return None
    if row.observed == UNKNOWN and probe.agent.kind == UNASKED:  # a rollout says what is in its way
        return None
    own = reason_of(probe)
    if own is not None:
        own = replace(own, facts={"age": row.age_ms, **own.facts})
    if row.observed == WARNING and rests_on == Basis.HEARD:  # too early to say more than the machine does itself
        return own if probe.agent.kind in SELF_REPORTED else None
    return own or _stalled(row, given)


def _stalled(row: v.Observation, given: Given) -> v.Reason | None:
    """Return what the other replicas tell of why a machine's beats do not arrive."""
    if given.matrix is None:
        return None
    kinds = {v.UPLOAD_STALLED: row.machine_id, v.LINK_STALLED: row.machine_id, v.SHARE_STALLED: None}
    stalled = next((one for kind, name in kinds.items() if (one := given.matrix.finding(kind, name))), None)
    return None if stalled is None else replace(stalled, machine_id=row.machine_id)


def _contradicted(machine: Machine, row: v.Observation, given: Given) -> v.Reason | None:
    """Say where silence rests on a time stamp alone, and the record itself or the view says that its clock is wrong."""
    piece = given.state.machines.get(row.machine_id)
    if piece is None or row.observed != OFFLINE or row.basis != TIMESTAMP:
        return None
    back = inconsistent_ms(piece.record)
    if back is not None:
        return v.Reason(v.CLOCK_CONTRADICTED, row.machine_id, {"age": row.age_ms, "back": back})
    unheard = given.witness.unheard_ms(row.machine_id, machine.thresholds.timeout_ms)
    facts = {"age": row.age_ms, "unheard": unheard}
    return None if unheard is None else v.Reason(v.CLOCK_BEHIND, row.machine_id, facts)


def unread(row: v.Observation, state: SharedState) -> v.Reason | None:
    """Return the reason where the machine's own file is there, and could not be used.

    What was heard of it then comes from elsewhere (an old given), or from nowhere.
    """
    if row.observed == UNKNOWN and row.file is not None and row.last_heartbeat_ms is None:
        about = state.findings_about(row.machine_id) or state.findings
        none = Finding(row.file, NO_HEARTBEAT, "no valid lastHeartbeat")
        finding = next((item for item in about if item.file == row.file and item.kind in _TIME_FINDINGS), none)
        return v.Reason(v.NO_VALID_HEARTBEAT, row.machine_id, finding.as_dict())
    own = file_of(row.machine_id)
    if row.observed not in (UNKNOWN, OFFLINE, WARNING) or row.file == own:
        return None
    troubles = [item for item in state.findings_about(row.machine_id) if item.kind not in READ_ALL_THE_SAME]
    if row.file not in (None, VIEW_NAME):
        troubles = [item for item in troubles if item.file == own]
    return v.Reason(v.NOT_UNDERSTOOD, row.machine_id, troubles[0].as_dict()) if troubles else None


def _silence(row: v.Observation, given: Given, ahead: int | None, rests_on: Basis) -> v.Reason:
    if row.observed == OFFLINE or (row.older and row.observed == WARNING):
        kind = v.SILENT if not row.older else v.OLDER_SILENT if row.observed == OFFLINE else v.SELDOM
        return v.Reason(kind, row.machine_id, {"age": row.age_ms, "since": row.last_heartbeat})
    if row.observed == WARNING and rests_on != Basis.HEARD and given.known.patience_ms is None:
        return v.Reason(v.LATE_SHARE, row.machine_id, {"age": row.age_ms, "most": given.known.late_ms[0]})
    if row.observed == WARNING:
        return v.Reason(v.MISSING_BEATS, row.machine_id, {"age": row.age_ms, "missed": row.missed})
    if row.observed == LEFT:
        undone = undone_by_older(given.state.machines.get(row.machine_id), given.state)
        record, probe = given.state.record_of(row.machine_id), given.asked.get(row.machine_id)
        since = None if record is None else record.left_at_ms
        if since is None and probe is not None:  # by its own word
            since = probe.agent.left_ms
        return v.Reason(v.OLDER_LEFT if row.older else v.HAS_LEFT, row.machine_id, {"since": since, **undone}, ahead)
    return v.Reason(v.NEVER_SEEN, row.machine_id)
