"""A reader that looks every few minutes and, where something looks gone, goes on looking: what `schedule run` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.judge import flip as f
from tests.unit.watch.scene import STEP_MS, TIMEOUT_MS, Scene

if TYPE_CHECKING:
    from roosync_ops.judge.flip import Flip

EVERY_S = 300


class Seldom(Scene):
    """`rounds` runs, EVERY_S apart; `readings` are how many each took."""

    def __init__(self) -> None:
        super().__init__()
        self.readings: list[int] = []

    def rounds(self, count: int) -> list[Flip]:
        told: list[Flip] = []
        for _ in range(count):
            for _ in range(EVERY_S * 1000 // STEP_MS):
                self.now += STEP_MS
                self._beat()
            told += self._one()
        self.log += told
        return told

    def _one(self) -> list[Flip]:
        self.restart()
        told = self.flips.step(None if self.unreadable else self.rows(), self.now)
        taken = 1
        while self.flips.unsettled and taken < 200:
            self.now += STEP_MS
            self._beat()
            told += self.flips.step(None if self.unreadable else self.rows(), self.now)
            taken += 1
        self.readings.append(taken)
        return told


@pytest.fixture
def scene() -> Seldom:
    scene = Seldom()
    assert scene.rounds(3) == []
    return scene


def test_where_nothing_changed_one_reading_is_enough(scene: Seldom) -> None:
    assert scene.readings == [1, 1, 1]


def test_a_death_is_told_once_by_the_run_that_comes_after_it(scene: Seldom) -> None:
    scene.dead.add("a")
    (told,) = scene.rounds(1)
    assert (told.machine_id, told.was, told.to, told.reason) == ("a", "online", "offline", f.SILENT)
    assert scene.readings[-1] == TIMEOUT_MS // STEP_MS + 1  # its whole timeout, and not a reading more
    assert scene.rounds(20) == []
    assert scene.readings[-1] == 1


def test_what_only_looked_gone_is_not_told_and_ends_the_reading_on(scene: Seldom) -> None:
    scene.dead.add("a")
    for _ in range(EVERY_S * 1000 // STEP_MS):
        scene.now += STEP_MS
        scene._beat()
    assert scene.flips.step(scene.rows(), scene.now) == []
    assert scene.flips.unsettled
    scene.start("a")
    assert scene.run(10) == []
    assert not scene.flips.unsettled


def test_a_stop_on_purpose_needs_no_second_reading(scene: Seldom) -> None:
    scene.leave("b")
    (told,) = scene.rounds(1)
    assert (told.machine_id, told.to, told.planned) == ("b", "left", True)
    assert scene.readings[-1] == 1


def test_a_return_needs_no_second_reading(scene: Seldom) -> None:
    scene.dead.add("a")
    scene.rounds(1)
    scene.start("a")
    (told,) = scene.rounds(1)
    assert (told.to, scene.readings[-1]) == ("online", 1)


def test_a_share_that_cannot_be_read_is_one_flip_and_the_runs_end(scene: Seldom) -> None:
    scene.unreadable = True
    (told,) = scene.rounds(3)
    assert (told.machine_id, told.to) == (None, "unavailable")
    assert scene.readings[-2:] == [1, 1]
    scene.unreadable = False
    assert [flip.to for flip in scene.rounds(2)] == ["ok"]
