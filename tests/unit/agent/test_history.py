"""Up-intervals: extended, begun, bounded, and never rewritten backwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.agent.beat import (
    CLOCK_IS_SET_FROM_MS,
    KEPT_MS,
    MAX_INTERVALS,
    MAX_STOPS,
    extend,
    stops_until,
    written,
)
from roosync_ops.wire.times import intervals_in
from tests.kits.shares import NOW
from tests.kits.virtual_agent import Rig

GAP = 120_000


@pytest.mark.parametrize(
    ("gap", "count"),
    [
        pytest.param(30_000, 1, id="next beat"),
        pytest.param(GAP, 1, id="exactly the timeout"),
        pytest.param(GAP + 1, 2, id="a millisecond over it"),
    ],
)
def test_an_interval_grows_until_the_machine_was_offline(gap: int, count: int) -> None:
    assert len(extend([(NOW - 1000, NOW)], NOW + gap, GAP)) == count


def test_seven_days_are_kept_and_the_oldest_is_cut_at_their_edge() -> None:
    old = [(NOW - KEPT_MS - 9, NOW - KEPT_MS - 1), (NOW - KEPT_MS - 5, NOW - KEPT_MS + 5)]
    assert extend(old, NOW, GAP) == [(NOW - KEPT_MS, NOW - KEPT_MS + 5), (NOW, NOW)]


def test_a_machine_that_restarts_all_day_keeps_a_bounded_list() -> None:
    intervals: list[tuple[int, int]] = []
    for number in range(1000):
        intervals = extend(intervals, NOW + number * 300_000, GAP)
    assert len(intervals) == MAX_INTERVALS
    assert intervals[-1] == (NOW + 999 * 300_000,) * 2


def test_a_clock_that_was_never_set_touches_no_history() -> None:
    assert extend([(NOW - 10, NOW)], CLOCK_IS_SET_FROM_MS - 1, GAP) == [(NOW - 10, NOW)]


def test_a_year_in_the_future_is_forgotten_once_the_clock_is_right() -> None:
    assert extend([(NOW + 10 * KEPT_MS, NOW + 11 * KEPT_MS)], NOW, GAP) == [(NOW, NOW)]


def test_a_clock_put_back_within_an_interval_shortens_nothing() -> None:
    assert extend([(NOW - 3_600_000, NOW)], NOW - 60_000, GAP) == [(NOW - 3_600_000, NOW)]


def test_writing_and_reading_agree_and_rubbish_is_skipped() -> None:
    assert intervals_in([*written([(NOW, NOW + 5)]), "x", 3, "2026/2027", f"{written([(NOW, NOW)])[0]}/", None]) == [
        (NOW, NOW + 5)
    ]
    assert intervals_in("2026") == []


@given(st.lists(st.integers(0, 10 * KEPT_MS), max_size=60))
def test_any_clock_gives_a_sorted_bounded_list(steps: list[int]) -> None:
    intervals: list[tuple[int, int]] = []
    for step in steps:
        intervals = extend(intervals, NOW + step, GAP)
        assert intervals == sorted(intervals)
        assert all(start <= end for start, end in intervals)
        assert any(start <= NOW + step <= end for start, end in intervals)


def test_a_quick_restart_goes_on_with_the_interval_and_a_night_begins_another(rig: Rig) -> None:
    rig.beat()
    rig.boot()
    rig.beat(90)
    rig.boot()
    rig.beat(8 * 3600)
    first, second = rig.record()["agent"]["upIntervals"]
    assert first == "2026-02-12T10:15:30.123Z/2026-02-12T10:17:00.123Z"
    assert second == "2026-02-12T18:17:00.123Z/2026-02-12T18:17:00.123Z"


def test_each_stop_on_purpose_is_kept_for_seven_days_through_the_starts_after_it(rig: Rig) -> None:
    rig.beat()
    for _ in range(2):
        rig.loop.publisher.leave(rig.clock.wall_ms())
        rig.boot()
        rig.beat(3600)
    assert "leftAt" not in rig.record()["agent"]
    assert len(rig.record()["agent"]["stops"]) == 2
    rig.clock.advance(KEPT_MS / 1000)
    rig.loop.publisher.leave(rig.clock.wall_ms())
    assert len(rig.record()["agent"]["stops"]) == 1


def test_stops_are_bounded_and_what_is_no_time_is_left_out() -> None:
    assert len(stops_until([*written([(NOW, NOW)]), 7, None], NOW)) == 1
    assert stops_until({"a": 1}, NOW) == stops_until([], NOW)
    many = stops_until([], NOW)
    for at in range(1, 3 * MAX_STOPS):
        many = stops_until(many, NOW + at)
    assert len(many) == MAX_STOPS
