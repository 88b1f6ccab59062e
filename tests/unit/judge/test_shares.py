"""How long beats were under way, whatever the clocks say; and when the figures say nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.judge.shares import Clock, Way, propagation, uncorrected, ways
from roosync_ops.remote_script.facts_model import MeasuredSighting
from roosync_ops.wire.times import to_iso

NOW = 1_770_891_330_123
LAGS = st.lists(st.integers(0, 200_000), min_size=1, max_size=20)
OFFSETS = st.integers(-3_600_000, 3_600_000)


def sighting(machine_id: str, beat_ms: int, seen_ms: int) -> MeasuredSighting:
    return MeasuredSighting(machine_id=machine_id, beat=to_iso(beat_ms), seen_ms=seen_ms)


@given(lags=LAGS, maker=OFFSETS, observer=OFFSETS)
def test_clocks_an_hour_off_change_nothing(lags: list[int], maker: int, observer: int) -> None:
    sent = [NOW + 30_000 * at for at in range(len(lags))]
    seen = [sighting("m1", at + maker, at + lag + observer) for at, lag in zip(sent, lags, strict=True)]
    clocks: dict[str | None, Clock] = {"m1": (maker, 40), "m2": (observer, 60)}
    (found,) = ways({"m2": seen}, clocks)
    assert found == Way("m1", "m2", tuple(lag / 1000 for lag in lags), 0.1)
    told = found.as_dict()
    assert min(lags) / 1000 <= told["p50S"] <= told["p99S"] <= max(lags) / 1000


def test_own_beats_and_those_of_unknown_clocks_tell_nothing() -> None:
    seen = [sighting(name, NOW, NOW + 5_000) for name in ("m1", "m2", "m3")]
    clocks: dict[str | None, Clock] = dict.fromkeys((None, "m1", "m2"), (0, 0))
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
    assert propagation("m2", [Way("m1", "m2", lags, 0.1), others], 60.0)["verdict"] == verdict


def test_a_beat_whose_time_cannot_be_read_is_left_out() -> None:
    given = [MeasuredSighting(machine_id="m1", beat=beat, seen_ms=NOW) for beat in ("2026-02-12T10:15:30.123Z", "soon")]
    assert uncorrected(given, 60.0)["beats"] == 1
    assert [way.lags_s for way in ways({None: given}, {None: (0, 0), "m1": (0, 0)})] == [(0.0,)]
