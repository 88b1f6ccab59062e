"""Ages and times that go on counting in the page; what stands there is what they were when it was looked."""

from __future__ import annotations

from roosync_ops.show.matrix import short
from roosync_ops.show.text import clock, duration
from roosync_ops.wire.times import to_iso

from .html import Html, el


def age(ms: int | None, lang: str) -> Html | str:
    """Return an age at the time of the check; the page counts it on."""
    return "-" if ms is None else el("span", duration(ms, lang), data_age=ms, class_="age")


def short_age(ms: int, lang: str) -> Html:
    """Return an age in at most five letters; the page counts it on."""
    return el("span", short(ms, lang), data_age=ms, data_short=True)


def moment(ms: int | None) -> Html | str:
    """Return a time; `-` for none."""
    if ms is None:
        return "-"
    iso = to_iso(ms)
    return el("time", clock(iso), datetime=iso)
