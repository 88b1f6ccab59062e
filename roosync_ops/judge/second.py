"""The second opinion: whom to ask because of what the folder shows, and what an answer, or none, makes of that.

A machine's word is believed about itself alone. One that is silent here and does not answer is offline only where
another machine was reached, and does not reach it either: else this computer may be the one that is cut off.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.state import SharedState
from roosync_ops.wire.record import LATE, Record, object_in
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS, LEFT, OFFLINE, ONLINE, WARNING

from . import verdict as v
from .observe import limits_of
from .probes import NO_AGENT, NOT_RUNNING, OFF, RUNNING, SELF_REPORTED, SHARE_BLOCKED, SILENT, Knowledge, ProbeResult
from .verdict import Basis

#: A share's delays may come again, as its keeper noted them; a day is short, and its keeper may be wrong: silence of so
#: many timeouts is borne at least, and at most. The most, where another is late too, or a silence of so many was noted
#: within the hour: it is the share that is late now.
LATE_TIMEOUTS: Final = (3.9, 7.0)
_LATE_NOW_TIMEOUTS: Final = 1.5
_HEARD: Final = (Basis.HEARD, Basis.ELSEWHERE)
_DAY_MS: Final = 86_400_000
_CENTURY_MS: Final = 36_525 * _DAY_MS


def in_doubt(validation: v.Validation, fleet: Fleet, *, everybody: bool = False) -> tuple[Machine, ...]:
    """Return the machines to ask: expected online and not seen online, or only by a clock that cannot be right.

    A reader that judges by when beats arrived asks once a time stamp is too old: the beat was on its way for a part of
    that. With `everybody`, all that are expected online.
    """
    rows = [(row, fleet.get(row.machine_id)) for row in validation.verdicts if row.expected == ONLINE]
    at_ms = validation.checked_at_ms
    return tuple(one for row, one in rows if one is not None and (everybody or _is_in_doubt(row, one, at_ms)))


def _is_in_doubt(row: v.Verdict, machine: Machine, now_ms: int) -> bool:
    by_clock = row.reason is not None and row.reason.kind in v.CLOCKS
    is_old = row.last_heartbeat_ms is not None and now_ms - row.last_heartbeat_ms > machine.offline_timeout
    return row.probe is None and (row.observed != ONLINE or row.rests_on not in _HEARD or by_clock or is_old)


def timeout_ms(machine: Machine, state: SharedState, patience_ms: int | None = None) -> int:
    """Return for how long a machine may be silent, in ms: longer, where an older service alone keeps it."""
    piece = state.machines.get(machine.machine_id)
    limits = machine.thresholds if piece is None else limits_of(piece, machine.thresholds, patience_ms)
    return limits.timeout_ms


def by_word(
    machine: Machine, row: v.Observation, state: SharedState, now_ms: int, one: ProbeResult | None
) -> v.Observation:
    """Return what a machine is where its own word decides, else what the folder shows of it."""
    if one is None:
        return row
    record = state.record_of(row.machine_id)
    if one.agent.left_ms is not None and one.agent.kind in SELF_REPORTED and not beats_later(record, one):
        return replace(row, observed=LEFT)
    word = _word_of(row, one, timeout_ms(machine, state), record, now_ms)
    return row if word is None else replace(row, observed=word)


def _word_of(row: v.Observation, one: ProbeResult, timeout_ms: int, record: Record | None, now_ms: int) -> str | None:
    """Return what a machine is by its own word, or by its having none; None where that decides nothing.

    `timeout_ms` is how long it may be silent; `record` is what the folder shows of it.
    """
    word = one.agent
    if word.kind == RUNNING:
        is_fresh = word.since_ms is not None and now_ms - word.since_ms <= timeout_ms
        return ONLINE if is_fresh else None
    if row.observed == LEFT or beats_later(record, one):
        return None
    if word.kind == NOT_RUNNING:
        return OFFLINE
    if word.kind == NO_AGENT and row.older:
        return None
    if row.age_ms is None or word.kind not in (SHARE_BLOCKED, SILENT, NO_AGENT, OFF):
        return None  # of who was never seen there is no silence
    ahead = row.age_ms < -FUTURE_TOLERANCE_MS and one.offset_ms is None  # which may not be believed
    return OFFLINE if row.age_ms > timeout_ms or ahead else None


def beats_later(record: Record | None, one: ProbeResult) -> bool:
    """Return True if the folder shows a later beat of a machine's name than the machine knows: it is another's word."""
    if record is None or one.agent.sequence is None:
        return False
    if record.sequence is not None:
        return record.sequence > one.agent.sequence
    return (record.last_heartbeat_ms or 0) > (one.agent.heard_ms or 0)


def basis_of(row: v.Observation, one: ProbeResult | None, timeout_ms: int) -> Basis:
    """Return what a verdict rests on."""
    heard = row.age_ms is not None and -FUTURE_TOLERANCE_MS <= row.age_ms <= timeout_ms
    if (heard and row.observed in (ONLINE, WARNING)) or (one is None and row.observed == LEFT):
        return Basis.HEARD
    if one is None:
        return Basis.NOT_ASKED
    if one.agent.kind == NO_AGENT and row.older:
        return Basis.NO_AGENT
    if one.agent.kind in SELF_REPORTED:
        return Basis.ASKED
    return Basis.UNREACHABLE if one.agent.kind == OFF else Basis.COULD_NOT_ASK


def noted(state: SharedState, now_ms: int, offsets: Mapping[str, int] = MappingProxyType({})) -> Knowledge:
    """Return what the keeper of the view noted: the longest delays within a day and an hour, and whose clock is wrong.

    It is in the keeper's own file alone: where the view has a later beat of it, that file is not the best record.
    Of two keepers the more patient one is believed, and neither for long (see may_last_ms). Of clocks one is believed
    whose own is not wrong: it is heard now, or was lately and found most of the others' right, or `offsets`, which were
    measured, say so.
    """
    late, clocks = (0, 0), dict[str, int]()
    for record in (*(piece.record for piece in state.machines.values()), *state.own_files.values()):
        found, age_ms = record.agent.get(LATE), now_ms - (record.last_heartbeat_ms or 0)
        if isinstance(found, dict) and age_ms < _DAY_MS:
            late = max(late[0], _longest(found.get("day"))), max(late[1], _longest(found.get("hour")))
            told = {name: off for name, off in object_in(found, "clocks").items() if type(off) is int}
            is_right = abs(offsets.get(record.machine_id, _CENTURY_MS)) <= FUTURE_TOLERANCE_MS
            times = LATE_TIMEOUTS[1] if is_right or 2 * len(told) < len(state.machines) else 1.0
            if -FUTURE_TOLERANCE_MS <= age_ms <= times * record.thresholds.timeout_ms:
                clocks.update((name, off) for name, off in told.items() if abs(off) < _CENTURY_MS)
    return Knowledge(late_ms=late, clocks=clocks)


def _longest(noted: object) -> int:
    return noted[0] if isinstance(noted, list) and noted and type(noted[0]) is int else 0


def may_last_ms(late_ms: tuple[int, int], timeout_ms: int, *, of_others: bool = False) -> int:
    """Return how long silence is no more than a share's delay where `late_ms` are the longest of the day and the hour.

    Where others are late as well (`of_others`) it is what carries their beats that is: as long as is ever borne.
    """
    day, hour = late_ms
    least, most = (round(times * timeout_ms) for times in LATE_TIMEOUTS)
    if day <= 0:
        return 0
    return most if of_others or hour > _LATE_NOW_TIMEOUTS * timeout_ms else min(max(day, least), most)
