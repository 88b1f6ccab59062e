"""When this machine was up: a bounded list of `<start>/<end>`, extended at each beat, never rewritten backwards."""

from __future__ import annotations

from roosync_ops.wire.times import times_in, to_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Interval = tuple[int, int]

KEPT_MS = 7 * 24 * 3600 * 1000
#: Two a day-hour for seven days; about 17 kB, the most a record may grow by.
MAX_INTERVALS = 336
#: What is stopped more often in seven days is stopped by a program.
MAX_STOPS = 64
#: 2025-01-01: a clock that says earlier was never set (a board without a battery before it meets its time server).
CLOCK_IS_SET_FROM_MS = 1_735_689_600_000


def write(intervals: list[Interval]) -> list[str]:
    """Return `upIntervals` as the record carries it."""
    return [f"{to_iso(start)}/{to_iso(end)}" for start, end in intervals]


def stops(value: Any, now_ms: int) -> list[str]:
    """Return when this machine was stopped on purpose in the last seven days, now included; the newest last."""
    kept = {now_ms, *(at for at in times_in(value) if abs(now_ms - at) <= KEPT_MS)}
    return [to_iso(at) for at in sorted(kept)[-MAX_STOPS:]]


def extend(intervals: list[Interval], now_ms: int, gap_ms: int) -> list[Interval]:
    """Return `intervals` with a beat at `now_ms` in them.

    The beat belongs to the newest interval that began before it and ended at most `gap_ms` before it; otherwise it
    begins one. Only what lies more than seven days from `now_ms` is dropped, then the oldest beyond the bound.
    """
    if now_ms < CLOCK_IS_SET_FROM_MS:
        return intervals
    result = list(intervals)
    for at in range(len(result) - 1, -1, -1):
        start, end = result[at]
        if start <= now_ms <= end + gap_ms:
            result[at] = (start, max(end, now_ms))
            break
    else:
        result.append((now_ms, now_ms))
    near = [piece for piece in sorted(result) if piece[1] >= now_ms - KEPT_MS and piece[0] <= now_ms + KEPT_MS]
    return [(max(start, now_ms - KEPT_MS), end) for start, end in near[-MAX_INTERVALS:]]
