"""A machine behind a real OpenSSH server, changed by an assistant in two steps, and never otherwise."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.mcp.desk import ServerSettings
from tests.capabilities import need
from tests.kits.assistant import Assistant
from tests.kits.hosts import free_ports, wait_for
from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE, OFF = "myia-po-2024", "myia-ai-01"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    need("sshd")
    with Fleet(tmp_path, (ONE,)) as fleet:
        yield fleet


@pytest.fixture
def assistant(fleet: Fleet, tmp_path: Path) -> Assistant:
    ssh = {"ssh_known_hosts_file": str(fleet.known_hosts), "ssh_allow_agent": False}
    dead = {"host": "127.0.0.1", "port": free_ports(1)[0], "expected": "offline", "ssh": ssh}
    inventory = fleet.inventory(
        tmp_path / "inventory.py",
        extra=f"off = [machine({OFF!r}, **{dead!r})]",
        heartbeat_interval=500,
        offline_timeout=6_000,
    )
    return Assistant(ServerSettings(inventory, str(fleet.shared), allow_changes=True, memory=tmp_path / "memory"))


def supervisor(fleet: Fleet) -> int:
    (file,) = fleet[ONE].local_dir.glob(f"{ONE}-*/supervisor")
    return int(file.read_text().split()[0])


def agents(fleet: Fleet) -> list[int]:
    """Return the processes of the machine's agent: its supervisor and its loop."""
    group = os.getpgid(supervisor(fleet))
    return [pid for pid in fleet.sessions() if os.getpgid(pid) == group]


def planned(assistant: Assistant, action: str, *machines: str) -> Any:
    return assistant.document("roosync_plan_change", action=action, machines=list(machines) or None)


def test_an_assistant_changes_what_was_planned_and_only_while_it_is_so(assistant: Assistant, fleet: Fleet) -> None:
    plan = planned(assistant, "rollout")
    assert plan["machines"] == [ONE]
    assert not list(fleet.shared.rglob("*.json"))
    done = assistant.document("roosync_apply_change", token=plan["token"])
    assert done["success"] is True
    assert [row["outcome"] for row in done["result"]["machines"]] == ["changed"]
    assert assistant.document("roosync_validate", probe=True)["evidence"]["machines"][0]["machineId"] == ONE
    matrix = assistant.document("roosync_who_sees_whom")
    assert {row["observer"] for row in matrix["observers"]} == {None, ONE}
    board = assistant.document("roosync_refresh_dashboard", baseline=ONE)
    assert os.path.isfile(board["dashboardPath"])  # noqa: PTH113 - a text, as it is shown
    assert board["baseline"] == ONE

    for pid in agents(fleet):
        os.kill(pid, signal.SIGSTOP)
    wait_for("it to look gone", lambda: ONE in assistant.document("roosync_heartbeat_status")["offlineMachines"])
    plan = planned(assistant, "fix", ONE)
    assert [(fix["fix"], fix["machineId"]) for fix in plan["plan"]["fixes"]] == [("restart", ONE)]
    done = assistant.document("roosync_apply_change", token=plan["token"])
    assert [(fix["fix"], fix["done"]) for fix in done["result"]["fixes"]] == [("restart", True)]
    wait_for("it to beat again", lambda: ONE in assistant.document("roosync_heartbeat_status")["onlineMachines"])

    plan = planned(assistant, "stop", ONE)
    os.kill(supervisor(fleet), signal.SIGTERM)
    wait_for("it to have left", lambda: json.loads(fleet[ONE].heartbeat.read_bytes())["agent"]["state"] == "left")
    assert assistant.error("roosync_apply_change", token=plan["token"])["code"] == "PLAN_CHANGED"
