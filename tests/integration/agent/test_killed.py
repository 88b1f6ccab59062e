"""SIGKILL at any instant leaves the old file or the new one, and the sequence never goes back."""

import json
import random
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from roosync_ops.agent.journal import read
from tests.kits.agent_process import Agent, alive
from tests.kits.hosts import PATIENCE_S, child_process, wait_for

KILLS = 300
#: Forks children that beat without a pause, each killed at a random instant of its first beats, however long those take
#: on this computer now: the lives before say. Says when each is dead, and waits to be told to go on.
DRIVER = """
import os, random, sys, time
sys.path.insert(0, {pyz!r})
from roosync_ops.agent.config import Config
from roosync_ops.agent.publisher import publisher_of
from roosync_ops.agent.view_writer import ViewWriter
from roosync_ops.agent.local_state import prepare
from roosync_ops.wire.times import now_ms
config = Config("m1", {shared!r}, {local!r})
places = prepare(config)
dice = random.Random({seed})
beaten, beat = os.pipe()
life = 0.02
for number in range({kills}):
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        publisher = publisher_of(config, places, now_ms())
        keeper = ViewWriter(publisher)
        is_asked = not number % 10
        while True:
            now = now_ms()
            publisher.attempt(lambda: (publisher.beat(now), keeper.tend(now)), now)
            if is_asked:
                os.write(beat, b"x")
                is_asked = False
    if not number % 10:
        os.read(beaten, 1)
        life = time.monotonic() - began
    time.sleep(dice.uniform(0.0, 2.0) * life)
    os.kill(child, 9)
    os.waitpid(child, 0)
    print(number, flush=True)
    sys.stdin.readline()
"""


def test_killed_three_hundred_times_at_random_instants_no_file_is_broken_and_no_count_goes_back(
    agent: Agent, pyz: Path
) -> None:
    code = DRIVER.format(pyz=str(pyz), shared=str(agent.shared), local=str(agent.local), seed=11, kills=KILLS)
    highest, moved = 0, 0
    with child_process(
        [sys.executable, "-I", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        for _ in range(KILLS):
            assert driver.stdout.readline()
            sequence = agent.sequence()
            assert sequence >= highest
            moved += sequence > highest
            highest = sequence
            if (agent.shared / "heartbeat.json").exists():
                assert "m1" in json.loads((agent.shared / "heartbeat.json").read_bytes())["heartbeats"]
            if agent.own.exists():
                # Killed between the share and the journal, the journal is behind; the next life reads both.
                assert read(str(agent.folder / "journal")).get("sequence", 0) <= sequence
            left = {path.name for path in agent.shared.rglob("*")} - {"heartbeats", "m1.json", "heartbeat.json"}
            assert left <= {".m1.tmp", ".heartbeat.m1.tmp"}
            driver.stdin.write("\n")
            driver.stdin.flush()
    assert moved > KILLS / 3, "the children were killed before they could beat"
    agent("register")
    assert agent.sequence() == highest + 1
    assert {path.name for path in agent.shared.rglob(".*.tmp")} <= {".heartbeat.m1.tmp"}


def test_killed_run_after_run_the_next_one_goes_on(agent: Agent) -> None:
    dice, highest = random.Random(5), 0  # noqa: S311 - when to kill, not a secret
    for number in range(12):
        run = agent.run("--heartbeat-interval", "5", "--offline-timeout", "1000")
        if number % 3:  # else while it starts
            wait_for("a beat of this life", partial(_is_past, agent, highest))
        time.sleep(dice.uniform(0.0, 0.2))
        run.kill()
        run.communicate()
        assert agent.sequence() >= highest
        highest = agent.sequence()
    assert highest > 12
    assert agent("status")["ownFile"]["rewrites"] == 0


def _is_past(agent: Agent, sequence: int) -> bool:
    return agent.sequence() > sequence


def test_a_loop_whose_local_folder_was_removed_makes_it_again_beats_on_and_is_stopped(agent: Agent) -> None:
    """As a rollout leaves it: what it is to do stands in the folder alone, and is gone with it."""
    agent.local.mkdir(mode=0o700)
    told = {"machineId": "m1", "shared": str(agent.shared), "heartbeatInterval": 200, "offlineTimeout": 2000}
    (agent.local / "config.json").write_text(json.dumps({**told, "shareDeadline": 1}))
    subprocess.run([*agent.line("start")[:3], "--local-dir", str(agent.local)], check=True, timeout=PATIENCE_S)
    pid, number = agent("status")["pid"], agent.sequence()
    shutil.rmtree(agent.local)
    wait_for("beats, and a folder to find the loop by", lambda: agent.sequence() > number + 5)
    assert agent("status")["pid"] == pid
    assert agent("stop")["result"]["stateSaved"] is True
    assert not alive(pid)
    assert agent.record()["agent"]["state"] == "left"


def _pid_told(agent: Agent) -> object:
    """Return the loop that `status` tells of, None where it cannot."""
    told = subprocess.run(agent.line("status"), capture_output=True, check=False, timeout=PATIENCE_S).stdout
    return json.loads(told).get("pid")


@pytest.mark.parametrize("name", ["loop.lock", "write.lock", "journal"])
@pytest.mark.parametrize("put", ["a folder", "a full folder", "a link", "another file"])
def test_whatever_is_put_in_the_place_of_a_loops_local_file_it_beats_on_is_found_and_is_stopped(
    agent: Agent, name: str, put: str
) -> None:
    agent("start", "--heartbeat-interval", "200", "--offline-timeout", "2000")
    pid, number = agent("status")["pid"], agent.sequence()
    place = agent.folder / name
    for _ in range(2):
        place.rename(agent.folder / "before")
        if put == "a link":
            place.symlink_to("nowhere")
        elif put == "another file":
            place.touch()
        else:
            place.mkdir()
            if put == "a full folder":
                (place / "kept").touch()
        wait_for("beats", partial(_is_past, agent, number + 5))
        wait_for("a loop that is found", lambda: _pid_told(agent) == pid)
        number = agent.sequence()
    assert len(list(agent.folder.rglob("kept"))) == (2 if put == "a full folder" else 0)
    assert agent("stop")["result"]["stateSaved"] is True
    assert not alive(pid)
