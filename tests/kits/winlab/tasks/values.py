"""The schema's simple types: functions from text to a value that raise ValueError."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

Check = Callable[[str], object]

_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
#: days, hours... of a year and a month as ordering needs them (a month is longer than P29D and not longer than P31D)
_SECONDS = (365 * 86400, 30 * 86400, 86400, 3600, 60, 1)
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def duration(text: str) -> float:
    """xs:duration in seconds; unsigned, as [MS-TSCH] 2.5.1.1 has no negative ones."""
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise ValueError("not a duration like PT1M or P1DT2H")
    return sum(float(count) * unit for count, unit in zip(found.groups(), _SECONDS, strict=True) if count)


def duration_between(least: str, most: str | None = None) -> Check:
    """A duration within inclusive bounds."""

    def check(text: str) -> float:
        seconds = duration(text)
        if seconds < duration(least) or (most is not None and seconds > duration(most)):
            raise ValueError(f"not from {least} to {most or 'for ever'}")
        return seconds

    return check


def date_time(text: str) -> datetime:
    """xs:dateTime; naive where no zone is given, which is the machine's local time ([MS-TSCH] 2.5.1.2)."""
    found = _DATE_TIME.fullmatch(text.strip())
    if not found:
        raise ValueError("not a date and time like 2026-01-31T08:00:00")
    stamp = datetime.fromisoformat(found[1] + (found[3] or "").replace("Z", "+00:00"))
    return stamp + timedelta(seconds=float(found[2] or 0))


def boolean(text: str) -> bool:
    """xs:boolean."""
    words = {"true": True, "1": True, "false": False, "0": False}
    if text.strip() not in words:
        raise ValueError("not true or false")
    return words[text.strip()]


def integer(least: int, most: int) -> Check:
    """An integer within inclusive bounds."""

    def check(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d+", text.strip(), re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"not an integer from {least} to {most}")
        return int(text)

    return check


def one_of(*words: str) -> Check:
    """An enumeration of xs:string: white space counts."""

    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"not one of {', '.join(words)}")
        return text

    return check


def pattern(expression: str) -> Check:
    """A string that the whole expression matches."""
    compiled = re.compile(expression, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"does not match {expression}")
        return text

    return check


def string(least: int = 0, most: int | None = None) -> Check:
    """A string of so many characters."""

    def check(text: str) -> str:
        if len(text) < least or (most is not None and len(text) > most):
            raise ValueError(f"not {least} to {most or 'any number of'} characters")
        return text

    return check


def nothing(text: str) -> str:
    """An element whose value is fixed as the empty string."""
    if text:
        raise ValueError("must be empty")
    return text


#: xs:ID and xs:IDREF, which are NCNames
identifier = pattern(r"[^\W\d][\w.\-]*")
any_string = string()
filled = string(1)
path = string(1, 260)
guid = pattern(r"\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}")
version = pattern(r"\d+(\.\d+){1,3}")
