"""A short seeded run of the shipped code under virtual time: the zeros hold, whatever the sync product does."""

from __future__ import annotations

import pytest

from tests.simulation.schedule import ADMIN, episodes
from tests.simulation.world import (
    ASKING,
    ASKS,
    AUTO,
    DEFAULT,
    LEAST,
    OURS,
    SELDOM,
    V30,
    V31,
    WATCH,
    Outcome,
    Plan,
    simulate,
)

HOURS = 8.0
SEED = 3


@pytest.fixture(scope="module")
def ordinary() -> Outcome:
    """Delays and bursts, power cuts, crashes, restarts, stops."""
    return simulate(OURS, Plan(HOURS, SEED, with_faults=False))


@pytest.fixture(scope="module")
def nasty() -> Outcome:
    """All faults besides."""
    return simulate(OURS, Plan(HOURS, SEED))


@pytest.fixture(params=["ordinary", "nasty"])
def outcome(request: pytest.FixtureRequest) -> Outcome:
    result = request.getfixturevalue(request.param)
    assert isinstance(result, Outcome)
    return result


def test_no_death_is_missed_by_any_reader(outcome: Outcome) -> None:
    assert all(one.deaths > 0 and one.missed == [] for one in outcome.scores)


def test_no_history_goes_back_or_is_lost(outcome: Outcome) -> None:
    assert outcome.lost == []
    assert outcome.beats > HOURS * 120 * 6 * 0.7


def test_all_are_online_at_the_end_without_a_hand(outcome: Outcome) -> None:
    assert all(set(one.final.values()) == {"online"} for one in outcome.scores)


def test_the_watcher_tells_nothing_twice_though_it_is_restarted(outcome: Outcome) -> None:
    assert outcome.double_flips == 0


def test_the_syncs_own_delays_make_no_watcher_call_a_living_machine_offline(ordinary: Outcome) -> None:
    assert ordinary.false_flips == 0
    watch = next(one for one in ordinary.scores if one.reader == WATCH)
    assert watch.false == []


@pytest.mark.parametrize("reader", [ASKS, ASKING])
def test_who_may_ask_calls_no_living_machine_offline_and_tells_a_death_within_three_minutes(
    outcome: Outcome, reader: str
) -> None:
    score = next(one for one in outcome.scores if one.reader == reader)
    assert score.false == []
    assert score.false_online == 0
    assert max(score.detections) <= 180


def test_patience_costs_no_more_false_offlines_than_the_protocol_alone(ordinary: Outcome) -> None:
    count = {one.reader: len(one.false) for one in ordinary.scores}
    assert count[AUTO] <= count[DEFAULT]


def test_a_death_is_told_within_the_timeout_a_poll_and_a_second_by_the_protocols_own_reader(ordinary: Outcome) -> None:
    default = next(one for one in ordinary.scores if one.reader == DEFAULT)
    assert max(default.detections) <= 120 + 15 + 1


def test_what_no_reader_of_the_folder_alone_can_do_better_tells_each_death_within_900_s(outcome: Outcome) -> None:
    least, default = (next(one for one in outcome.scores if one.reader == name) for name in (LEAST, DEFAULT))
    assert max(least.detections) <= 900
    assert len(least.false) <= len(default.false)


@pytest.mark.parametrize("protocol", [V30, V31])
def test_the_old_services_show_most_of_a_living_fleet_as_gone(protocol: str) -> None:
    """The protocol, "What the existing service really does": this is what ours is held against."""
    result = simulate(protocol, Plan(2.0, SEED, with_faults=False))
    assert all(one.wrong_s > one.judged_s / 2 for one in result.scores)


def test_the_same_seed_replays_the_same_history() -> None:
    first, second = (simulate(OURS, Plan(1.5, SEED)) for _ in range(2))
    assert first.scores == second.scores
    assert first.beats == second.beats


def test_a_schedule_brings_every_fault_before_one_comes_again() -> None:
    drawn = [one.kind for one in episodes(200, SEED) if one.machine != ADMIN][:20]
    assert len(set(drawn)) >= 16


def test_a_live_machine_that_the_seldom_writer_keeps_is_never_called_dead_by_ours() -> None:
    """By its own answer everybody is offline between two writes."""
    own, files = simulate(SELDOM, Plan(4.0, SEED, with_faults=False)).scores
    assert files.wrong_s == 0
    assert own.wrong_s > 0.3 * own.judged_s
