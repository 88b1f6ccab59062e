"""The history as a table, as JSON and as Markdown."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from roosync_ops.judge import history as h
from roosync_ops.wire.times import to_iso

from .columns import codes, tabled
from .document import keyed
from .reasons import flip_said, sentence
from .table import piped
from .text import PLAIN, Style, clock_ms, duration, markdown_code, markdown_safe

#: One sign of the strip is a part of the window, six hours of seven days.
STRIP_CELLS: Final = 28
_SIGNS: Final = {h.UP: "#", h.OFF: ".", h.STOPPED: "-", h.NOT_KNOWN: "?"}


def history_table(pasts: Sequence[h.UptimeHistory], style: Style = PLAIN) -> str:
    """Return one line a machine: uptime, how long it was what, and a strip of the window."""
    lines = tabled("history", [_cells(past, style) for past in pasts], style) if pasts else []
    told = [text for past in pasts if past.undone is not None for text in ("", sentence(past.undone, style))]
    return "\n".join([*lines, "", style["history.legend"], *told])


def history_markdown(pasts: Sequence[h.UptimeHistory], from_ms: int, to_ms: int, style: Style = PLAIN) -> str:
    """Return the table to paste; the strip as code."""
    title = style["history.title"].format(since=clock_ms(from_ms, style), until=clock_ms(to_ms, style))
    shown = [code for code in codes("history") if code != "history.strip"]
    rows = [[*(markdown_safe(row[code]) for code in shown), f"`{row['history.strip']}`"]
            for row in (_cells(past, style) for past in pasts)]  # fmt: skip
    lines = [f"## {title}", "", *piped([*(style[code] for code in shown), style["history.strip"]], rows)]
    told = [f"- {sentence(past.undone, style, markdown_code)}" for past in pasts if past.undone is not None]
    return "\n".join([*lines, "", markdown_safe(style["history.legend"]), *([""] if told else []), *told])


def history_document(pasts: Sequence[h.UptimeHistory], shared: str, from_ms: int, to_ms: int) -> dict[str, Any]:
    """Return the document of `roosync-ops history --json`; durations in ms; `uptimePercent` may be null."""
    machines = [_document(past) for past in pasts]
    return {"ok": True, "shared": shared, "from": to_iso(from_ms), "to": to_iso(to_ms), "machines": machines}


def strip(past: h.UptimeHistory, cells: int = STRIP_CELLS) -> str:
    """Return the window in `cells` signs: off where it was off at all, else what it was for longest."""
    if not past.spans:
        return ""
    start, end = past.spans[0].start_ms, past.spans[-1].end_ms
    edges = [start + (end - start) * at // cells for at in range(cells + 1)]
    return "".join(_sign(past, *pair) for pair in pairwise(edges))


def _sign(past: h.UptimeHistory, start: int, end: int) -> str:
    within = dict.fromkeys(h.KINDS, 0)
    for span in past.spans:
        within[span.kind] += max(0, min(span.end_ms, end) - max(span.start_ms, start))
    return _SIGNS[h.OFF if within[h.OFF] else max(h.KINDS, key=lambda kind: within[kind])]


def _cells(past: h.UptimeHistory, style: Style) -> dict[str, str]:
    return {
        "machine": past.machine_id,
        "history.now": past.observed,
        "history.uptime": uptime(past, style),
        "history.strip": strip(past),
        **{f"history.{kind}": duration(past.total_ms(kind), style) for kind in h.KINDS},
        "history.outages": str(past.outages),
        "history.last_flip": _last(past, style),
    }


def _last(past: h.UptimeHistory, style: Style) -> str:
    if past.flips:
        said = flip_said(past.flips[-1], style)
        return f"{said.at} {said.to}: {said.why}"
    return style["history.flips_alone"] if past.source == h.FLIPS else "-"


def uptime(past: h.UptimeHistory, style: Style) -> str:
    """Return how much of the time that is known a machine was up, and how much time that is."""
    share, of = past.uptime_permille, past.total_ms(h.UP) + past.total_ms(h.OFF)
    if share is None:
        return "-"
    return f"{share // 10}.{share % 10}% {style['history.of']} {duration(of, style)}"


def _document(past: h.UptimeHistory) -> dict[str, Any]:
    share = past.uptime_permille
    return keyed(
        past,
        "machineId observed source",
        uptimePercent=None if share is None else share / 10,
        **{f"{kind}Ms": past.total_ms(kind) for kind in h.KINDS},
        outages=past.outages,
        spans=[{"from": to_iso(s.start_ms), "to": to_iso(s.end_ms), "kind": s.kind} for s in past.spans],
        flips=list(past.flips),
        **({} if past.undone is None else {"undone": sentence(past.undone)}),
    )
