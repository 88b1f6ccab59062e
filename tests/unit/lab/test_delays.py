from __future__ import annotations

import itertools
import statistics

import pytest

from roosync_ops.lab.fleet import LabFleet
from roosync_ops.lab.replicator import Delay
from roosync_ops.lab.scenario import FIELD_TIMES


def test_a_typical_transfer_takes_5_to_60_seconds_both_ways() -> None:
    delay = Delay(1)
    calm = next(now for now in itertools.count() if not delay.in_burst(now))
    both = [delay(calm) + delay(calm) for _ in range(10_000)]
    assert min(both) >= 5
    assert max(both) <= 60
    assert 12 < statistics.median(both) < 20


def test_a_seed_replays_and_another_does_not() -> None:
    drawn = [[drive_(now * 60.0) for now in range(2000)] for drive_ in (Delay(3), Delay(3), Delay(4))]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_lab_says_how_late_its_replicas_are() -> None:
    assert LabFleet().lag_s == (0.5, 1.0)
    assert LabFleet(delay=Delay(0, 1 / FIELD_TIMES)).lag_s == pytest.approx((1 / 3, 4.0))


def test_there_are_bursts_of_minutes_some_hours_apart() -> None:
    delay = Delay(2)
    month_s = 30 * 24 * 3600
    burst = [delay.in_burst(float(now)) for now in range(0, month_s, 10)]
    begun = sum(here and not before for before, here in itertools.pairwise(burst))
    assert 80 < begun < 160
    assert 120 <= 10 * sum(burst) / begun <= 600


def test_in_a_burst_a_transfer_takes_minutes() -> None:
    delay = Delay(2)
    now = next(float(now) for now in range(0, 10**6, 10) if delay.in_burst(float(now)))
    assert 60 < delay(now) < 330


def test_another_time_is_the_same_delays_and_bursts_in_proportion() -> None:
    field, lab = Delay(5), Delay(5, 1 / 30)
    for now in range(0, 100_000, 60):
        assert abs(lab(now / 30) - field(float(now)) / 30) < 1e-6
