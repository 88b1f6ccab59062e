"""Is every machine what it is expected to be, and if not, why; and the procedure's four checks after an enrolment."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.state import SharedState
from roosync_ops.state.shared import Sign
from roosync_ops.wire.status import LEFT, OFFLINE, ONLINE, UNKNOWN, WARNING

from . import second, why
from . import verdict as v
from .contradictions import ViewEvidence, all_ahead_ms, wrong_clocks
from .matrix import Matrix
from .observe import may_be_anothers, observation
from .probes import NOTHING_ELSE, RUNNING, SELF_REPORTED, Knowledge, ProbeResult
from .verdict import Basis

#: Which observations meet which expectation. A warning meets neither: it may turn out either way.
_MET_BY: Final = {ONLINE: frozenset([ONLINE]), OFFLINE: frozenset([OFFLINE, LEFT, UNKNOWN])}
#: Invariant 4: from this share of the fleet on, and from two machines on, the observer is the suspect.
_SUSPECT_PERCENT: Final = 90
_SUSPECT_AT_LEAST: Final = 2


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
    late = frozenset(row.machine_id for machine, row in decided if _may_be_late(machine, row, asked))
    witness = ViewEvidence(state, tuple(row for _, row in seen))
    clocks = () if matrix is not None else tuple(wrong_clocks(asked.values()))
    heard = {row.machine_id: row.last_heartbeat_ms for _, row in seen if row.last_heartbeat_ms is not None}
    behind_ms = all_ahead_ms(heard, now_ms) if known.patience_ms is None and not known.offsets else None
    given = why.Given(state, now_ms, known, matrix, asked, clocks, gone, late, behind_ms, witness, fleet)
    verdicts = tuple(_verdict(machine, row, given) for machine, row in decided)
    strangers = tuple(observation(name, state, now_ms) for name in sorted(state.machines) if name not in fleet)
    return v.Validation(
        now_ms, state.shared, verdicts, strangers, state.findings, evidence=matrix, patience_ms=known.patience_ms
    )


def _gone_at_once(seen: list[tuple[Machine, v.Observation]], state: SharedState) -> tuple[int, int] | None:
    """Return (gone or late, expected to be heard) where so many are that the observer is the suspect, else None.

    A replica that stands still makes them gone one after the other, as each one's last beat passes its timeout: those
    that are late are on their way. A machine that left on purpose is not expected to be heard, and none is gone from a
    share that holds nothing yet.
    """
    words = [row.observed for machine, row in seen if machine.expected == ONLINE and row.observed != LEFT]
    unheard = sum(word != ONLINE for word in words)
    if not state.machines or all(word in (ONLINE, WARNING) for word in words):
        return None
    if unheard < _SUSPECT_AT_LEAST or unheard * 100 < len(words) * _SUSPECT_PERCENT:
        return None
    return unheard, len(words)


def _verdict(machine: Machine, row: v.Observation, given: why.Given) -> v.Verdict:
    probe = given.asked.get(machine.machine_id)
    rests_on = second.basis_of(row, probe, given.timeout_ms(machine))
    if why.hidden_ms(machine, row, given) is not None:
        row = replace(row, observed=UNKNOWN)
    elif _is_late(machine, row, given, rests_on):
        row = replace(row, observed=WARNING)
    elif _is_no_evidence(row, given, probe):
        row = replace(row, observed=UNKNOWN)
    ok = row.observed in _MET_BY[machine.expected]
    reason, sign = why.reason(machine, row, given, rests_on, ok=ok), _sign(row, given)
    if rests_on == Basis.HEARD and _is_silent_here(machine, row, given):
        rests_on = Basis.ELSEWHERE
    if sign is not None and reason is not None:
        reason = replace(reason, facts={**reason.facts, "sign": given.now_ms - sign[0], "sign_of": sign[1]})
    silence = given.known.silences.get(machine.machine_id)
    if silence is not None and given.now_ms < silence.until_ms:
        facts = {"until": silence.until_ms, "why": silence.why, "observed": row.observed}
        ok, reason = True, v.Reason(v.SILENCED, machine.machine_id, facts)
    return v.Verdict(
        **{name: getattr(row, name) for name in v.Observation.__slots__},  # asdict() copies deeply
        expected=machine.expected,
        ok=ok,
        reason=reason,
        why=machine.why,
        probe=probe,
        sign=sign,
        rests_on=rests_on,
    )


def _is_silent_here(machine: Machine, row: v.Observation, given: why.Given) -> bool:
    """Return True if the reader's own replica has no beat of a machine within its timeout, and another's has."""
    if given.known.here is None or row.age_ms is None or row.last_heartbeat_ms is None:
        return False
    here = given.known.here.get(row.machine_id)
    return here is None or row.age_ms + row.last_heartbeat_ms - here > given.timeout_ms(machine)


def _is_late(machine: Machine, row: v.Observation, given: why.Given, rests_on: Basis) -> bool:
    """Return True if silence is no longer than this share's delays have been, and no probe says what it is."""
    if row.observed != OFFLINE or rests_on in (Basis.ASKED, Basis.UNREACHABLE) or row.age_ms is None:
        return False
    timeout_ms = given.timeout_ms(machine)
    others = given.gone is not None or bool(given.late - {row.machine_id})
    may_last_ms = second.may_last_ms(given.known.late_ms, timeout_ms, of_others=others)
    return given.known.patience_ms is None and timeout_ms < row.age_ms <= may_last_ms


def _may_be_late(machine: Machine, row: v.Observation, asked: Mapping[str, ProbeResult]) -> bool:
    """Return True if a machine is silent, for no longer than is ever borne, and no probe says that it is gone."""
    if machine.expected != ONLINE or row.observed == LEFT or (row.observed == OFFLINE and row.machine_id in asked):
        return False
    timeout_ms = machine.offline_timeout
    return row.age_ms is not None and timeout_ms < row.age_ms <= second.LATE_TIMEOUTS[1] * timeout_ms


def _sign(row: v.Observation, given: why.Given) -> Sign | None:
    """Return a sign of life that newer services left of a machine since it was last heard; None for one that is."""
    sign = given.state.signs.get(row.machine_id)
    if sign is None or row.observed in (ONLINE, LEFT) or sign[0] <= (row.last_heartbeat_ms or 0):
        return None
    return sign


def _is_no_evidence(row: v.Observation, given: why.Given, probe: ProbeResult | None) -> bool:
    """Where the observers are the suspects, what they do not show of a machine says nothing of it.

    Only a machine's own word does. Without a probe the words stay the protocol's, and the reason tells. And where the
    machine's own file is there and cannot be read, half arrived perhaps, an older word from elsewhere is no death. Nor
    is it a life where what an older service wrote may be another machine's.
    """
    if row.observed in (ONLINE, WARNING) and (probe is None or probe.agent.kind != RUNNING):
        return may_be_anothers(row.machine_id, given.state, given.fleet) is not None
    if row.observed != OFFLINE or (probe is not None and probe.agent.kind in SELF_REPORTED):
        return False
    return why.unread(row, given.state) is not None or (bool(given.asked) and given.gone is not None)


def enrolment_checks(before: object, after: object, machine_id: str) -> tuple[v.Check, v.Check, v.Check, v.Check]:
    """Compare the view before and after `machine_id` was enrolled (`heartbeat.json` parsed; None where there is none).

    The count must be up by at least one, or not down where the machine was online before; machines that went offline
    meanwhile are taken off what it was.
    """
    heartbeats, online = _part(after, "heartbeats", dict), _part(after, "onlineMachines", list)
    entry = heartbeats.get(machine_id)
    stored = entry.get("status") if isinstance(entry, dict) else None

    def check(name: str, kind: str, ok: bool, **facts: Any) -> v.Check:
        missing = v.NO_VIEW if not isinstance(after, dict) else kind
        return v.Check(name, ok, None if ok else v.Reason(missing, machine_id, facts))

    known, now = (
        {name for name in _part(view, "onlineMachines", list) if isinstance(name, str)} for view in (before, after)
    )
    was, counted = (_part(_part(view, "statistics", dict), "onlineCount", int) for view in (before, after))
    gone = len(known - now - {machine_id})  # a machine that went meanwhile is no fault of the one that was enrolled
    counts = {"before": was, "after": counted, "wanted": was - gone + (machine_id not in known)}
    return (
        check("heartbeats", v.NOT_IN_HEARTBEATS, isinstance(entry, dict)),
        check("status", v.STORED_STATUS, stored == "online", status=stored),
        check("onlineMachines", v.NOT_IN_LIST, machine_id in online),
        check("statistics.onlineCount", v.COUNT_NOT_UP, counts["after"] >= counts["wanted"], **counts),
    )


def _part(view: object, key: str, kind: type) -> Any:
    """Return a part of the view, empty where the view has none of that type."""
    part = view.get(key) if isinstance(view, dict) else None
    return part if type(part) is kind else kind()
