"""What holds of flips for any sequence of rows, restarts, late readings and clocks; a reading has one row a machine."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from roosync_ops.judge import verdict as v
from roosync_ops.judge.flip import Flip, FlipRow, Remembered
from roosync_ops.judge.flips import FLAP_COUNT, FLAP_WINDOW_MS, Flips
from tests.kits.shares import NOW
from tests.unit.watch.scene import NAMES, STEP_MS, Scene

_ROWS = st.lists(
    st.builds(
        FlipRow,
        st.sampled_from("abc"),
        st.sampled_from(["online", "warning", "offline", "left", "unknown"]),
        st.none() | st.integers(NOW - 100_000, NOW + 100_000),
        st.none() | st.integers(0, 30),
        st.sampled_from([None, None, None, v.Doubt.OBSERVER, v.Doubt.SIGHT]),
    ),
    max_size=6,
    unique_by=lambda row: row.machine_id,
)
_STEPS = st.lists(
    st.tuples(st.none() | _ROWS, st.sampled_from([0, 1_000, 5_000, 30_000, 70_000, -1_000, -600_000]), st.booleans()),
    max_size=60,
)


def _play(steps: list[tuple[list[FlipRow] | None, int, bool]], *, restarts: bool = True) -> list[list[Flip]]:
    flips, now, told = Flips(), NOW, []
    for rows, passed, restart in steps:
        now += passed
        told.append(flips.step(rows, now))
        if restart and restarts:
            flips = Flips(None, Remembered.from_dict(json.loads(json.dumps(flips.kept.as_dict()))))
    return told


@given(_STEPS)
def test_each_flip_goes_on_from_the_one_before_it(steps: list[tuple[list[FlipRow] | None, int, bool]]) -> None:
    last: dict[str | None, Flip] = {}
    for flip in (flip for told in _play(steps) for flip in told):
        before = last.get(flip.machine_id)
        assert flip.was != flip.to
        if before is not None and not before.flapping:
            assert flip.was == before.to
        if before is not None and before.flapping:
            assert flip.was == "flapping" or flip.planned
        last[flip.machine_id] = flip


@given(_STEPS)
def test_the_first_reading_tells_nothing(steps: list[tuple[list[FlipRow] | None, int, bool]]) -> None:
    assert all(told == [] for told in _play(steps)[:1])


@given(_STEPS)
def test_a_restart_changes_nothing(steps: list[tuple[list[FlipRow] | None, int, bool]]) -> None:
    assert _play(steps) == _play(steps, restarts=False)


@given(_STEPS)
def test_the_same_reading_twice_tells_nothing_more(steps: list[tuple[list[FlipRow] | None, int, bool]]) -> None:
    flips, now = Flips(), NOW
    for rows, passed, _ in steps:
        now += passed
        flips.step(rows, now)
        assert flips.step(rows, now) == []


@given(_STEPS)
def test_offline_is_only_ever_told_of_a_row_that_says_so_without_doubt(
    steps: list[tuple[list[FlipRow] | None, int, bool]],
) -> None:
    for (rows, _, _), told in zip(steps, _play(steps), strict=True):
        for flip in told:
            if flip.to == "offline" and flip.was != "flapping":
                said = [row for row in rows or () if row.machine_id == flip.machine_id]
                assert any(row.status == "offline" and row.doubt is None for row in said)


@given(_STEPS)
def test_nobody_is_told_more_than_a_few_unplanned_flips_in_half_an_hour(
    steps: list[tuple[list[FlipRow] | None, int, bool]],
) -> None:
    forward = [(rows, abs(passed), restart) for rows, passed, restart in steps]
    flips = [flip for told in _play(forward) for flip in told if flip.reason != "settled"]
    for flip in flips:
        near = [
            other
            for other in flips
            if other.machine_id == flip.machine_id and 0 <= flip.at_ms - other.at_ms < FLAP_WINDOW_MS
        ]
        if not any(other.planned for other in near):
            assert len(near) <= FLAP_COUNT


_DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["die", "start", "leave", "stall", "flow", "unreadable", "readable", "restart"]),
        st.sampled_from(NAMES[:3]),
        st.integers(1, 40),
    ),
    max_size=10,
)


@settings(max_examples=30)
@given(_DEEDS)
def test_whatever_happens_the_last_word_told_is_the_truth(deeds: list[tuple[str, str, int]]) -> None:
    """Three machines live on, so that there is somebody to compare with; then all is quiet for two hours."""
    scene = Scene()
    scene.run(300)
    for deed, name, steps in deeds:
        _do(scene, deed, name)
        scene.run(steps * STEP_MS / 1000)
    scene.stalled = scene.unreadable = False
    scene.run(7200)
    told = dict.fromkeys(NAMES, "online")
    told.update({flip.machine_id: flip.to for flip in scene.log if flip.machine_id is not None})
    for name in NAMES:
        truth = "left" if scene.truth[name][2] else "offline" if name in scene.dead else "online"
        assert told[name] == truth, (name, scene.log)


def _do(scene: Scene, deed: str, name: str) -> None:
    if deed == "die" and not scene.truth[name][2]:
        scene.dead.add(name)
    elif deed == "start":
        scene.start(name)
    elif deed == "leave" and name not in scene.dead:
        scene.leave(name)
    elif deed in ("stall", "flow"):
        scene.stalled = deed == "stall"
    elif deed in ("unreadable", "readable"):
        scene.unreadable = deed == "unreadable"
    elif deed == "restart":
        scene.restart()
