"""A build on trial: proved by beats that were read back, and left for whatever else it does."""

import pytest

from roosync_ops.agent import trial
from roosync_ops.agent.trial import SILENT, Trial

INTERVAL_S, DEADLINE_S = 30.0, 5.0
PATIENCE_S = INTERVAL_S + DEADLINE_S + trial.LATE_S


def fresh() -> Trial:
    return Trial(INTERVAL_S, DEADLINE_S, 0.0)


def beat(sequence: int, session: str = "new") -> tuple[str, tuple[str, int]]:
    return "new", (session, sequence)


def test_four_beats_read_back_prove_it_and_not_three() -> None:
    one = fresh()
    verdicts = [one.look(number * INTERVAL_S, *beat(10 + number)) for number in range(trial.BEATS)]
    assert verdicts == [*[None] * (trial.BEATS - 1), ()]


def test_a_beat_that_is_seen_twice_or_is_another_session_s_proves_nothing() -> None:
    one = fresh()
    assert [one.look(0.25 * at, *beat(10)) for at in range(40)] == [None] * 40
    assert [one.look(20 + at, *beat(11 + at, "old")) for at in range(9)] == [None] * 9


def test_silence_is_told_after_the_interval_and_the_share_s_deadline() -> None:
    one = fresh()
    assert one.look(1, *beat(1)) is None
    assert one.look(1 + PATIENCE_S, *beat(1)) is None
    assert one.look(1.1 + PATIENCE_S, *beat(1)) == SILENT


def test_a_share_in_trouble_is_pardoned() -> None:
    one = fresh()
    one.look(1, *beat(1))
    one.pardon(500)
    assert one.look(500 + PATIENCE_S, "new") is None
    assert one.look(500 + PATIENCE_S + 1, "new") == SILENT


def test_a_loop_that_ends_or_begins_again_is_left_at_once() -> None:
    one, two = fresh(), fresh()
    for each in (one, two):
        assert each.look(1, *beat(1)) is None
    assert one.look(1.25, None) == ("ended",)
    assert two.look(1.25, "another") == ("begun-again",)


def test_one_that_does_not_come_up_is_given_its_time() -> None:
    one = fresh()
    assert one.look(trial.COME_UP_S, None) is None
    assert one.look(trial.COME_UP_S + 0.1, None) == ("not-up",)


def test_whoever_restarts_it_by_hand_begins_the_trial_anew() -> None:
    one = fresh()
    one.look(1, *beat(1))
    one.begin(2)
    assert one.look(3, "another", ("another", 2)) is None


@pytest.mark.parametrize(
    ("size", "busy_s", "why"),
    [
        (trial.MAX_BYTES, 0, None),
        (trial.MAX_BYTES + 1, 0, ("memory", "48")),
        (0, 10.0, None),
        (0, 10.1, ("busy", "10", "20")),
    ],
)
def test_memory_and_processor_are_bounded(size: int, busy_s: float, why: tuple[str, ...] | None) -> None:
    assert fresh().look(20, "new", ("new", 1), size, busy_s) == why
