"""What one reader saw of one machine, and when, on the reader's own clock: pure, so that it can run in virtual time.

A record's time stamp was written by another machine's clock. When its sequence moved, the reader saw by its own: an age
counted from there never mixes two clocks.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from roosync_ops.wire.merge import Evidence
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import DEFAULT_INTERVAL_MS

#: So many of the longest silences between two arrivals are remembered, for so long (ms): bursts come by the week.
MAX_PEAKS: Final = 8
PEAK_LIFE_MS: Final = 7 * 86_400_000
#: A longer silence of a machine that was beating is a replica that stood still, not a delay, in ms.
LONGEST_DELAY_MS: Final = 600_000


class Seen(NamedTuple):
    """What was seen of one machine. Times are ms on the reader's clock, but `heard_ms`: that is the machine's.

    The newest beat arrived after `moved_after_ms` and by `moved_by_ms`, the two readings around it; both are None where
    it was there at the first reading already. `peaks` are (when, for how long) no beat arrived of a machine that was
    beating meanwhile; `beats` counts the arrivals.
    """

    first_ms: int
    read_ms: int
    sequence: int | None
    session: str | None
    heard_ms: int | None
    moved_after_ms: int | None = None
    moved_by_ms: int | None = None
    beats: int = 0
    peaks: tuple[tuple[int, int], ...] = ()

    def shifted(self, by_ms: int) -> Self:
        """Return the same on a clock that was stepped by `by_ms`."""
        known = {name: getattr(self, name) for name in ("first_ms", "read_ms", "moved_after_ms", "moved_by_ms")}
        times: dict[str, Any] = {name: None if at is None else at + by_ms for name, at in known.items()}
        return self._replace(**times, peaks=tuple((at + by_ms, length) for at, length in self.peaks))


def see(seen: Seen | None, record: Record, now_ms: int, interval_ms: int) -> Seen:
    """Return what is known after a reading at `now_ms` that showed `record`, of a machine that beats at `interval_ms`.

    `now_ms` never goes back: who keeps `seen` shifts it when the reader's clock is stepped.
    """
    if seen is None:
        return Seen(now_ms, now_ms, record.sequence, record.session_id, record.last_heartbeat_ms)
    was, now = (seen.sequence, seen.session), (record.sequence, record.session_id)
    if not _moved(seen, record):
        # A record that was rolled back is no sign of life, and its next beat is.
        heard = record.last_heartbeat_ms if record.sequence is None and seen.sequence is None else seen.heard_ms
        sequence, session = now if seen.sequence is None and record.last_heartbeat_ms == seen.heard_ms else was
        return seen._replace(read_ms=now_ms, heard_ms=heard, sequence=sequence, session=session)
    # A view may bring a beat before the machine's own file does, and counts nothing: what was counted stays.
    sequence, session = was if record.sequence is None else now
    return seen._replace(
        read_ms=now_ms,
        sequence=sequence,
        session=session,
        heard_ms=record.last_heartbeat_ms,
        moved_after_ms=seen.read_ms,
        moved_by_ms=now_ms,
        beats=seen.beats + 1,
        peaks=_peaks(seen, record, now_ms, interval_ms),
    )


def see_all(
    known: Mapping[str, Seen], machines: Mapping[str, Evidence], now_ms: int, intervals: Mapping[str, int]
) -> dict[str, Seen]:
    """As `see`, for every machine of a reading. A machine that is not in it keeps what was seen of it."""
    return {**known} | {
        name: see(known.get(name), piece.record, now_ms, intervals.get(name, DEFAULT_INTERVAL_MS))
        for name, piece in machines.items()
    }


def _moved(seen: Seen, record: Record) -> bool:
    """Return True if the record is a newer one than was seen, whatever its clock says of it.

    Sequences never go back; where a machine lost all that counted them, a session of another name begins anew.
    """
    later = (record.last_heartbeat_ms or 0) > (seen.heard_ms or 0)
    if record.sequence is None or seen.sequence is None:
        return later
    return record.sequence > seen.sequence or (record.session_id != seen.session and later)


def _peaks(seen: Seen, record: Record, now_ms: int, interval_ms: int) -> tuple[tuple[int, int], ...]:
    """Add the silence that this arrival ends, as far as the machine was beating in it and the reader looked."""
    kept = [peak for peak in seen.peaks if now_ms - peak[0] < PEAK_LIFE_MS]
    if seen.moved_by_ms is None or record.sequence is None or seen.sequence is None:
        return tuple(kept)
    beaten = (record.sequence - seen.sequence) * interval_ms
    silence = min(seen.read_ms - seen.moved_by_ms, beaten)
    if interval_ms < silence <= LONGEST_DELAY_MS:
        kept.append((now_ms, silence))
    return tuple(sorted(kept, key=lambda peak: -peak[1])[:MAX_PEAKS])
