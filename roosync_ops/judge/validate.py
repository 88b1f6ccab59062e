"""Is every machine what it is expected to be, and if not, why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.wire.findings import BAD_HEARTBEAT, BOM, CASE_DOUBLE, CONFLICT_COPY, NAIVE_HEARTBEAT, NO_HEARTBEAT
from roosync_ops.wire.folder import VIEW_NAME
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS, LEFT, OFFLINE, ONLINE, UNKNOWN, WARNING

from . import verdict as v
from .observe import observation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roosync_ops.fleet import Fleet, Machine
    from roosync_ops.state import SharedState
    from roosync_ops.wire.findings import Finding

#: Issue 2: which observations meet which expectation. A warning meets neither: it may turn out either way.
_MET_BY: Final = {ONLINE: frozenset([ONLINE]), OFFLINE: frozenset([OFFLINE, LEFT, UNKNOWN])}
#: Invariant 4: from this share of the fleet on, and from two machines on, the observer is the suspect.
_SUSPECT_PERCENT: Final = 90
_SUSPECT_AT_LEAST: Final = 2
_TIME_FINDINGS: Final = frozenset([NO_HEARTBEAT, BAD_HEARTBEAT, NAIVE_HEARTBEAT])
#: Findings about a file that was read all the same: they explain no silence.
_HARMLESS: Final = frozenset([BOM, CASE_DOUBLE, CONFLICT_COPY])


def validate(fleet: Fleet, state: SharedState, now_ms: int, chosen: Iterable[Machine] | None = None) -> v.Validation:
    """Judge every machine of `fleet` (or the `chosen` of it) by `state` at `now_ms` (ms since the epoch).

    Thresholds are the inventory's. Machines the fleet does not know are listed apart and never counted.
    """
    machines = tuple(fleet if chosen is None else chosen)
    seen = [(machine, observation(machine.machine_id, state, now_ms, machine.thresholds)) for machine in machines]
    gone = _gone_at_once(seen, state)
    verdicts = tuple(_verdict(machine, row, state, gone) for machine, row in seen)
    strangers = tuple(observation(name, state, now_ms) for name in sorted(state.machines) if name not in fleet)
    return v.Validation(now_ms, state.shared, verdicts, strangers, state.findings)


def _gone_at_once(seen: list[tuple[Machine, v.Observation]], state: SharedState) -> tuple[int, int] | None:
    """Return (gone, expected online) where so many look gone that the observer is the suspect, else None.

    A share that holds nothing yet is a fresh fleet: nobody is gone from it.
    """
    expected = [row for machine, row in seen if machine.expected == ONLINE]
    gone = sum(row.observed in (OFFLINE, UNKNOWN) for row in expected)
    if not state.machines or gone < _SUSPECT_AT_LEAST or gone * 100 < len(expected) * _SUSPECT_PERCENT:
        return None
    return gone, len(expected)


def _verdict(machine: Machine, row: v.Observation, state: SharedState, gone: tuple[int, int] | None) -> v.Verdict:
    ok = row.observed in _MET_BY[machine.expected]
    return v.Verdict(
        machine.machine_id,
        machine.expected,
        row.observed,
        ok,
        row.observed in (ONLINE, WARNING),
        row.last_heartbeat_ms,
        row.age_ms,
        row.missed,
        _reason(machine, row, state, gone, ok=ok),
        machine.why,
    )


def _reason(
    machine: Machine, row: v.Observation, state: SharedState, gone: tuple[int, int] | None, *, ok: bool
) -> v.Reason | None:
    """Return why a machine is not as expected, or why a machine that is should be looked at; None for all is well."""
    ahead = -row.age_ms if row.age_ms is not None and row.age_ms < -FUTURE_TOLERANCE_MS else None
    if ok:
        return None if ahead is None else v.Reason(v.CLOCK_SUSPECTED, row.machine_id, ahead_ms=ahead)
    if machine.expected == OFFLINE:
        facts = {"observed": row.observed, "age": row.age_ms, "why": machine.why}
        return v.Reason(v.BEATS_UNEXPECTEDLY, row.machine_id, facts, ahead)
    unread = _unread(row, state)
    if unread is not None:
        return unread
    if gone is not None and row.observed in (OFFLINE, UNKNOWN):
        facts = {"gone": gone[0], "of": gone[1], "age": row.age_ms}
        return v.Reason(v.OBSERVER_SUSPECTED, row.machine_id, facts)
    return _silence(row, state, ahead)


def _unread(row: v.Observation, state: SharedState) -> v.Reason | None:
    """Return the reason where the machine's own file is there, and could not be used.

    What was heard of it then comes from elsewhere (an old view), or from nowhere.
    """
    if row.observed == UNKNOWN and row.file is not None:
        finding = _finding(state, row, _TIME_FINDINGS)
        return v.Reason(v.NO_VALID_HEARTBEAT, row.machine_id, _facts(row.file, finding))
    if row.observed not in (UNKNOWN, OFFLINE) or row.file not in (None, VIEW_NAME):
        return None
    troubles = [item for item in state.findings_about(row.machine_id) if item.kind not in _HARMLESS]
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


def _silence(row: v.Observation, state: SharedState, ahead: int | None) -> v.Reason:
    if row.observed == WARNING:
        return v.Reason(v.MISSING_BEATS, row.machine_id, {"age": row.age_ms, "missed": row.missed})
    if row.observed == OFFLINE:
        return v.Reason(v.SILENT, row.machine_id, {"age": row.age_ms, "since": row.last_heartbeat})
    if row.observed == LEFT:
        left_at = state.machines[row.machine_id].record.left_at_ms
        return v.Reason(v.HAS_LEFT, row.machine_id, {"since": left_at}, ahead)
    return v.Reason(v.NEVER_SEEN, row.machine_id)
