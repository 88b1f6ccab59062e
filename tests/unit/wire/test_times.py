"""Time stamps are JavaScript's, and nothing else passes for one."""

from __future__ import annotations

import calendar
import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.wire.times import (
    BadTimeError,
    NaiveTimeError,
    from_iso,
    intervals_in,
    time_or_none,
    times_in,
    to_iso,
)

LAST = 253_402_300_799_999


@given(st.integers(0, LAST))
def test_every_millisecond_survives_the_round_trip(ms: int) -> None:
    assert from_iso(to_iso(ms)) == ms


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_every_day_is_the_calendars_own(moment: datetime) -> None:
    text = moment.strftime(f"{moment.year:04d}-%m-%dT%H:%M:%S.%fZ")
    assert from_iso(text) // 1000 == calendar.timegm(moment.utctimetuple())


@pytest.mark.parametrize("year", [1900, 2025, 2026, 2100, 2200])
def test_a_year_without_a_leap_day_has_none(year: int) -> None:
    with pytest.raises(BadTimeError, match="calendar"):
        from_iso(f"{year}-02-29T00:00:00Z")


@given(st.one_of(st.text(), st.none(), st.integers(), st.lists(st.integers())))
def test_anything_is_a_time_or_a_bad_time(value: object) -> None:
    with contextlib.suppress(BadTimeError):
        assert 0 <= from_iso(value) <= LAST


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-02-12T10:15:30.123Z", 1_770_891_330_123),
        ("2026-02-12T10:15:30Z", 1_770_891_330_000),
        ("2026-02-12T10:15:30.1Z", 1_770_891_330_100),
        ("2026-02-12T10:15:30.123999Z", 1_770_891_330_123),
        ("2026-02-12T11:15:30.123+01:00", 1_770_891_330_123),
        ("2026-02-12T05:15:30.123-0500", 1_770_891_330_123),
        ("1970-01-01T00:00:00.000Z", 0),
    ],
)
def test_what_other_writers_write_is_understood(text: str, ms: int) -> None:
    assert from_iso(text) == ms


def test_a_time_without_an_offset_is_no_instant() -> None:
    with pytest.raises(NaiveTimeError):
        from_iso("2026-02-12T10:15:30.123")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-12",
        "2026-02-30T10:15:30Z",
        "2025-02-29T10:15:30Z",
        "2026-13-01T10:15:30Z",
        "2026-02-12T24:00:00Z",
        "2026-02-12T10:15:30+25:00",
        "2026-02-12T10:15:30Z\n",
        "\N{ARABIC-INDIC DIGIT TWO}026-02-12T10:15:30Z",
        "0000-02-12T10:15:30Z",
        "1969-12-31T23:59:59Z",
    ],
)
def test_what_is_no_time_is_said_to_be_none(text: str) -> None:
    with pytest.raises(BadTimeError):
        from_iso(text)


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        pytest.param(["2026-01-01T00:00:00Z/2026-01-01T00:00:01Z"], [(1_767_225_600_000, 1_767_225_601_000)], id="one"),
        pytest.param(["2026-01-01T00:00:01Z/2026-01-01T00:00:00Z"], [], id="backwards"),
        pytest.param(["2026-01-01T00:00:00Z/x/2026-01-01T00:00:01Z"], [], id="three-parts"),
        pytest.param(["2026-01-01T00:00:00Z", "", "/", None, 7], [], id="none"),
        pytest.param("2026-01-01T00:00:00Z/2026-01-01T00:00:01Z", [], id="no-list"),
    ],
)
def test_what_is_no_interval_is_left_out(texts: object, found: list[tuple[int, int]]) -> None:
    assert intervals_in(texts) == found


def test_what_is_no_time_is_left_out() -> None:
    assert times_in(["2026-01-01T00:00:00Z", "yesterday", None]) == [1_767_225_600_000]
    assert times_in({"a": 1}) == []
    assert time_or_none(b"2026-01-01T00:00:00Z") is None
