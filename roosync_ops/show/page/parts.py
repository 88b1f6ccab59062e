"""What sections are made of: titles, tables that scroll by themselves, signs, sentences, ages that count on, strips.

A strip is seven days: each kind has a height and a pattern of its own, so that no colour is needed to read it.
An age that stands there is what it was when it was looked; the page's script counts it on.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from roosync_ops.judge import history as h
from roosync_ops.judge.history import Span, UptimeHistory
from roosync_ops.show.matrix import short
from roosync_ops.show.messages import Sentence
from roosync_ops.show.text import Style, clock, clock_ms, duration
from roosync_ops.wire.times import to_iso

from .html import Html, el, hidden, join

#: A status has a sign of its own beside its colour.
_SIGNS: Final = {"online": "●", "warning": "▲", "offline": "✕", "left": "■", "unknown": "?"}
#: How many items of one list are shown.
SHOWN: Final = 200
_DAYS: Final = 7
#: Kind to (top, height) in percent of the strip.
_BANDS: Final = {h.UP: (0, 100), h.OFF: (0, 100), h.STOPPED: (55, 45), h.NOT_KNOWN: (42, 16)}
#: Off last: however short it was, it is seen.
_ORDER: Final = (h.NOT_KNOWN, h.UP, h.STOPPED, h.OFF)


def section(name: str, title: str, *children: object) -> Html:
    """Return a section under a heading of its own, which names it."""
    return el("section", el("h2", title, id=f"{name}-title"), *children, id=name, aria_labelledby=f"{name}-title")


class TableRow(NamedTuple):
    """A row: its header, its other cells, and whether it is one of trouble."""

    head: object
    cells: Sequence[object]
    bad: bool = False


def table(  # noqa: PLR0913, PLR0917 - a table's own facts
    name: str,
    caption: str,
    heads: Sequence[object],
    rows: Iterable[TableRow],
    style: Style,
    kind: str = "",
    labels: Sequence[str] | None = None,
) -> Html:
    """Return a table in a region that scrolls sideways on its own, and that the keyboard reaches.

    `labels` name the cells where they stand as a card; None: as the heads do.
    """
    head = el("tr", [el("th", one, scope="col", role="columnheader") for one in heads], role="row")
    names, lines = heads[1:] if labels is None else labels, []
    for row in rows:
        first = el("th", row.head, scope="row", role="rowheader")
        named = zip(row.cells, names, strict=True)
        cells = [el("td", cell, role="cell", data_label=str(label)) for cell, label in named]
        lines.append(el("tr", first, cells, role="row", class_="bad" if row.bad else None))
    body = el("tbody", lines, role="rowgroup")
    content = join(el("caption", caption, class_="vh"), el("thead", head, role="rowgroup"), body)
    label = style["dashboard.scroll"].format(title=caption)
    inner = el("table", content, role="table", class_=kind or None)
    return el("div", inner, class_="scroll", role="region", tabindex="0", aria_label=label, id=f"{name}-table")


def status(word: str, style: Style) -> Html:
    """Return a status word with its sign; on a page that has grown old it says that it was."""
    was = el("span", style["dashboard.was"] + " ", class_="was")
    return el("span", el("span", _SIGNS.get(word, "?"), aria_hidden="true"), " ", was, word, class_=f"status st-{word}")


def mark(ok: bool, style: Style) -> Html:
    """Return whether a machine is as expected."""
    said = style["yes" if ok else "no"]
    sign = el("span", "✓" if ok else "✗", aria_hidden="true")
    return el("span", sign, hidden(said), class_="mark ok" if ok else "mark no")


def told(said: Sentence) -> Html:
    """Return a sentence, and the command to type, where there is one, as code."""
    return join(said.text, " ", el("code", said.command, class_="command")) if said.command else join(said.text)


def listed(items: Sequence[object], style: Style, kind: str = "") -> Html:
    """Return a list of at most SHOWN items, and how many more there are."""
    lines = [el("li", item) for item in items[:SHOWN]]
    if len(items) > SHOWN:
        lines.append(el("li", style["dashboard.more"].format(count=len(items) - SHOWN), class_="more"))
    return el("ul", lines, class_=kind or None)


def folded(content: Html, count: int, name: str, style: Style, most: int = 24) -> Html:
    """Return the content as it is, or behind a line to open it where there is more of it than `most`."""
    if count <= most:
        return content
    return el("details", el("summary", style["dashboard.show"].format(count=count)), content, id=f"{name}-more")


def age(ms: int | None, style: Style) -> Html | str:
    """Return an age at the time of the check; the page counts it on."""
    return "-" if ms is None else el("span", duration(ms, style), data_age=ms, class_="age")


def short_age(ms: int, style: Style) -> Html:
    """Return an age in at most five letters; the page counts it on."""
    return el("span", short(ms, style), data_age=ms, data_short=True)


def moment(ms: int | None) -> Html | str:
    """Return a time; `-` for none."""
    if ms is None:
        return "-"
    iso = to_iso(ms)
    return el("time", clock(iso), datetime=iso)


def strip(past: UptimeHistory, style: Style) -> Html:
    """Return one machine's strip, which says in words what it shows."""
    if not past.spans:
        return Html()
    start, end = past.spans[0].start_ms, past.spans[-1].end_ms
    spans = sorted(past.spans, key=lambda span: _ORDER.index(span.kind))
    places = [f"{100 * day / _DAYS:.3f}%" for day in range(1, _DAYS)]
    days = [el("line", x1=place, x2=place, y1="0", y2="100%", class_="day") for place in places]
    bars = [_bar(span, start, end - start, style) for span in spans]
    return el("svg", bars, days, class_="strip", role="img", aria_label=strip_said(past, style))


def strip_said(past: UptimeHistory, style: Style) -> str:
    """Return a strip in words: how long it was what, and how often it was off."""
    parts = [
        f"{style[f'span.{kind}']} {duration(past.total_ms(kind), style)}" for kind in h.KINDS if past.total_ms(kind)
    ]
    parts.append(style["dashboard.outage_count"].format(count=past.outages))
    return style["dashboard.strip_said"].format(machine=past.machine_id, parts=", ".join(parts))


def sample(kind: str) -> Html:
    """Return a piece of strip for the legend."""
    top, height = _BANDS[kind]
    bar = el("rect", x="0", width="100%", y=f"{top}%", height=f"{height}%", class_=f"s-{kind}")
    return el("svg", bar, class_="strip sample", aria_hidden="true")


def _bar(span: Span, start: int, length: int, style: Style) -> Html:
    top, height = _BANDS[span.kind]
    when = f"{clock_ms(span.start_ms)} -> {clock_ms(span.end_ms)}"
    told = f"{style[f'span.{span.kind}']}: {when} ({duration(span.ms, style)})"
    rect = Html(
        f'<rect x="{100 * (span.start_ms - start) / length:.3f}%" width="{100 * span.ms / length:.3f}%" '
        f'y="{top}%" height="{height}%" class="s-{span.kind}"/>'
    )
    return rect if span.kind == h.UP else el("g", el("title", told), rect)
