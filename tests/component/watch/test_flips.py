"""Status becomes flips: once per event, with its reason, and never for the wrong one."""

from __future__ import annotations

import json

import pytest

from roosync_ops.judge import flip as f
from roosync_ops.judge import verdict as v
from roosync_ops.judge.flip import FlipRow, Remembered
from roosync_ops.judge.flips import FLAP_COUNT, STEADY_MS, Flips
from tests.kits.shares import NOW
from tests.unit.watch.scene import Scene, words


@pytest.fixture
def scene() -> Scene:
    """Six machines that have been beating, and been watched, for ten minutes."""
    scene = Scene()
    assert scene.run(600) == []
    return scene


def test_a_death_is_told_once_with_its_reason(scene: Scene) -> None:
    scene.dead.add("a")
    (told,) = scene.run(4 * 3600)
    assert (told.machine_id, told.was, told.to, told.reason) == ("a", "online", "offline", f.SILENT)
    assert not told.planned
    assert not told.flapping


def test_a_death_is_told_within_one_timeout_and_a_little(scene: Scene) -> None:
    scene.dead.add("a")
    (told,) = scene.run(600)
    assert told.heard_ms is not None
    assert 120_000 < told.at_ms - told.heard_ms <= 135_000


def test_the_return_is_told_once(scene: Scene) -> None:
    scene.dead.add("a")
    scene.run(600)
    scene.start("a")
    (told,) = scene.run(3600)
    assert (told.was, told.to, told.reason) == ("offline", "online", f.BEATS_AGAIN)


def test_a_planned_stop_is_left_and_never_offline(scene: Scene) -> None:
    scene.leave("b")
    (told,) = scene.run(24 * 3600)
    assert (told.machine_id, told.to, told.reason, told.planned) == ("b", "left", f.STOPPED, True)
    scene.start("b")
    (told,) = scene.run(3600)
    assert (told.was, told.to, told.reason, told.planned) == ("left", "online", f.STARTED_AGAIN, True)


def test_a_machine_that_came_back_from_its_stop_unseen_and_died_is_offline(scene: Scene) -> None:
    scene.leave("b")
    scene.run(600)
    scene.start("b")
    scene.dead.add("b")
    scene.now += 3600_000
    (told,) = scene.run(1200)
    assert words([told]) == [("b", "left", "offline")]


def test_a_new_machine_is_told_at_its_first_beat(scene: Scene) -> None:
    scene.names = (*scene.names, "g")
    assert scene.run(60) == []
    scene.truth["g"] = (1, scene.now, False)
    (told,) = scene.run(3600)
    assert (told.machine_id, told.was, told.to, told.reason) == ("g", "unknown", "online", f.FIRST_BEAT)


def test_missed_beats_alone_are_no_flip(scene: Scene) -> None:
    scene.dead.add("a")
    assert scene.run(100) == []
    scene.start("a")
    assert scene.run(600) == []


def test_the_first_look_tells_nothing_whatever_it_shows() -> None:
    rows = [
        FlipRow("a", "online", NOW, 3),
        FlipRow("b", "offline", 5, 3),
        FlipRow("c", "left", 5, 4),
        FlipRow("d", "unknown"),
    ]
    flips = Flips()
    assert flips.step(rows, NOW) == []
    assert flips.step(rows, NOW) == []


def test_a_restart_tells_nothing_and_goes_on_where_it_was(scene: Scene) -> None:
    scene.dead.add("a")
    for _ in range(40):
        scene.run(15)
        scene.restart()
    assert words(scene.log) == [("a", "online", "offline")]


def test_what_happened_while_nobody_watched_is_told_once_by_the_next_watcher(scene: Scene) -> None:
    scene.dead.add("a")
    scene.leave("b")
    scene.restart()
    scene.now += 8 * 3600_000
    for name in "cdef":
        scene.start(name)
    assert sorted(words(scene.run(3600))) == [("a", "online", "offline"), ("b", "online", "left")]


@pytest.mark.parametrize("asks", [False, True], ids=["the share alone", "machines answer when asked"])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_share_that_falls_silent_is_one_flip_about_the_share(scene: Scene, asks: bool, restarts: bool) -> None:
    scene.stalled, scene.asks = True, asks
    if restarts:
        assert scene.run(60) == []
        scene.restart()
    (told,) = scene.run(12 * 3600)
    assert (told.machine_id, told.to, told.reason) == (None, f.SUSPECT, f.SHARE_SILENT)
    scene.stalled = False
    assert words(scene.run(3600)) == [(None, f.SUSPECT, f.OK)]


def test_who_died_while_the_share_was_silent_is_told_when_it_is_back(scene: Scene) -> None:
    scene.stalled = True
    scene.run(1800)
    scene.dead.add("a")
    scene.leave("b")
    scene.run(1800)
    scene.stalled = False
    assert words(scene.run(3600)) == [(None, "suspect", "ok"), ("b", "online", "left"), ("a", "online", "offline")]


@pytest.mark.parametrize("seconds", [30, 60, 85, 100, 115, 125, 140, 300])
def test_a_stall_of_any_length_accuses_no_machine_when_the_files_come_back_one_by_one(
    scene: Scene, seconds: int
) -> None:
    scene.stalled = True
    scene.run(seconds)
    for name in scene.names:  # each file 10 s after the other
        scene.run(10)
        scene.replica[name] = scene.truth[name]
    scene.stalled = False
    scene.run(600)
    assert [flip for flip in scene.log if flip.machine_id is not None] == []


def test_the_observers_own_beats_prove_nothing_about_the_share() -> None:
    scene = Scene(observer="a")
    scene.run(600)
    scene.stalled = True
    for _ in range(200):
        scene.run(5)
        scene.replica["a"] = scene.truth["a"]
    assert words(scene.log) == [(None, "ok", "suspect")]


def test_a_share_that_cannot_be_read_is_told_once_and_a_moments_trouble_never(scene: Scene) -> None:
    scene.unreadable = True
    assert scene.run(20) == []
    scene.unreadable = False
    assert scene.run(600) == []
    scene.unreadable = True
    (told,) = scene.run(3600)
    assert (told.machine_id, told.to, told.reason) == (None, f.UNAVAILABLE, f.SHARE_UNAVAILABLE)
    scene.unreadable = False
    assert words(scene.run(3600)) == [(None, "unavailable", "ok")]


@pytest.mark.parametrize("doubt", [v.Doubt.OBSERVER, v.Doubt.SIGHT])
def test_silence_in_doubt_is_never_offline(scene: Scene, doubt: str) -> None:
    scene.dead.add("a")
    scene.doubt["a"] = doubt
    scene.run(3600)
    assert [flip for flip in scene.log if flip.to == "offline"] == []


def test_a_record_that_vanishes_is_unknown_and_never_offline(scene: Scene) -> None:
    scene.hidden.add("a")
    assert scene.run(60) == []
    (told,) = scene.run(3600)
    assert (told.machine_id, told.to, told.reason) == ("a", "unknown", f.RECORD_GONE)
    scene.hidden.clear()
    (told,) = scene.run(600)
    assert (told.was, told.to, told.reason) == ("unknown", "online", f.BEATS_AGAIN)


def test_the_only_machine_is_told_with_the_word_that_nobody_could_vouch_for_the_share() -> None:
    scene = Scene(("a",))
    scene.run(600)
    scene.dead.add("a")
    (told,) = scene.run(3600)
    assert (told.to, told.reason) == ("offline", f.SILENT_ALONE)


def test_a_machine_that_comes_and_goes_is_named_flapping_once_and_told_when_it_settles(scene: Scene) -> None:
    for _ in range(6):
        scene.dead.add("a")
        scene.run(180)
        scene.start("a")
        scene.run(60)
    assert len(scene.log) == FLAP_COUNT
    assert [flip.flapping for flip in scene.log] == [False] * (FLAP_COUNT - 1) + [True]
    assert scene.log[-1].reason == f.FLAPPING
    (settled,) = scene.run(3600)
    assert (settled.was, settled.to, settled.reason) == ("flapping", "online", f.SETTLED)
    assert settled.at_ms - scene.log[FLAP_COUNT - 1].at_ms >= STEADY_MS


def test_a_planned_stop_ends_the_flapping(scene: Scene) -> None:
    for _ in range(4):
        scene.dead.add("a")
        scene.run(180)
        scene.start("a")
        scene.run(60)
    scene.leave("a")
    assert words(scene.run(3600)) == [("a", "online", "left")]


def test_a_share_that_comes_and_goes_is_flapping_too(scene: Scene) -> None:
    for _ in range(8):
        scene.unreadable = True
        scene.run(60)
        scene.unreadable = False
        scene.run(60)
    assert len(scene.log) == FLAP_COUNT
    assert scene.log[-1].flapping


def test_old_copies_that_come_back_are_no_life_and_no_event(scene: Scene) -> None:
    old = dict(scene.replica)
    scene.run(60)
    scene.leave("b")
    scene.dead.add("a")
    scene.run(600)
    told = len(scene.log)
    scene.replica.update({name: old[name] for name in "ab"})
    flips = scene.flips.step([FlipRow(name, "online", old[name][1], old[name][0]) for name in "ab"], scene.now + 5000)
    assert flips == []
    scene.run(600)
    assert len(scene.log) == told


def test_an_agent_put_there_anew_counts_from_one_and_is_seen(scene: Scene) -> None:
    scene.leave("b")
    scene.run(600)
    scene.truth["b"] = (1, scene.now, False)
    assert words(scene.run(600)) == [("b", "left", "online")]


def test_the_watchers_clock_may_be_put_back_an_hour(scene: Scene) -> None:
    scene.now -= 3600_000
    for name, (sequence, heard, left) in scene.truth.items():
        scene.truth[name] = (sequence, heard - 3600_000, left)
    assert scene.run(600) == []
    scene.dead.add("a")
    assert words(scene.run(600)) == [("a", "online", "offline")]


def test_the_watchers_clock_may_be_put_forward_an_hour_while_records_stay_behind() -> None:
    """Every record looks an hour old, and all are moving: nobody is offline."""
    flips, told = Flips(), []
    for at in range(0, 3600_000, 5000):
        word, step = ("online", 0) if at < 600_000 else ("offline", 3600_000)
        rows = [FlipRow(name, word, NOW + at // 30_000 * 30_000, 1 + at // 30_000) for name in "abc"]
        told += flips.step(rows, NOW + at + step)
    assert told == []


def test_a_late_reading_is_passed_over(scene: Scene) -> None:
    early = scene.rows()
    scene.leave("a")
    assert len(scene.run(10)) == 1
    assert scene.flips.step(early, scene.now - 5000) == []


def test_doubles_of_a_machine_in_one_reading_are_one(scene: Scene) -> None:
    scene.dead.add("a")
    scene.run(600)
    rows = scene.rows()
    assert scene.flips.step([*rows, *rows, FlipRow("a", "online", 5, 0)], scene.now + 5000) == []


@pytest.mark.parametrize(
    "memory",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param({"machines": {"a": {"told": "dead"}, "b": 3}, "at": "x", "share": []}, id="wrong values"),
        pytest.param({"machines": []}, id="wrong shape"),
    ],
)
def test_a_memory_that_is_not_understood_is_a_first_look(memory: object) -> None:
    flips = Flips(None, Remembered.from_dict(memory))
    assert flips.step([FlipRow("a", "online", NOW, 3), FlipRow("b", "offline", 5, 3)], NOW) == []


def test_the_memory_is_json(scene: Scene) -> None:
    scene.dead.add("a")
    scene.run(600)
    memory = scene.flips.kept.as_dict()
    assert Remembered.from_dict(json.loads(json.dumps(memory))).as_dict() == memory


def test_a_flip_as_json_names_its_machine_and_times(scene: Scene) -> None:
    scene.leave("b")
    (told,) = scene.run(60)
    document = told.as_dict()
    assert document["machineId"] == "b"
    assert (document["from"], document["to"], document["planned"]) == ("online", "left", True)
    assert document["at"].endswith("Z")
