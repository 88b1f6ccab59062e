"""Faults in a fleet that runs: what the agent says of its share, what the admin's table says, and how it all ends."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.lab.console import answer
from roosync_ops.lab.control import answering
from roosync_ops.lab.faults import LabError
from roosync_ops.lab.fleet import ADMIN, LabFleet
from roosync_ops.lab.play import Board
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.sync import observed

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, OFF = "myia-po-2025", "myia-ai-01"


@pytest.fixture(scope="module")
def running() -> Iterator[LabFleet]:
    """A fleet with one agent, seen online, which a second terminal can reach."""
    with LabFleet() as fleet, answering(fleet.root, lambda request: answer(fleet, request)):
        fleet.activate(ONE)
        assert _seen(fleet, "online")
        yield fleet


@pytest.fixture(autouse=True)
def _mended(running: LabFleet) -> Iterator[None]:
    yield
    for machine, names in running.faults().items():
        for name in names:
            running.fault(name, machine, on=False)


def _seen(fleet: LabFleet, status: str) -> bool:
    board = Board(fleet)
    return observed(board.wait(lambda seen: observed(seen)[ONE] == status, PATIENCE_S))[ONE] == status


def _share(fleet: LabFleet) -> object:
    """What the agent itself says of its share."""
    return fleet.agent(ONE, "status")["share"]["state"]


def _second_terminal(fleet: LabFleet, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "roosync_ops", "lab", "fault", *words, "--lab", str(fleet.root), "--json"]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["ok"] == (done.returncode == 0)
    return document


@pytest.mark.mounts
@pytest.mark.parametrize(
    ("fault", "state"),
    [
        pytest.param("hang", "hung", marks=pytest.mark.fuse),
        ("full", "full"),
        ("read-only", "read-only"),
        ("unmounted", "missing"),
    ],
)
def test_an_agent_whose_share_fails_says_how_and_beats_again_when_it_ends(
    running: LabFleet, fault: str, state: str
) -> None:
    assert running.fault(fault, ONE)
    wait_for(f"the share to be {state}", lambda: _share(running) == state)
    assert running.fault(fault, ONE, on=False)
    wait_for("the share to be well", lambda: _share(running) == "ok")
    assert _seen(running, "online")


def test_the_admins_own_replica_can_be_the_stale_one(running: LabFleet) -> None:
    assert _second_terminal(running, "download-stall", "admin")["changed"]
    assert _seen(running, "offline")
    assert _share(running) == "ok"
    assert _second_terminal(running)["active"] == {ADMIN: ["download-stall"]}
    assert "is over" in _second_terminal(running, "download-stall", "admin", "--off")["said"]
    assert _seen(running, "online")


def test_a_second_terminal_names_a_machine_by_a_part_and_hears_what_cannot_be(running: LabFleet) -> None:
    assert _second_terminal(running, "slow", "2025")["machine"] == ONE
    assert not _second_terminal(running, "slow", "2025")["changed"]
    refused = _second_terminal(running, "rust", "2025")
    assert "'rust' is no fault" in refused["error"]["message"]
    assert "may be" in _second_terminal(running, "slow", "po")["error"]["message"]


@pytest.mark.parametrize(
    ("first", "machine", "problem"),
    [
        pytest.param("unmounted", OFF, "under unmounted already", id="two at once"),
        pytest.param(None, ADMIN, "your own shell", id="the operator's own mounts"),
    ],
)
def test_what_cannot_be_put_under_a_share_is_said(
    running: LabFleet, first: str | None, machine: str, problem: str
) -> None:
    if first:
        running.fault(first, machine)
    with pytest.raises(LabError, match=problem) as told:
        running.fault("hang", machine)
    ends = f"roosync-ops lab fault {first} {machine} --off --lab {running.root}"
    assert told.value.hint == (ends if first else LabError.hint)
    if first:
        assert answer(running, {"fault": "hang", "machine": machine})["hint"] == ends
    assert running.faults().get(machine, []) == ([first] if first else [])


def test_where_mounts_are_not_allowed_one_error_says_what_it_takes(
    running: LabFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running._machines[OFF].nest, "problem", "unshare: Operation not permitted")
    with pytest.raises(LabError, match=r"hang cannot be caused here: unshare: Operation not permitted; it takes Linux"):
        running.fault("hang", OFF)


@pytest.mark.mounts
@pytest.mark.fuse
def test_a_machine_that_hangs_can_be_switched_off_and_on(running: LabFleet) -> None:
    running.fault("hang", ONE)
    wait_for("the share to hang", lambda: _share(running) == "hung")
    running.power_off(ONE)
    assert running.processes(ONE) == []
    running.fault("hang", ONE, on=False)
    running.power_on(ONE)
    assert _seen(running, "online")
