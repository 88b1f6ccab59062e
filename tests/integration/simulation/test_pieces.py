"""What the simulation's figures rest on: fast paths that change nothing, and counts that say what they count."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from roosync_ops.judge import verdict
from roosync_ops.lab.replica import File, FolderReplica
from tests.benchmarks.false_offline import seeds
from tests.simulation import world
from tests.simulation.replica import RamReplica
from tests.simulation.report import HEAD, rows
from tests.simulation.schedule import CRASH, POWER_CUT, episodes
from tests.simulation.score import TIMEOUT_S, Score
from tests.simulation.truth import Life
from tests.simulation.world import OURS, Outcome, Plan, simulate

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_remembered_changes_nothing_that_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(1.5, 5)
    fast = simulate(OURS, plan)
    monkeypatch.setattr(world, "remembered", nullcontext)
    plain = simulate(OURS, plan)
    assert (fast.scores, fast.beats, fast.lost) == (plain.scores, plain.beats, plain.lost)


def test_a_replica_that_is_told_what_was_written_shows_what_one_that_looks_does(tmp_path: Path) -> None:
    ram, looks = RamReplica(tmp_path), FolderReplica(tmp_path)
    ram.deliver("heartbeats/a.json", File(b"one", 1))
    assert ram.scan() == looks.scan()
    (tmp_path / "heartbeats" / "b.json").write_bytes(b"two")
    (tmp_path / "heartbeats" / "a.json").unlink()
    ram.touched("heartbeats/b.json", "heartbeats/a.json")
    assert not ram.is_noticed
    assert ram.scan() == looks.scan()
    assert ram.stamp("heartbeats/a.json") is None
    (tmp_path / "heartbeat.json").write_bytes(b"three")
    ram.touched()
    assert ram.scan() == looks.scan()
    assert ram.read("heartbeat.json") == looks.read("heartbeat.json")
    assert ram.read("none.json") is None


def dead() -> tuple[Score, dict[str, Life]]:
    """A score of one machine that was online and died at 0 s."""
    life = Life("m", 0)
    score = Score("r", 15.0)
    score.judge({"m": "online"}, {"m": life}, -15.0, {})
    score.died("m", 0.0)
    return score, {"m": life}


@pytest.mark.parametrize(
    ("at", "kind", "silently"),
    [
        pytest.param(TIMEOUT_S + 15, verdict.CLOCK_SUSPECTED, 0, id="the clock was named"),
        pytest.param(TIMEOUT_S + 15, None, 1, id="nothing was said"),
        pytest.param(TIMEOUT_S + 15, verdict.MISSING_BEATS, 1, id="something else was said"),
        pytest.param(TIMEOUT_S, verdict.CLOCK_SUSPECTED, 1, id="only while nobody could know yet"),
    ],
)
def test_a_missed_death_is_missed_silently_unless_the_reader_named_the_clock_meanwhile(
    at: float, kind: str | None, silently: int
) -> None:
    score, lives = dead()
    score.judge({"m": "online"}, lives, at, {}, lambda _name: kind)
    score.came_back("m")
    assert (len(score.missed), score.silently_missed) == (1, silently)


def test_a_death_that_was_told_is_not_missed() -> None:
    score, lives = dead()
    score.judge({"m": "offline"}, lives, 150.0, {})
    score.came_back("m")
    assert (score.missed, score.detections) == ([], [150.0])


def test_seeds_are_added_up_and_their_range_is_told() -> None:
    def outcome(seed: int, detected: list[float], wrong_s: float) -> Outcome:
        score = Score("r", 15.0, wrong_s=wrong_s, judged_s=1000.0, detections=detected, deaths=len(detected))
        return Outcome(OURS, Plan(1, seed), [score], [], 0, 0, 1.0)

    row = rows([outcome(1, [100.0], 0.0), outcome(2, [110.0, 120.0], 20.0)])
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == HEAD.splitlines()[0].count("|") - 1
    assert (cells[4], cells[5], cells[9]) == ("1.00 % (0.00 to 2.00)", "3", "110 s / 120 s")


def test_seeds_are_read_as_typed() -> None:
    assert seeds("1,2,3") == (1, 2, 3)
    with pytest.raises(ValueError, match="invalid literal"):
        seeds("1,")


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_no_death_is_so_short_that_nobody_could_tell_it(seed: int) -> None:
    deaths = [one for one in episodes(48, seed, with_faults=False) if one.kind in (POWER_CUT, CRASH)]
    assert len(deaths) > 10
    assert all(one.end - one.start >= 1200 for one in deaths)
