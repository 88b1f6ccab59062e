"""When a machine was up: what its record says, what was told, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops import show
from roosync_ops.judge.flip import Flip
from roosync_ops.judge.history import FLIPS, INTERVALS, KINDS, NOTHING, UptimeHistory, history
from roosync_ops.show.history import STRIP_CELLS, history_document, history_markdown, history_table, strip
from roosync_ops.show.text import Style
from roosync_ops.wire.record import Record
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW

HOUR = 3_600_000
DAY = 24 * HOUR


def _record(*hours: tuple[float, float]) -> Record:
    """Intervals in hours ago; the last heartbeat is the newest end."""
    pairs = [(NOW - int(start * HOUR), NOW - int(end * HOUR)) for start, end in hours]
    texts = [f"{to_iso(start)}/{to_iso(end)}" for start, end in pairs]
    return Record("a", max(end for _, end in pairs), sequence=9, data={"agent": {"upIntervals": texts}})


def _flip(was: str, to: str, hours: float, **more: Any) -> dict[str, Any]:
    at = NOW - int(hours * HOUR)
    return Flip("a", was, to, at, "silent", **more).as_dict()


def _past(record: Record | None, observed: str, *flips: dict[str, Any], doubt: bool = False) -> UptimeHistory:
    return history("a", record, observed, doubt, flips, NOW - DAY, NOW)


def _spans(past: UptimeHistory) -> list[tuple[float, float, str]]:
    return [(round((NOW - s.start_ms) / HOUR, 2), round((NOW - s.end_ms) / HOUR, 2), s.kind) for s in past.spans]


def test_between_its_own_intervals_it_was_off_and_before_them_nothing_is_known() -> None:
    past = _past(_record((20, 10), (8, 0)), "online")
    assert _spans(past) == [(24, 20, "unknown"), (20, 10, "up"), (10, 8, "off"), (8, 0, "up")]
    assert past.source == INTERVALS
    assert past.outages == 1
    assert past.uptime_permille == 900


@pytest.mark.parametrize(
    ("observed", "doubt", "kind"),
    [
        ("online", False, "up"),
        ("warning", False, "up"),
        ("offline", False, "off"),
        ("offline", True, "unknown"),
        ("left", False, "left"),
        ("unknown", False, "unknown"),
    ],
)
def test_after_its_last_beat_it_is_what_can_be_said(observed: str, doubt: bool, kind: str) -> None:
    past = _past(_record((24, 6)), observed, doubt=doubt)
    assert _spans(past) == ([(24, 0, "up")] if kind == "up" else [(24, 6, "up"), (6, 0, kind)])


def test_a_stop_on_purpose_is_no_outage() -> None:
    told = _flip("online", "left", 9.99, heard_ms=NOW - 10 * HOUR, planned=True)
    past = _past(_record((20, 10), (8, 0)), "online", told)
    assert (10, 8, "left") in _spans(past)
    assert past.uptime_permille == 1000
    assert past.outages == 0


def test_a_stop_that_its_own_record_tells_is_no_outage_though_nobody_watched() -> None:
    record = _record((20, 10), (8, 4), (3, 0))
    record.data["agent"]["stops"] = [to_iso(NOW - 10 * HOUR + 1_000), "no time", 7]
    past = _past(record, "online")
    assert _spans(past) == [
        (24, 20, "unknown"), (20, 10, "up"), (10, 8, "left"), (8, 4, "up"), (4, 3, "off"), (3, 0, "up")
    ]  # fmt: skip
    assert past.outages == 1


def test_an_older_service_has_only_the_flips() -> None:
    record = Record("a", NOW, data={})
    past = _past(record, "online", _flip("online", "offline", 5), _flip("offline", "online", 3))
    assert _spans(past) == [(24, 5, "unknown"), (5, 3, "off"), (3, 0, "up")]
    assert past.source == FLIPS


def test_a_machine_that_flapped_is_unknown_until_it_settled() -> None:
    flips = [_flip("online", "offline", 5, flapping=True), _flip("flapping", "online", 4)]
    assert _spans(_past(None, "online", *flips)) == [(24, 4, "unknown"), (4, 0, "up")]


def test_of_a_machine_never_seen_nothing_is_known() -> None:
    past = _past(None, "unknown")
    assert _spans(past) == [(24, 0, "unknown")]
    assert past.uptime_permille is None
    assert past.source == NOTHING


def test_the_flips_of_others_and_of_other_days_are_not_its_own() -> None:
    other = {**_flip("online", "left", 5), "machineId": "b"}
    past = _past(None, "online", other, _flip("online", "offline", 30), {"machineId": "a", "at": "yesterday"})
    assert past.flips == ()
    assert _spans(past) == [(24, 0, "off")]


def test_rubbish_among_the_intervals_is_left_out() -> None:
    record = _record((20, 0))
    record.data["agent"]["upIntervals"] += ["x", 3, None, "2026/2027", f"{to_iso(NOW)}/{to_iso(NOW - 5)}"]
    assert _past(record, "online").total_ms("up") == 20 * HOUR


@given(
    st.lists(st.tuples(st.integers(-DAY, 3 * DAY), st.integers(0, DAY)), max_size=20),
    st.sampled_from(["online", "offline", "left", "unknown", "warning"]),
    st.booleans(),
    st.lists(st.tuples(st.integers(-DAY, 3 * DAY), st.sampled_from(["online", "offline", "left"])), max_size=8),
)
def test_any_record_gives_a_window_without_gap_or_overlap(
    pieces: list[tuple[int, int]], observed: str, doubt: bool, told: list[tuple[int, str]]
) -> None:
    texts = [f"{to_iso(NOW - ago)}/{to_iso(NOW - ago + long)}" for ago, long in pieces]
    record = Record("a", NOW - 5, data={"agent": {"upIntervals": texts}})
    flips = [Flip("a", "online", to, NOW - ago, "silent").as_dict() for ago, to in told]
    past = history("a", record, observed, doubt, flips, NOW - DAY, NOW)
    assert past.spans[0].start_ms == NOW - DAY
    assert past.spans[-1].end_ms == NOW
    assert all(one.end_ms == other.start_ms for one, other in zip(past.spans, past.spans[1:], strict=False))
    assert all(one.kind != other.kind for one, other in zip(past.spans, past.spans[1:], strict=False))
    assert sum(past.total_ms(kind) for kind in KINDS) == DAY
    assert len(strip(past)) == STRIP_CELLS


def test_a_short_outage_shows_in_the_strip() -> None:
    assert strip(_past(_record((24, 12.01), (12, 0)), "online")).count(".") in (1, 2)


def test_the_three_reports_say_the_same() -> None:
    past = _past(_record((20, 10), (8, 0)), "online")
    assert '"uptimePercent": 90.0' in show.json_text(history_document([past], "/mnt/share", NOW - DAY, NOW))
    assert "90.0% of 20 h 00 min" in history_table([past])
    assert "| a | online | 90.0% of 20 h 00 min |" in history_markdown([past], NOW - DAY, NOW)
    assert "90.0% de 20 h 00 min" in history_table([past], Style("fr", 80))
    assert max(map(len, history_table([past], Style(width=80)).splitlines())) <= 80


def test_nothing_from_the_local_file_reaches_the_terminal_raw() -> None:
    flip = {**_flip("online", "offline", 5), "to": "\x1b[2J|", "reason": "\x1b]0;x\x07", "detail": "\x1b"}
    past = _past(None, "online", flip)
    for text in (
        history_table([past]),
        history_markdown([past], 0, NOW),
        show.json_text(history_document([past], "\x1b", 0, NOW)),
    ):
        assert "\x1b" not in text
