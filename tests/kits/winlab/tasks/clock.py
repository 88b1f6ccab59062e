"""When a trigger is due. Pure: every time is a number of seconds since 1970 that somebody else read from a clock."""

import math
from datetime import datetime

from .definition import Trigger

#: Triggers that are due at a time of their own; the others are due when something happens, which becomes their origin.
TIMED = "TimeTrigger"
EPOCH_YEAR = 1970


def moment(stamp: datetime) -> float:
    """Seconds since 1970; long ago and far away where this platform's C library knows no local time."""
    try:
        return stamp.timestamp()
    except (OSError, OverflowError, ValueError):
        return 0.0 if stamp.year <= EPOCH_YEAR else 1e12


def origin(trigger: Trigger, event: float | None, scale: float) -> float | None:
    """When the first start is due: StartBoundary, or the event (logon, boot, registration) plus Delay.

    None where it has not happened.
    """
    if trigger.kind == TIMED:
        return moment(trigger.start) if trigger.start else None
    return None if event is None else event + trigger.delay / scale


def index(trigger: Trigger, first: float, now: float, scale: float) -> int:
    """How many starts were due up to and including `now`, of a trigger whose first is at `first`.

    A repetition ends before its Duration does.
    """
    now = min(now, moment(trigger.end)) if trigger.end else now
    if now < first:
        return 0
    if trigger.interval is None:
        return 1
    count = math.floor((now - first) * scale / trigger.interval) + 1
    if trigger.duration is not None:
        count = min(count, max(1, math.ceil(trigger.duration / trigger.interval)))
    return count


def due(trigger: Trigger, first: float, after: float, until: float, scale: float) -> bool:
    """Whether a start was due after `after` and not later than `until`."""
    return index(trigger, first, until, scale) > index(trigger, first, after, scale)


def following(trigger: Trigger, first: float, now: float, scale: float) -> float | None:
    """The next start after `now`, None if there is none."""
    done = index(trigger, first, now, scale)
    at = first + (done * trigger.interval / scale if trigger.interval else 0.0)
    if trigger.interval is None and done:
        return None
    if trigger.end and at > moment(trigger.end):
        return None
    if trigger.duration and trigger.interval and done and done * trigger.interval >= trigger.duration:
        return None
    return at
