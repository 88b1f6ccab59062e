"""What a person does to the fleet, with real agents in real processes, as the admin's table shows it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab.faults import LabError
from roosync_ops.lab.fleet import LabFleet
from roosync_ops.lab.play import Board
from roosync_ops.lab.scenario import HEARTBEAT_INTERVAL_MS
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.sync import observed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ONE, OTHER, OFF = "myia-po-2025", "myia-web1", "myia-ai-01"


@pytest.fixture(scope="module")
def running() -> Iterator[LabFleet]:
    """A fleet with two agents, both seen online."""
    with LabFleet() as fleet:
        for name in (ONE, OTHER):
            fleet.activate(name)
        assert _seen(fleet, ONE, "online")
        assert _seen(fleet, OTHER, "online")
        yield fleet


def _seen(fleet: LabFleet, name: str, status: str, seconds: float = PATIENCE_S) -> bool:
    board = Board(fleet)
    return observed(board.wait(lambda validation: observed(validation)[name] == status, seconds))[name] == status


def _holds(folder: Path, *names: str) -> bool:
    return all((folder / name).exists() for name in names)


def _pid(fleet: LabFleet, name: str) -> object:
    return fleet.agent(name, "status").get("pid")


def test_no_agent_of_the_lab_is_anybodys_unit(running: LabFleet) -> None:
    status = running.agent(ONE, "status")
    assert status["supervised"] == "process"
    assert status["permanence"]["kind"] == "process"
    assert status["localDir"].startswith(str(running.root))


def test_a_killed_agent_is_brought_back_by_its_supervisor(running: LabFleet) -> None:
    killed = running.kill_agent(ONE)
    wait_for("another agent", lambda: _pid(running, ONE) not in (None, killed))
    assert _seen(running, ONE, "online")


def test_a_killed_agent_and_supervisor_stay_away_and_the_table_says_offline(running: LabFleet) -> None:
    running.crash_agent(ONE)
    assert _seen(running, ONE, "offline")
    assert running.processes(ONE) == []
    assert running.processes(OTHER) != []
    running.agent(ONE, "start")
    assert _seen(running, ONE, "online")


def test_an_agent_that_is_stopped_has_left_and_is_not_offline(running: LabFleet) -> None:
    running.agent(ONE, "stop")
    assert _seen(running, ONE, "left")
    running.agent(ONE, "start")
    assert _seen(running, ONE, "online")


def test_a_machine_without_power_goes_offline_and_comes_back_with_its_agent(running: LabFleet) -> None:
    running.power_off(ONE)
    assert running.processes(ONE) == []
    assert _seen(running, ONE, "offline")
    running.power_on(ONE)
    assert _seen(running, ONE, "online")


def test_the_uploads_of_a_machine_can_stall_while_its_agent_is_well(running: LabFleet) -> None:
    """The seam for nastier faults: the agent cannot tell, the others can."""
    running.sync.switch(OTHER, up=False)
    assert _seen(running, OTHER, "offline")
    beat = running.agent(OTHER, "status")["lastBeat"]
    assert beat["readBack"]
    assert beat["sequence"] > 1
    running.sync.switch(OTHER, up=True)
    assert _seen(running, OTHER, "online")


def test_every_replica_shows_every_machine(running: LabFleet) -> None:
    folders = [running.shared, *(running.host(name).shared for name in running.names if running.is_on(name))]
    for folder in folders:
        wait_for("both records", functools.partial(_holds, folder / "heartbeats", f"{ONE}.json", f"{OTHER}.json"))
        record = json.loads((folder / "heartbeats" / f"{ONE}.json").read_text())
        assert record["agent"]["heartbeatInterval"] == HEARTBEAT_INTERVAL_MS


@pytest.mark.parametrize(
    ("deed", "problem"),
    [
        pytest.param(lambda lab: lab.agent(ONE, "start"), "déjà démarré", id="a second start"),
        pytest.param(lambda lab: lab.agent(OFF, "start"), "switched off", id="a machine that is off"),
        pytest.param(lambda lab: lab.power_off(OFF), "off already", id="off twice"),
        pytest.param(lambda lab: lab.power_on(ONE), "on already", id="on twice"),
        pytest.param(lambda lab: lab.kill_agent("myia-po-2023"), "no agent", id="no agent there"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    running: LabFleet, deed: Callable[[LabFleet], object], problem: str
) -> None:
    with pytest.raises(LabError, match=problem):
        deed(running)
