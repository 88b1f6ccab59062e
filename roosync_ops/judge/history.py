"""When each machine was up: from the intervals its own record carries, and from the flips a watcher told.

What may be said, in the order it is laid over each other:
1. Nothing is known of any time: unknown.
2. Between two of a machine's own intervals it did not beat: off. Its record says so itself, watched or not.
3. After its last beat: up while it is not missed, left where it said so, off where it is offline without a doubt, else
   unknown. Silence that may be the observer's is no outage.
4. A gap in which its own record, or a watcher, tells a planned stop is left, from the stop to the next beat.
A machine of an older service carries no intervals: then the flips alone count (`source`), and before them is unknown.
Intervals are by the machine's own clock, flips by the watcher's. Uptime is up / (up + off): what was planned or is
unknown counts neither way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from roosync_ops.wire.record import Record
from roosync_ops.wire.status import LEFT, OFFLINE, ONLINE, WARNING
from roosync_ops.wire.times import intervals_in, time_or_none, times_in

from .verdict import Reason

UP: Final = "up"
OFF: Final = "off"
STOPPED: Final = "left"
NOT_KNOWN: Final = "unknown"
KINDS: Final = (UP, OFF, STOPPED, NOT_KNOWN)
# Where a history comes from.
INTERVALS: Final = "intervals"
FLIPS: Final = "flips"
NOTHING: Final = "nothing"

_MEANS: Final = {ONLINE: UP, OFFLINE: OFF, LEFT: STOPPED}
_TAILS: Final = {**_MEANS, WARNING: UP}


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a machine was one thing; `kind` is one of KINDS, times are ms since the epoch."""

    start_ms: int
    end_ms: int
    kind: str

    @property
    def ms(self) -> int:
        return self.end_ms - self.start_ms


@dataclass(frozen=True)
class UptimeHistory:
    """One machine's history. `spans` cover the window without a gap, oldest first; `flips` are those told within it.

    `undone` is the table's reason where an older service undid what the machine's own file said.
    """

    machine_id: str
    observed: str
    source: str
    spans: tuple[Span, ...]
    flips: tuple[Mapping[str, Any], ...]
    undone: Reason | None = None

    def total_ms(self, kind: str) -> int:
        """Return how long it was `kind`."""
        return sum(span.ms for span in self.spans if span.kind == kind)

    @property
    def outages(self) -> int:
        """How often it was off."""
        return sum(span.kind == OFF for span in self.spans)

    @property
    def uptime_permille(self) -> int | None:
        """Up of what is known and not planned, in tenths of a percent, rounded down; None where nothing is known."""
        up, off = self.total_ms(UP), self.total_ms(OFF)
        return up * 1000 // (up + off) if up + off else None


def history(  # noqa: PLR0913, PLR0917 - a machine, what is known of it, and a window
    machine_id: str,
    record: Record | None,
    observed: str,
    doubt: bool,
    flips: Iterable[Mapping[str, Any]],
    from_ms: int,
    to_ms: int,
    others: Sequence[Record] = (),
) -> UptimeHistory:
    """Return the history of one machine from `from_ms` to `to_ms` (ms since the epoch, `to_ms` is now).

    `record` is the best that is known of it, and `others` are what that hides: an older service's that is newer takes
    away nothing of what our agent wrote. `observed` is its status now, `doubt` whether silence would prove nothing;
    `flips` are in their JSON form, of any machine.
    """
    own = _own(machine_id, flips)
    known = [one for one in (record, *others) if one is not None]
    stops = [at for one in known for at in (one.left_at_ms, *times_in(one.agent.get("stops"))) if at is not None]
    ups = sorted({pair for one in known for pair in intervals_in(one.agent.get("upIntervals"))})
    if ups:
        spans, source = _by_intervals(ups, known[0], observed, doubt, own, stops, to_ms), INTERVALS
    else:
        spans, source = _by_flips(own, to_ms), FLIPS if own else NOTHING
    told = tuple(flip for at, flip in own if from_ms <= at <= to_ms)
    return UptimeHistory(machine_id, observed, source, _covering(spans, from_ms, to_ms), told)


def _own(machine_id: str, flips: Iterable[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the flips of one machine with their times, oldest first."""
    timed = ((time_or_none(flip.get("at")), flip) for flip in flips if flip.get("machineId") == machine_id)
    return sorted(((at, flip) for at, flip in timed if at is not None), key=lambda pair: pair[0])


def _by_intervals(  # noqa: PLR0913, PLR0917 - what is known of one machine
    ups: list[tuple[int, int]],
    record: Record,
    observed: str,
    doubt: bool,
    own: Sequence[tuple[int, Mapping[str, Any]]],
    stops: Sequence[int],
    to_ms: int,
) -> list[Span]:
    last = max(ups[-1][1], record.last_heartbeat_ms or 0)
    spans, end = [], ups[0][0]
    for start, stop in ups:
        if start > end:
            spans.append(_gap(end, start, OFF, own, stops))
        spans.append(Span(max(start, end), stop, UP))
        end = max(end, stop)
    if end < last:  # what an older service beats after our agent says nothing of the time between
        spans.append(
            Span(end, last, UP)
            if intervals_in(record.agent.get("upIntervals"))
            else _gap(end, last, NOT_KNOWN, own, stops)
        )
    tail = _TAILS.get(observed, NOT_KNOWN) if observed != OFFLINE or not doubt else NOT_KNOWN
    return [*spans, _gap(last, to_ms, tail, own if tail != UP else (), stops if tail != UP else ())]


def _gap(start: int, end: int, kind: str, own: Sequence[tuple[int, Mapping[str, Any]]], stops: Sequence[int]) -> Span:
    """A gap is planned where its record, or a watcher, says of its first moment or within it that the machine left."""
    if any(start <= at <= end for at in stops):
        return Span(start, end, STOPPED)
    left = any(
        flip.get("to") == LEFT and start <= (time_or_none(flip.get("lastHeartbeat")) or at) <= end for at, flip in own
    )
    return Span(start, end, STOPPED if left else kind)


def _by_flips(own: Sequence[tuple[int, Mapping[str, Any]]], to_ms: int) -> list[Span]:
    """Each flip holds until the next one; a machine that comes and goes is not known until it settles."""
    ends = [*(at for at, _ in own), to_ms][1:]
    return [
        Span(at, end, NOT_KNOWN if flip.get("flapping") else _MEANS.get(str(flip.get("to")), NOT_KNOWN))
        for (at, flip), end in zip(own, ends, strict=True)
    ]


def _covering(spans: Iterable[Span], from_ms: int, to_ms: int) -> tuple[Span, ...]:
    """Return spans cut to the window, with unknown where there is none, neighbours of one kind joined."""
    result: list[Span] = []
    at = from_ms
    for span in [*spans, Span(to_ms, to_ms, NOT_KNOWN)]:
        start, end = min(max(span.start_ms, at), to_ms), min(span.end_ms, to_ms)
        for until, kind in ((start, NOT_KNOWN), (end, span.kind)):
            if until > at:
                begun = result.pop().start_ms if result and result[-1].kind == kind else at
                result.append(Span(begun, until, kind))
                at = until
    return tuple(result)
