"""Whose clock is wrong, and which name two computers beat under; and the view as a second witness.

Of the view: one machine of the fleet wrote into it what it had heard by then. That is of use to a reader that has one
look and no machine to ask. Ages are compared only where one clock wrote both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations
from statistics import median
from typing import Final

from roosync_ops.state import SharedState
from roosync_ops.wire.names import VIEW_NAME
from roosync_ops.wire.record import Record, object_in
from roosync_ops.wire.status import DEFAULT_TIMEOUT_MS, FUTURE_TOLERANCE_MS, OFFLINE, ONLINE, Thresholds
from roosync_ops.wire.times import time_or_none

from . import verdict as v
from .observe import AUTO_MOST_MS
from .probes import ProbeResult

#: From so many machines on that agree with each other and not with the reader, the reader's clock is the suspect.
_AGREEING: Final = 2
#: What erases the view or rewrites a record does so again and again: what last happened so long ago is over, in ms.
LATELY_MS: Final = 3_600_000
#: Reading two records of one session can tell times that overlap by what a beat takes, in ms.
_OVERLAP_MS: Final = 1_000
#: Another machine takes the view over after the timeout, within one interval, and its view takes another to arrive.
_TAKEOVER_INTERVALS: Final = 2
#: The view's writer is a witness where it had heard so many machines lately, of which one may be itself.
_HEARD: Final = 2


def wrong_clocks(probes: Iterable[ProbeResult]) -> list[v.Reason]:
    """Return whose clock is off by more than FUTURE_TOLERANCE_MS beyond the error of the measurement."""
    measured = [(one, one.offset_ms, one.error_ms or 0) for one in probes if one.offset_ms is not None]
    wrong = [(one, off, error) for one, off, error in measured if abs(off) - error > FUTURE_TOLERANCE_MS]
    if len(wrong) >= _AGREEING:
        middle = round(median(off for _, off, _ in wrong))
        if all(abs(off - middle) <= FUTURE_TOLERANCE_MS + error for _, off, error in measured):
            return [v.Reason(v.READER_CLOCK_WRONG, wrong[0][0].machine_id, {"off": -middle, "count": len(measured)})]
    return [v.Reason(v.CLOCK_WRONG, one.machine_id, {"off": off, "error": error}) for one, off, error in wrong]


def stepped_back_ms(records: Iterable[Record]) -> int | None:
    """Return by how much a machine's clock went back between two of its records: a later one has an earlier time."""
    counted = sorted(
        (record.sequence, record.last_heartbeat_ms)
        for record in records
        if record.sequence is not None and record.last_heartbeat_ms is not None
    )
    latest = accumulate((heard for _, heard in counted), max)
    back = max((most - heard for most, (_, heard) in zip(latest, counted, strict=True)), default=0)
    return back if back > FUTURE_TOLERANCE_MS else None


def inconsistent_ms(record: Record) -> int | None:
    """Return how far a record's heartbeat lies before what it says came before it; None where it does not.

    An agent that started, or was first seen, after its last heartbeat had its clock put back in between.
    """
    before, heard = time_or_none(record.agent.get("startedAt")), record.last_heartbeat_ms
    return None if before is None or heard is None or before - heard <= FUTURE_TOLERANCE_MS else before - heard


def all_ahead_ms(heard: Mapping[str, int], now_ms: int) -> int | None:
    """Return how far the reader's clock seems behind: every machine heard of lies in its future, and two at least."""
    ahead = [at - now_ms for at in heard.values()]
    return None if len(ahead) < _AGREEING or min(ahead) <= FUTURE_TOLERANCE_MS else min(ahead)


def contradictions(name: str, states: Iterable[SharedState], probes: Mapping[str, ProbeResult]) -> Iterator[v.Reason]:
    """Yield what two replicas that hold two beats of a name tell: its clock went back; two computers beat under it.

    The latter by its agent's word as well.
    """
    records = [record for state in states if (record := state.record_of(name)) is not None]
    back = stepped_back_ms(records)
    if back is not None:
        yield v.Reason(v.CLOCK_STEPPED, name, {"back": back})
    said = probes[name].agent.twin if name in probes else None
    detail = said or overlapping(records)
    if detail is not None:
        yield v.Reason(v.TWINS, name, {"detail": detail})


def lately(detail: str | None, at: str | None, now: str | None) -> str | None:
    """Return in what way a machine's record was rewritten, by its own word, unless that is over by its own clock."""
    now_ms, at_ms = time_or_none(now), time_or_none(at)
    return None if now_ms is None or at_ms is None or now_ms - at_ms > LATELY_MS else detail


def overlapping(records: Sequence[Record]) -> str | None:
    """Return the two sessions that cannot be of one computer, cut for the eye; None where there are no such two."""
    for one, other in combinations((record for record in records if record.session_id is not None), 2):
        # Each beat after the other began: a computer has one session at a time.
        if one.session_id != other.session_id and _beat_after(one, other) and _beat_after(other, one):
            return f"{one.session_id!s:.12} + {other.session_id!s:.12}"
    return None


def _beat_after(one: Record, other: Record) -> bool:
    began = time_or_none(other.agent.get("startedAt"))
    return began is not None and one.last_heartbeat_ms is not None and one.last_heartbeat_ms > began + _OVERLAP_MS


@dataclass(frozen=True)
class ViewEvidence:
    """What one reading's view testifies. `rows` are what the reading shows of each machine. Times are in ms.

    Each thing is worked out once, and only when it is asked for: most tables need none of it.
    """

    state: SharedState
    rows: tuple[v.Observation, ...]

    @cached_property
    def checked_ms(self) -> int | None:
        """When the view was written, on its writer's clock; None where it does not say."""
        return time_or_none(object_in(self.state.view, "statistics").get("lastHeartbeatCheck"))

    @cached_property
    def heard_ms(self) -> dict[str, int]:
        """Each machine's last heartbeat as the view has it, on the machine's own clock."""
        entries = object_in(self.state.view, "heartbeats")
        times = {name.lower(): time_or_none(object_in(entries, name).get("lastHeartbeat")) for name in entries}
        return {machine_id: at for machine_id, at in times.items() if at is not None}

    @cached_property
    def keeper(self) -> Record | None:
        """The record of the machine that keeps the view, as far as this replica shows: see agent.view_writer."""
        names = sorted(row.machine_id for row in self.rows if row.observed == ONLINE)
        records = (self.state.machines[name].record for name in names)
        return next((record for record in records if record.agent.get("autoSyncEnabled") is True), None)

    def own(self, machine_id: str) -> Record | None:
        """Return the record in a machine's own file, as our agent wrote it; None where there is none of that kind."""
        record = self.state.own_files.get(machine_id)
        return None if record is None or record.sequence is None else record

    def behind(self, row: v.Observation, thresholds: Thresholds) -> v.Reason | None:
        """Return why `row`'s silence may be this replica's, and not the machine's; None where nothing in it says so.

        Nothing says so where the machine was silent for its whole timeout already when the view was written: then two
        replicas agree.
        """
        checked, own = self.checked_ms, self.own(row.machine_id)
        if row.observed != OFFLINE or checked is None or row.last_heartbeat_ms is None:
            return None
        if checked - row.last_heartbeat_ms > thresholds.timeout_ms:
            return None
        if row.file == VIEW_NAME and own is not None:
            newer = row.last_heartbeat_ms - (own.last_heartbeat_ms or 0)
            return v.Reason(v.FILE_BEHIND, row.machine_id, {"age": row.age_ms, "newer": newer})
        keeper = self.keeper
        lag = 0 if keeper is None else (keeper.last_heartbeat_ms or 0) - checked
        if keeper is None or lag <= thresholds.timeout_ms + _TAKEOVER_INTERVALS * thresholds.interval_ms:
            return None
        return v.Reason(v.VIEW_BEHIND, row.machine_id, {"age": row.age_ms, "lag": lag, "keeper": keeper.machine_id})

    def unheard_ms(self, machine_id: str, timeout_ms: int) -> int | None:
        """Return how old a machine's own beat would have been, by its stamp, when the view was written without it.

        None where that is no longer than a delay may be, AUTO_MOST_MS beyond the timeout; or where the view's writer
        had heard too few others lately to be a witness.
        """
        own, checked, known = self.own(machine_id), self.checked_ms, self.heard_ms.get(machine_id)
        if own is None or own.last_heartbeat_ms is None or checked is None or known is None:
            return None
        unheard = checked - own.last_heartbeat_ms
        if own.last_heartbeat_ms <= known or unheard <= timeout_ms + AUTO_MOST_MS:
            return None
        # Within the protocol's timeout; the writer itself is perhaps among them.
        heard = sum(abs(checked - at) <= DEFAULT_TIMEOUT_MS for at in self.heard_ms.values())
        return unheard if heard >= _HEARD else None
