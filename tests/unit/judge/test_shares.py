"""How long beats were under way, whatever the clocks say; and when the figures say nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.gather.verify_share import parsed
from roosync_ops.judge.shares import ClockOffset, Sighting, Way, propagation, ways
from roosync_ops.remote_script.facts_model import MeasuredSighting

NOW = 1_770_891_330_123
LAGS = st.lists(st.integers(0, 200_000), min_size=1, max_size=20)
OFFSETS = st.integers(-3_600_000, 3_600_000)


@given(lags=LAGS, maker=OFFSETS, observer=OFFSETS)
def test_clocks_an_hour_off_change_nothing(lags: list[int], maker: int, observer: int) -> None:
    sent = [NOW + 30_000 * at for at in range(len(lags))]
    seen = [Sighting("m1", at + maker, at + lag + observer) for at, lag in zip(sent, lags, strict=True)]
    clocks: dict[str | None, ClockOffset] = {"m1": ClockOffset(maker, 40), "m2": ClockOffset(observer, 60)}
    (found,) = ways({"m2": seen}, clocks)
    assert found == Way("m1", "m2", tuple(lag / 1000 for lag in lags), 0.1)
    assert min(lags) / 1000 <= found.p50_s <= found.p99_s <= max(lags) / 1000


def test_own_beats_and_those_of_unknown_clocks_tell_nothing() -> None:
    seen = [Sighting(name, NOW, NOW + 5_000) for name in ("m1", "m2", "m3")]
    clocks = {None: ClockOffset(), "m1": ClockOffset(), "m2": ClockOffset()}
    found = ways({"m2": seen, None: seen, "m4": seen}, clocks)
    assert [(way.source, way.observer) for way in found] == [("m1", None), ("m2", None), ("m1", "m2")]


@pytest.mark.parametrize(
    ("lags", "verdict"),
    [
        pytest.param((5.0,) * 4, "unknown", id="too-few"),
        pytest.param((5.0,) * 5, "good", id="seconds"),
        pytest.param((5.0,) * 9 + (121.0,), "bad", id="later-than-the-timeout"),
        pytest.param((5.0,) * 5 + (-60.0,), "unknown", id="a-clock-was-set"),
    ],
)
def test_what_arrivals_say_of_a_replica(lags: tuple[float, ...], verdict: str) -> None:
    others = Way("m1", "elsewhere", (500.0,) * 9, 0.1)
    assert propagation("m2", [Way("m1", "m2", lags, 0.1), others], 60.0).verdict == verdict


def test_a_beat_whose_time_cannot_be_read_is_left_out() -> None:
    given = [MeasuredSighting(machine_id="m1", beat=beat, seen_ms=NOW) for beat in ("2026-02-12T10:15:30.123Z", "soon")]
    assert parsed(given) == [Sighting("m1", NOW, NOW)]
