"""Seven days as a strip: each kind has a height and a pattern of its own, so that no colour is needed to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.judge import history as h
from roosync_ops.show.messages import words
from roosync_ops.show.text import clock_ms, duration

from .html import Html, el

if TYPE_CHECKING:
    from roosync_ops.judge.history import Past, Span

_DAYS: Final = 7
#: Kind to (top, height) in percent of the strip.
_BANDS: Final = {h.UP: (0, 100), h.OFF: (0, 100), h.STOPPED: (55, 45), h.NOT_KNOWN: (42, 16)}
#: Off last: however short it was, it is seen.
_ORDER: Final = (h.NOT_KNOWN, h.UP, h.STOPPED, h.OFF)


def patterns() -> Html:
    """Return the patterns that the strips are filled with; once on a page."""
    line = el("line", x1=0, y1=0, x2=0, y2=6)
    hatch = el("pattern", line, id="hatch", width=4, height=6, patternUnits="userSpaceOnUse",
               patternTransform="rotate(45)")  # fmt: skip
    dot = el("rect", width=3, height=100)
    dots = el("pattern", dot, id="dots", width=6, height=100, patternUnits="userSpaceOnUse")
    return el("svg", el("defs", hatch, dots), class_="defs", aria_hidden="true", width=0, height=0)


def strip(past: Past, lang: str) -> Html:
    """Return one machine's strip, which says in words what it shows."""
    if not past.spans:
        return Html()
    start, end = past.spans[0].start_ms, past.spans[-1].end_ms
    spans = sorted(past.spans, key=lambda span: _ORDER.index(span.kind))
    days = [el("line", x1=f"{100 * day / _DAYS:.3f}%", x2=f"{100 * day / _DAYS:.3f}%", y1="0", y2="100%", class_="day")
            for day in range(1, _DAYS)]  # fmt: skip
    bars = [_bar(span, start, end - start, lang) for span in spans]
    return el("svg", bars, days, class_="strip", role="img", aria_label=said(past, lang))


def said(past: Past, lang: str) -> str:
    """Return a strip in words: how long it was what, and how often it was off."""
    word = words(lang)
    parts = [f"{word[f'span.{kind}']} {duration(past.total_ms(kind), lang)}" for kind in h.KINDS if past.total_ms(kind)]
    parts.append(word["dashboard.outage_count"].format(count=past.outages))
    return word["dashboard.strip_said"].format(machine=past.machine_id, parts=", ".join(parts))


def sample(kind: str) -> Html:
    """Return a piece of strip for the legend."""
    top, height = _BANDS[kind]
    bar = el("rect", x="0", width="100%", y=f"{top}%", height=f"{height}%", class_=f"s-{kind}")
    return el("svg", bar, class_="strip sample", aria_hidden="true")


def _bar(span: Span, start: int, length: int, lang: str) -> Html:
    top, height = _BANDS[span.kind]
    when = f"{clock_ms(span.start_ms)} -> {clock_ms(span.end_ms)}"
    told = f"{words(lang)[f'span.{span.kind}']}: {when} ({duration(span.ms, lang)})"
    rect = Html(
        f'<rect x="{100 * (span.start_ms - start) / length:.3f}%" width="{100 * span.ms / length:.3f}%" '
        f'y="{top}%" height="{height}%" class="s-{span.kind}"/>'
    )
    return rect if span.kind == h.UP else el("g", el("title", told), rect)
