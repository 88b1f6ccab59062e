"""What the shared state shows of each machine, by which clock, and who keeps it: our agent, or an older service.

Without patience a status is the protocol's, from the time stamps. With it, age counts from when we saw the beat
arrive, and silence may last `extra` longer before it means something: so much delay of the file sync makes no offline.
An older service writes so seldom that its silence of minutes is none.
"""

from collections.abc import Container, Iterable
from typing import Any, Final

from roosync_ops.state import SharedState
from roosync_ops.state.seen import Seen
from roosync_ops.wire.merge import FILE, TAKEN_FOR, VIEW, Evidence
from roosync_ops.wire.record import Record, born_ms, object_in
from roosync_ops.wire.status import (
    DEFAULT_THRESHOLDS,
    FUTURE_TOLERANCE_MS,
    LEFT,
    UNKNOWN,
    Thresholds,
    missed_heartbeats,
    status,
)

from .probes import NOTHING_ELSE, Knowledge
from .verdict import Observation, Survey

#: The protocol: builds of 2026-03-08 to 2026-05-04 write a live machine's file every 5 to 10 min, check it every 20.
SELDOM_MS: Final = 1_200_000
#: Whose service it was that wrote others' files: what that guess rests on.
AT_ONCE: Final = "wrote-its-own-then"
HEARD_LAST: Final = "heard-last"
#: Files that are written one after the other by one service are written within so long, in ms.
_AT_ONCE_MS: Final = 2_000

#: What an age rests on. The record's time stamp alone, as the protocol has it:
TIMESTAMP: Final = "timestamp"
#: the same, the machine's clock having been compared with ours by a probe;
PROBED: Final = "probed-clock"
#: when this reader saw the beat arrive;
ARRIVAL: Final = "arrival"
#: how long this reader has been looking, and saw none arrive;
WATCHED: Final = "watched"
#: between two readings far apart something arrived; the time stamp says when, within those two;
BETWEEN: Final = "between-readings"
#: as before, and the time stamp lies outside: the two clocks differ, and only the readings count.
CLOCK: Final = "clock-contradicted"

#: `auto`: so many times the longest silence seen of machines that were beating.
AUTO_FACTOR: Final = 1.5
#: Before so many arrivals little is known of the delays: then `auto` is half of the timeout.
AUTO_BEATS: Final = 16
#: More patience than this would hide a death for too long, in ms.
AUTO_MOST_MS: Final = 600_000


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
    limits = limits_of(piece, thresholds or record.thresholds, known.patience_ms)
    heard, patience, at_ms = record.last_heartbeat_ms, known.patience_ms, piece.arrived_ms
    seen = None if patience is None else known.seen.get(machine_id)
    if at_ms is not None:  # by its store's clock, which is the reader's: nothing is more exact
        patience, seen = patience or 0, Seen(at_ms, now_ms, record.sequence, record.session_id, heard, at_ms, at_ms)
    offset = known.offsets.get(machine_id, known.clocks.get(machine_id))
    word, basis = status_with(record, seen, now_ms, limits, patience, offset)
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
        is_kept_by_older(piece),
    )


def _version(piece: Evidence) -> str | None:
    """Return the version of what wrote the record: our agent's, else the older service's."""
    for part in ("agent", "metadata"):
        version = object_in(piece.record.data, part).get("version")
        if isinstance(version, str):
            return version
    return None


def is_kept_by_older(piece: Evidence) -> bool:
    """Return True if an older service wrote this record, and beats for its machine.

    An entry of the view without our fields may be about a machine of ours, as an older keeper wrote it.
    """
    record = piece.record
    if record.sequence is not None or isinstance(record.data.get("agent"), dict):
        left_at, heard = record.left_at_ms, record.last_heartbeat_ms
        return left_at is not None and heard is not None and heard > left_at
    return piece.before is None or piece.kind != VIEW or piece.before.record.has_left


def may_be_anothers(machine_id: str, state: SharedState, fleet: Container[str]) -> str | None:
    """Return whose beat it may be that an older service wrote of `myia-x`; None for its own.

    Where `x` is in the inventory too and nothing but its record is left of either, it is that one's. Where the service
    keeps what `myia-x` wrote and puts only the later time of `x` there, after a stop of ours, nothing tells the two
    apart but that `x` lived then.
    """
    piece, name = state.machines.get(machine_id), machine_id.removeprefix(TAKEN_FOR)
    other = state.machines.get(name)
    if piece is None or other is None or name == machine_id:
        return None
    if name in fleet and born_ms(piece.record) == born_ms(other.record) is not None:
        return name
    if not is_kept_by_older(piece):
        return None
    left = piece.before.record.has_left if piece.before is not None else piece.record.left_at_ms is not None
    heard = other.record.last_heartbeat_ms or 0
    return name if left and heard >= (piece.record.last_heartbeat_ms or 0) - SELDOM_MS else None


def limits_of(piece: Evidence, thresholds: Thresholds, patience_ms: int | None = None) -> Thresholds:
    """Return the thresholds its machine is judged by; with a patience of 0 they are those of the protocol."""
    if patience_ms == 0 or thresholds.timeout_ms >= SELDOM_MS or not is_kept_by_older(piece):
        return thresholds
    return Thresholds(thresholds.interval_ms, SELDOM_MS)


def undone_by_older(piece: Evidence | None, state: SharedState) -> dict[str, Any]:
    """Return what an older service did to a machine's own file, as facts; none where it did nothing.

    `by` is the best guess at whose, and `by_basis` what it rests on. Of the machines that an older service keeps: the
    one whose own file was written in the same moment, for a service that saves all records saves its own; else the one
    heard last, for it beats as it writes.
    """
    if piece is None or piece.undone is None:
        return {}
    kind, at_ms = piece.undone
    others = {
        name: other
        for name, other in state.machines.items()
        if is_kept_by_older(other) and name != piece.record.machine_id
    }
    apart = {
        name: abs(other.modified_ms - at_ms)
        for name, other in others.items()
        if at_ms is not None and other.modified_ms is not None and other.kind == FILE
    }
    by, basis = min(apart, key=lambda name: apart[name], default=None), AT_ONCE
    if by is None or apart[by] > _AT_ONCE_MS:
        by = max(others, key=lambda name: others[name].record.last_heartbeat_ms or 0, default=None)
        basis = HEARD_LAST
    return {"undone": kind, "undone_at": at_ms, "by": by, "by_basis": None if by is None else basis}


def auto_ms(seen: Iterable[Seen], thresholds: Thresholds = DEFAULT_THRESHOLDS) -> int:
    """Return the patience that the delays seen so far ask for, in ms beyond the timeout.

    So much that AUTO_FACTOR times the longest silence of a machine that was beating (of the last week, in counted
    beats, by the reader's clock alone) makes no machine offline.
    """
    known = list(seen)
    longest = max((length for one in known for _, length in one.peaks), default=0)
    wanted = max(0, round(longest * AUTO_FACTOR) - thresholds.timeout_ms)
    if sum(one.beats for one in known) < AUTO_BEATS:
        wanted = max(wanted, thresholds.timeout_ms // 2)
    return min(wanted, AUTO_MOST_MS)


def status_with(  # noqa: PLR0913, PLR0917 - status() and what a reader knows besides
    record: Record | None,
    seen: Seen | None,
    now_ms: int,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    patience_ms: int | None = None,
    offset_ms: int | None = None,
) -> tuple[str, str]:
    """Return (online, warning, offline, left or unknown; what the age rests on).

    `patience_ms` None is the protocol exactly. `seen` is what this reader saw, `record` being part of it already.
    `offset_ms` is the machine's clock minus ours where a probe measured it. All in ms on the reader's clock.
    """
    if record is None or record.last_heartbeat_ms is None:
        return UNKNOWN, TIMESTAMP
    if record.has_left:
        return LEFT, TIMESTAMP
    age_ms, basis = silence_ms(record, None if patience_ms is None else seen, now_ms, thresholds, offset_ms)
    return status(record, record.last_heartbeat_ms + age_ms - (patience_ms or 0), thresholds), basis


def silence_ms(
    record: Record, seen: Seen | None, now_ms: int, thresholds: Thresholds, offset_ms: int | None = None
) -> tuple[int, str]:
    """Return how long nothing has been heard of `record`'s machine, in ms, and what that rests on."""
    stamped = now_ms + (offset_ms or 0) - (record.last_heartbeat_ms or 0)
    told = TIMESTAMP if offset_ms is None else PROBED
    if seen is None or (record.sequence or 0) > (seen.sequence or 0):  # another observer saw a newer one
        return stamped, told
    if seen.moved_by_ms is None or seen.moved_after_ms is None:
        watched = now_ms - seen.first_ms
        ahead = offset_ms is None and stamped < -FUTURE_TOLERANCE_MS
        return (watched, WATCHED) if ahead or watched > stamped else (stamped, told)
    least, most = now_ms - seen.moved_by_ms, now_ms - seen.moved_after_ms
    if most - least <= thresholds.interval_ms:
        return least, ARRIVAL
    # What was sent within the last `most` may have been under way for a while before.
    if least - FUTURE_TOLERANCE_MS <= stamped <= most + AUTO_MOST_MS:
        return min(max(stamped, least), most), BETWEEN
    return least, CLOCK


def clock_suspected(record: Record, seen: Seen | None, now_ms: int, thresholds: Thresholds) -> bool:
    """Return True if a record's time stamp contradicts when we saw it arrive: one of the two clocks is wrong."""
    if seen is None or record.last_heartbeat_ms is None:
        return False
    stamped = now_ms - record.last_heartbeat_ms
    if stamped < -FUTURE_TOLERANCE_MS:
        return True
    if seen.moved_by_ms is None or seen.moved_after_ms is None:
        return False
    least, most = now_ms - seen.moved_by_ms, now_ms - seen.moved_after_ms
    return not least - FUTURE_TOLERANCE_MS <= stamped <= most + max(AUTO_MOST_MS, thresholds.timeout_ms)
