"""A share that was just mounted: slow is not dead, for the loop, for who starts one, for a rollout and the table."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import load_inventory
from roosync_ops.lab.fleet import LabFleet
from tests.kits.fuse import hurry
from tests.kits.hosts import wait_for
from tests.kits.product import ROOSYNC_OPS, Answer, roosync_ops

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS, NEW, OTHER = "myia-po-2025", "myia-po-2024", "myia-po-2023"
#: A touch is late by more than the agent's own deadline, `DEADLINE_S`, and by less than a look's on Windows; in s.
TOUCH_S, COLD_S, DEADLINE_S = 3.0, 9.0, 1.0

pytestmark = pytest.mark.fuse


@pytest.fixture(scope="module")
def lab() -> Iterator[LabFleet]:
    """One machine beats, the others wait to be enrolled; a share that is cold is so for COLD_S."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        hurry(monkeypatch, TOUCH_S, COLD_S)
        with LabFleet() as fleet:
            if fleet._machines[RUNS].nest.problem:
                pytest.skip(f"no mounts of one's own here: {fleet._machines[RUNS].nest.problem}")
            text = fleet.inventory.read_text().replace("offline_timeout=8000", "offline_timeout=40_000")
            patient = re.sub(rf'"{NEW}", port=\d+', r"\g<0>, share_deadline=30.0", text)
            hasty = re.sub(rf'"{RUNS}", port=\d+', rf"\g<0>, share_deadline={DEADLINE_S}", patient)
            assert hasty.count(", share_deadline=") == 2
            fleet.inventory.write_text(hasty)
            fleet.fleet = load_inventory(fleet.inventory)
            fleet.activate(RUNS)
            yield fleet


@pytest.fixture(autouse=True)
def _mended(lab: LabFleet) -> Iterator[None]:
    yield
    for machine, names in lab.faults().items():
        for name in names:
            lab.fault(name, machine, on=False)


def ops(lab: LabFleet, command: str, *words: str) -> Answer:
    return roosync_ops(command, "--inventory", lab.inventory, "--shared", lab.shared, *words)


def sequence(lab: LabFleet, name: str) -> int:
    path = lab.host(name).shared / "heartbeats" / f"{name}.json"
    return int(json.loads(path.read_bytes())["agent"]["sequence"]) if path.exists() else 0


def test_a_loop_whose_share_turns_cold_waits_for_it_and_beats_on(lab: LabFleet) -> None:
    before, loop = sequence(lab, RUNS), lab.agent(RUNS, "status")["startedAt"]
    lab.fault("cold", RUNS)
    told = wait_for("the share to be slow", lambda: _trouble(lab, RUNS))
    assert told["state"] == "hung"
    assert told["since"]
    wait_for("a beat", lambda: sequence(lab, RUNS) > before)
    wait_for("the share to be well", lambda: not _trouble(lab, RUNS))
    assert lab.agent(RUNS, "status")["startedAt"] == loop, "the same loop"


def test_start_on_a_cold_share_leaves_the_loop_and_says_since_when_it_waits(lab: LabFleet) -> None:
    lab.agent(RUNS, "stop")
    before = sequence(lab, RUNS)
    lab.fault("cold", RUNS)
    started = lab.agent(RUNS, "start")
    assert started["success"] is True
    assert started["result"]["share"]["state"] == "hung"
    assert f"depuis {started['result']['share']['since']}" in started["message"]
    wait_for("a beat of it", lambda: sequence(lab, RUNS) > before)
    assert lab.agent(RUNS, "status")["startedAt"] == started["result"]["startedAt"], "the same loop"


def test_a_rollout_within_the_deadline_of_a_look_goes_through_a_cold_share(lab: LabFleet) -> None:
    lab.fault("cold", NEW)
    done = ops(lab, "rollout", NEW)
    assert done.code == 0, done
    assert sequence(lab, NEW) > 0


def test_a_machine_whose_share_is_cold_is_late_at_most_in_the_table(lab: LabFleet) -> None:
    wait_for("a beat", lambda: sequence(lab, RUNS))
    lab.fault("cold", RUNS)
    until = time.monotonic() + COLD_S + 2 * TOUCH_S
    while time.monotonic() < until:
        assert _status(ops(lab, "validate", RUNS, "--json")) in ("online", "warning")
    wait_for("it to be online", lambda: _status(ops(lab, "validate", RUNS, "--json")) == "online")


def test_an_observer_whose_own_share_is_cold_waits_for_it_and_sees_everybody(lab: LabFleet) -> None:
    wait_for("a beat", lambda: sequence(lab, RUNS))
    host = lab.host(OTHER)
    lab.fault("cold", OTHER)
    where = ["--inventory", str(lab.inventory), "--shared", str(host.shared)]
    began = time.monotonic()
    done = host.run([str(ROOSYNC_OPS), "validate", RUNS, "--json", "--deadline", "30", *where])
    assert time.monotonic() - began >= TOUCH_S
    assert _status(Answer(done.code or 0, done.out.decode(), done.err.decode(), 0)) == "online"


def _status(told: Answer) -> str:
    (row,) = told.document["machines"]
    return str(row["observed"])


def _trouble(lab: LabFleet, name: str) -> dict[str, str] | None:
    share: dict[str, str] = lab.agent(name, "status")["share"]
    return None if share["state"] == "ok" else share
