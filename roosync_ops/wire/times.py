"""Time stamps on the wire: UTC ISO-8601 with milliseconds and Z, as JavaScript's toISOString() writes them.

Everything inside the project counts in whole milliseconds since 1970-01-01T00:00:00Z, so that a boundary such as
"120000 is warning, 120001 is offline" is exact.
"""

from __future__ import annotations

import re
import time

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
#: 9999-12-31T23:59:59.999Z, the last instant that four digits of a year can write.
_LAST_MS = 253_402_300_799_999


class BadTimeError(ValueError):
    """A text that is no point in time."""


class NaiveTimeError(BadTimeError):
    """A time without an offset: it names 24 different instants, so it is evidence of none."""


def now_ms() -> int:
    """Return the machine's wall clock, in ms since the epoch."""
    return time.time_ns() // 1_000_000


def to_iso(ms: int) -> str:
    """Write `ms` (since the epoch) as `2026-02-12T10:15:30.123Z`. Clamped to the years 1970 to 9999."""
    ms = min(max(ms, 0), _LAST_MS)
    fields = time.gmtime(ms // 1000)
    return (
        f"{fields.tm_year:04d}-{fields.tm_mon:02d}-{fields.tm_mday:02d}T"
        f"{fields.tm_hour:02d}:{fields.tm_min:02d}:{fields.tm_sec:02d}.{ms % 1000:03d}Z"
    )


def from_iso(text: object) -> int:
    """Read an ISO-8601 instant as ms since the epoch.

    Finer fractions than ms are cut off. Raises NaiveTimeError where the offset is missing, BadTimeError for all else.
    """
    match = _ISO.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise BadTimeError(f"not an ISO-8601 time: {text!r:.80}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    if not _on_the_calendar(year, month, day) or not _on_the_clock(hour, minute, second):
        raise BadTimeError(f"not on the calendar or the clock: {text!r:.80}")
    offset = match.group(8)
    if offset is None:
        raise NaiveTimeError(f"time without an offset: {text!r:.80}")
    ms = int((match.group(7) or "0")[:3].ljust(3, "0"))
    seconds = _days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    ms += (seconds - _offset_s(offset)) * 1000
    if not 0 <= ms <= _LAST_MS:
        raise BadTimeError(f"outside the years 1970 to 9999: {text!r:.80}")
    return ms


def time_or_none(text: object) -> int | None:
    """As from_iso; None for what is no instant."""
    try:
        return from_iso(text)
    except BadTimeError:
        return None


def times_in(value: object) -> list[int]:
    """Return the instants in a list of texts; what is none is left out."""
    found = [time_or_none(text) for text in value] if isinstance(value, list) else []
    return [at for at in found if at is not None]


def intervals_in(value: object) -> list[tuple[int, int]]:
    """Return the `<start>/<end>` in a list of texts, sorted; what is no interval is left out."""
    found = []
    for text in value if isinstance(value, list) else []:
        pair = times_in(text.split("/", 1)) if isinstance(text, str) else []
        if len(pair) == 2 and pair[0] <= pair[1]:  # noqa: PLR2004 - start and end
            found.append((pair[0], pair[1]))
    return sorted(found)


def _on_the_calendar(year: int, month: int, day: int) -> bool:
    if year < 1 or not 1 <= month <= len(_DAYS) or not 1 <= day <= _DAYS[month - 1]:
        return False
    return (month, day) != (2, 29) or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))


def _days_since_epoch(year: int, month: int, day: int) -> int:
    """Count days from 1970-01-01 in the Gregorian calendar. `calendar` does it too, for 800 kB resident."""
    if month <= 2:  # noqa: PLR2004 - the year begins in March here, so that the leap day is its last
        year, month = year - 1, month + 12
    leaps = year // 4 - year // 100 + year // 400
    return 365 * year + leaps + (153 * (month - 3) + 2) // 5 + day - 1 - 719_468


def _on_the_clock(hour: int, minute: int, second: int) -> bool:
    return hour < 24 and minute < 60 and second < 60  # noqa: PLR2004 - a clock's own numbers


def _offset_s(offset: str) -> int:
    if offset == "Z":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if not _on_the_clock(hours, minutes, 0):
        raise BadTimeError(f"not an offset from UTC: {offset!r}")
    return (hours * 3600 + minutes * 60) * (-1 if offset[0] == "-" else 1)
