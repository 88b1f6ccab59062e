"""The schedule: at once, then without drift; after sleep, after a hang, through every trouble of the share."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.wire.times import from_iso, to_iso
from tests.kits.shares import NOW
from tests.kits.virtual_agent import Rig

S = 1_000_000_000


def run(rig: Rig, seconds: float) -> list[float]:
    """Let the loop go on for so long; return at which seconds it beat."""
    began = rig.clock.mono_ns
    beats: list[float] = []
    rig.clock.until_ns = began + round(seconds * S)
    while True:
        rig.loop.pause()
        if rig.clock.stopping():
            return beats
        beats.append((rig.clock.mono_ns - began) / S)
        rig.loop.step()


def test_the_first_beat_is_at_once_and_the_others_on_the_interval(rig: Rig) -> None:
    assert run(rig, 100) == [0, 30, 60, 90]


def test_run_beats_until_it_is_told_to_stop_and_says_how_often(rig: Rig) -> None:
    Path(rig.places.loop_lock).touch()
    rig.clock.until_ns = rig.clock.mono_ns + 61 * S
    rig.loop.run()
    assert rig.loop.beats == rig.sequence == 3


@pytest.mark.parametrize("gone", ["loop_lock", "journal"])
def test_a_loop_that_nobody_would_find_any_more_ends_to_be_begun_anew(rig: Rig, gone: str) -> None:
    Path(rig.places.loop_lock).touch()
    Path(getattr(rig.places, gone)).unlink()
    rig.loop.run()
    assert (rig.loop.beats, rig.clock.stopping()) == (1, False)


def slow(rig: Rig, *seconds: float) -> None:
    """Have the next touches of the share take so long, the last of them for ever after."""
    call, spent = rig.touch.call, list(seconds)

    def late(function: Callable[[], object], *about: Any) -> object:
        rig.clock.advance(spent.pop(0) if len(spent) > 1 else spent[0])
        return call(function, *about)

    rig.touch.call = late  # type: ignore[method-assign,assignment]


def test_slow_beats_do_not_move_the_ones_after_them(rig: Rig) -> None:
    slow(rig, 0.7)
    assert run(rig, 100) == [0, 30, 60, 90]


def test_a_beat_that_took_longer_than_the_interval_skips_what_it_missed(rig: Rig) -> None:
    slow(rig, 70, 0)
    assert run(rig, 130) == [0, 90, 120]


def test_a_machine_that_resumes_beats_within_seconds_and_returns_to_its_schedule(rig: Rig) -> None:
    run(rig, 40)
    rig.clock.suspend(8 * 3600)
    assert run(rig, 60) == [5, 20, 50]
    assert from_iso(rig.record()["lastHeartbeat"]) > NOW + 8 * 3_600_000


def test_a_windows_machine_that_resumes_beats_at_once(rig: Rig) -> None:
    """There the monotonic clock counts the sleep: the beat is overdue when the wait ends, and is not made up for."""
    run(rig, 40)
    rig.clock.advance(8 * 3600)
    assert run(rig, 60)[0] <= 5
    assert rig.sequence <= 5
    assert len(rig.record()["agent"]["upIntervals"]) == 2


def test_a_short_sleep_on_windows_is_no_gap(rig: Rig) -> None:
    run(rig, 40)
    rig.clock.advance(60)
    run(rig, 60)
    assert len(rig.record()["agent"]["upIntervals"]) == 1


def test_a_clock_that_is_set_all_the_time_floods_nothing(rig: Rig) -> None:
    wait = rig.clock.wait

    def jumpy(seconds: float) -> None:
        wait(seconds)
        rig.clock.suspend(3)

    rig.clock.wait = jumpy  # type: ignore[method-assign]
    assert len(run(rig, 300)) <= 21


@pytest.mark.parametrize(
    ("code", "word"), [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.ENOENT, "missing")]
)
def test_trouble_is_named_with_its_time_and_ends_with_the_first_good_moment(rig: Rig, code: int, word: str) -> None:
    run(rig, 31)
    rig.touch.fault = OSError(code, os.strerror(code), str(rig.shared))
    run(rig, 62)
    share = rig.notes()["share"]
    assert share["state"] == word
    assert share["since"] == to_iso(NOW + 60_000)
    assert str(rig.shared) in share["detail"]
    rig.touch.fault = None
    assert run(rig, 7)[0] <= 5
    assert rig.notes()["share"] == {"state": "ok", "since": None, "detail": None}
    assert rig.notes()["lastBeat"]["sequence"] == rig.sequence


def test_a_hang_that_ends_is_used_at_once(rig: Rig) -> None:
    run(rig, 1)
    rig.touch.stuck = True
    run(rig, 60)
    assert rig.notes()["share"]["state"] == "hung"
    rig.clock.until_ns = None
    rig.loop.step()
    wait, ended = rig.clock.wait, rig.clock.mono_ns + 2 * S

    def ends(seconds: float) -> None:
        wait(seconds)
        rig.touch.stuck = rig.clock.mono_ns < ended

    rig.clock.wait = ends  # type: ignore[method-assign]
    rig.loop.pause()
    assert rig.clock.mono_ns - ended <= S // 2
    rig.loop.step()
    assert rig.notes()["share"]["state"] == "ok"


def test_a_share_that_vanishes_is_not_recreated_and_is_used_when_it_is_back(rig: Rig) -> None:
    run(rig, 1)
    away = rig.shared.with_name("away")
    rig.shared.rename(away)
    run(rig, 60)
    assert not rig.shared.exists()
    assert rig.notes()["share"]["state"] == "missing"
    away.rename(rig.shared)
    run(rig, 6)
    assert rig.notes()["share"]["state"] == "ok"
    assert rig.sequence > 1


def test_a_stuck_view_is_the_shares_trouble_and_a_refused_one_is_a_detail(rig: Rig) -> None:
    call = rig.touch.call

    def refuse(function: Callable[[], object], *about: Any) -> object:
        if about[0] == "writing the view":
            raise PermissionError(errno.EACCES, "denied", str(rig.view_path))
        return call(function, *about)

    rig.touch.call = refuse  # type: ignore[method-assign,assignment]
    run(rig, 1)
    assert rig.sequence == 1
    assert rig.notes()["share"]["state"] == "ok"
    assert "denied" in rig.notes()["share"]["detail"]
