"""Status is the protocol's, to the millisecond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.wire.record import Record
from roosync_ops.wire.status import DEFAULT_THRESHOLDS, Thresholds, missed_heartbeats, status

NOW = 1_770_891_330_123
ages = st.integers(min_value=-86_400_000, max_value=10 * 86_400_000)


@pytest.mark.parametrize(
    ("age_ms", "word", "missed"),
    [
        pytest.param(0, "online", 0, id="now"),
        pytest.param(29_999, "online", 0, id="one-interval-less-1ms"),
        pytest.param(30_000, "online", 1, id="one-interval"),
        pytest.param(89_999, "online", 2, id="last-online"),
        pytest.param(90_000, "warning", 3, id="first-warning"),
        pytest.param(120_000, "warning", 4, id="last-warning"),
        pytest.param(120_001, "offline", 4, id="first-offline"),
        pytest.param(-3_600_000, "online", 0, id="an-hour-ahead"),
    ],
)
def test_the_boundaries_are_exact(age_ms: int, word: str, missed: int) -> None:
    record = Record("m", NOW - age_ms)
    assert (status(record, NOW), missed_heartbeats(record, NOW)) == (word, missed)


@given(age=ages, interval=st.integers(100, 600_000), longer=st.integers(1, 600_000))
def test_status_is_protocols_formula_for_any_thresholds(age: int, interval: int, longer: int) -> None:
    limits = Thresholds(interval, interval + longer)
    expected = "offline" if age > limits.timeout_ms else "warning" if age >= interval * 3 else "online"
    assert status(Record("m", NOW - age), NOW, limits) == expected


@given(first=ages, second=ages)
def test_a_machine_never_gets_better_by_growing_older(first: int, second: int) -> None:
    order = ["online", "warning", "offline"]
    young, old = (status(Record("m", NOW - age), NOW) for age in sorted([first, second]))
    assert order.index(young) <= order.index(old)


def test_what_was_never_heard_is_unknown_and_counts_nothing() -> None:
    assert status(None, NOW) == status(Record("m", None), NOW) == "unknown"
    assert missed_heartbeats(Record("m", None), NOW) is None


def test_left_is_left_however_long_ago() -> None:
    assert status(Record("m", NOW - 10**9, left_at_ms=NOW - 10**9 + 5), NOW) == "left"


def test_a_beat_after_leaving_means_that_it_is_back() -> None:
    assert status(Record("m", NOW - 1000, left_at_ms=NOW - 5000), NOW) == "online"


@pytest.mark.parametrize("pair", [(0, 1), (-1, 5), (5, 5), (6, 5)])
def test_thresholds_that_make_no_sense_are_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="interval"):
        Thresholds(*pair)


def test_the_defaults_are_the_old_services() -> None:
    assert (DEFAULT_THRESHOLDS.interval_ms, DEFAULT_THRESHOLDS.timeout_ms) == (30_000, 120_000)
