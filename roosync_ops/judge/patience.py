"""Liveness judged on beats received: how long to wait before silence is offline, and by which clock it is counted.

Without patience a status is the protocol's, from the time stamps. With it, age counts from when we saw the beat
arrive, and silence may last `extra` longer before it means something: so much delay of the file sync makes no offline.
"""

from collections.abc import Iterable
from typing import Final

from roosync_ops.state.seen import Seen
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import DEFAULT_THRESHOLDS, FUTURE_TOLERANCE_MS, LEFT, UNKNOWN, Thresholds, status

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
#: More patience than this would hide a death for longer than anybody wants, in ms.
AUTO_MOST_MS: Final = 600_000


def auto_ms(seen: Iterable[Seen], thresholds: Thresholds = DEFAULT_THRESHOLDS) -> int:
    """Return the patience that the delays seen so far ask for, in ms beyond the timeout.

    So much that AUTO_FACTOR times the longest silence of a machine that was beating (of the last week, in counted
    beats, by the reader's clock alone) makes nobody offline.
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
    if patience_ms is None:
        now_there = now_ms + (offset_ms or 0)
        return status(record, now_there, thresholds), TIMESTAMP if offset_ms is None else PROBED
    age_ms, basis = silence_ms(record, seen, now_ms, thresholds, offset_ms)
    return status(record, record.last_heartbeat_ms + age_ms - patience_ms, thresholds), basis


def silence_ms(
    record: Record, seen: Seen | None, now_ms: int, thresholds: Thresholds, offset_ms: int | None = None
) -> tuple[int, str]:
    """Return how long nothing has been heard of `record`'s machine, in ms, and what that rests on."""
    stamped = now_ms + (offset_ms or 0) - (record.last_heartbeat_ms or 0)
    told = TIMESTAMP if offset_ms is None else PROBED
    if seen is None or (record.sequence or 0) > (seen.sequence or 0):  # somebody else saw a newer one
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
