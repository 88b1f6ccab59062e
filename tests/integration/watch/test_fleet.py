"""Real agents in real processes, and what the watchers say when they are stopped, killed and started again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.cli.schedule.install import ScheduleSettings, save
from roosync_ops.gather.limits import Probe
from roosync_ops.lab.fleet import LabFleet
from roosync_ops.lab.play import Board
from tests.integration.watch.kit import Lines, environment
from tests.kits.hosts import wait_for
from tests.kits.sync import observed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE, OTHER, THIRD = "myia-po-2025", "myia-web1", "myia-po-2024"
#: Longer than a machine's silence can go untold: its offlineTimeout is 8 s here.
QUIET_S = 10.0


@pytest.fixture(scope="module")
def lab() -> Iterator[LabFleet]:
    """Three machines that beat, and three that were never heard of."""
    with LabFleet() as fleet:
        for name in (ONE, OTHER, THIRD):
            fleet.activate(name)
        board = Board(fleet)
        seen = board.wait(lambda now: [*observed(now).values()].count("online") == 3, 60)
        assert [*observed(seen).values()].count("online") == 3
        yield fleet


def _watch(lab: LabFleet, home: Path, *words: str | Path) -> Lines:
    """Return a watcher that has looked once: what it keeps is there."""
    watcher = Lines(home, "--shared", lab.shared, "--inventory", lab.inventory, "--interval", "0.5", *words)
    wait_for("its first look", lambda: list((home / "state").rglob("watch-*.json")))
    return watcher


def _events(*watchers: Lines) -> list[tuple[str | None, str, str]]:
    flips = [flip for watcher in watchers for flip in watcher.flips]
    return [(flip["machineId"], flip["from"], flip["to"]) for flip in sorted(flips, key=lambda flip: flip["at"])]


def test_each_event_is_told_once_by_two_watchers_and_their_next_lives(lab: LabFleet, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = tmp_path / "note"
    script.write_text(f'#!/bin/sh\necho "$ROOSYNC_FLIP_MACHINE $ROOSYNC_FLIP_TO" >> {log}\n')
    script.chmod(0o755)
    with _watch(lab, tmp_path, "--exec", script) as one, _watch(lab, tmp_path, "--exec", script) as two:
        time.sleep(QUIET_S)
        assert _events(one, two) == []
        lab.agent(ONE, "stop")
        wait_for("its leave", lambda: (ONE, "online", "left") in _events(one, two))
        lab.crash_agent(OTHER)
        assert one.end() == 0  # a watcher that ends in between
        with _watch(lab, tmp_path, "--exec", script) as three:
            wait_for("its death", lambda: (OTHER, "online", "offline") in _events(one, two, three))
            lab.agent(ONE, "start")
            lab.agent(OTHER, "start")
            wait_for("all four", lambda: len(_events(one, two, three)) >= 4)
            time.sleep(QUIET_S)
            assert two.end() == three.end() == 0
            told = _events(one, two, three)
    assert sorted(told, key=str) == [
        (ONE, "left", "online"),
        (ONE, "online", "left"),
        (OTHER, "offline", "online"),
        (OTHER, "online", "offline"),
    ]
    assert sorted(log.read_text().split("\n")) == sorted(
        ["", f"{ONE} left", f"{ONE} online", f"{OTHER} offline", f"{OTHER} online"]
    )


def test_a_kill_that_the_supervisor_mends_is_no_event(lab: LabFleet, tmp_path: Path) -> None:
    with _watch(lab, tmp_path) as watcher:
        time.sleep(2)
        lab.kill_agent(THIRD)
        time.sleep(QUIET_S)
        watcher.end()
        assert watcher.flips == []


def test_a_replica_that_stands_still_is_one_flip_about_the_share(lab: LabFleet, tmp_path: Path) -> None:
    with _watch(lab, tmp_path) as watcher:
        time.sleep(3)
        lab.sync.switch("admin", down=False)
        try:
            told = watcher.until(None, "suspect")
            time.sleep(QUIET_S)
        finally:
            lab.sync.switch("admin", down=True)
        watcher.until(None, "ok")
        time.sleep(QUIET_S)
        watcher.end()
        assert _events(watcher) == [(None, "ok", "suspect"), (None, "suspect", "ok")]
    assert told["reason"] in ("no-beat-of-anybody", "most-look-gone-at-once")
    assert json.dumps(told)


def test_a_scheduled_run_reads_on_until_a_death_is_proven(lab: LabFleet, tmp_path: Path) -> None:
    """Between two runs nobody looked: what one reading shows of it proves nothing."""
    kept = tmp_path / "kept"
    settings = ScheduleSettings.made(
        inventory=str(lab.inventory),
        shared=str(lab.shared),
        via=None,
        memory=str(kept),
        every_min=5,
        mechanism="cron",
        patience="0",
        lang="en",
        deadline=None,
        dashboard=False,
        dashboard_dir=None,
        probe=Probe.never,
        exec=[],
        notify=[],
    )
    save(kept / "schedule.json", settings.model_dump_json())
    line = [sys.executable, "-m", "roosync_ops", "schedule", "run", str(kept / "schedule.json")]

    def run() -> str:
        done = subprocess.run(line, capture_output=True, text=True, env=environment(tmp_path), check=False, timeout=120)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    # an agent that an earlier test has just started is not heard yet
    Board(lab).wait(lambda now: observed(now)[THIRD] == "online", 60)
    assert run() == ""
    lab.crash_agent(THIRD)
    try:
        Board(lab).wait(lambda now: observed(now)[THIRD] == "offline", 60)
        told = run()
        assert f"  {THIRD}  online -> offline  silent" in told
        assert len(told.splitlines()) == 1
        assert run() == ""
    finally:
        lab.agent(THIRD, "start")
