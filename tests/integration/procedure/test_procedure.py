"""The procedure that began this project, in its own order and words, by an assistant on each machine of the lab.

What it calls « résultat attendu » stands here as it stands there; a time is whatever fits the time's form.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.kits.hosts import wait_for
from tests.kits.product import roosync_ops

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.lab.fleet import LabFleet
    from tests.integration.procedure.conftest import Assistant
    from tests.kits.product import Answer

ENROLL = ("myia-po-2024", "myia-po-2023", "myia-web1")
EXPECTED = {
    "myia-po-2025": "online",
    "myia-po-2024": "online",
    "myia-po-2023": "online",
    "myia-web1": "online",
    "myia-ai-01": "unknown",
    "myia-po-2026": "unknown",
}
#: Field notes' stand-in for what the procedure writes as `2026-02-12T...`.
TIME = "<time>"
SERVICE, STATUS, REFRESH = "roosync_heartbeat_service", "roosync_heartbeat_status", "roosync_refresh_dashboard"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

Ask = "Callable[[str], Assistant]"


def timeless(value: Any) -> Any:
    """Return a document with every time in it told as TIME."""
    return json.loads(_TIME.sub(TIME, json.dumps(value)))


def view_of(lab: LabFleet, name: str) -> dict[str, Any]:
    """Step 4, option B: `cat heartbeat.json`, on the machine itself."""
    view: dict[str, Any] = json.loads((lab.host(name).shared / "heartbeat.json").read_text(encoding="utf-8"))
    return view


def ops(lab: LabFleet, inventory: Path, command: str, *flags: str) -> Answer:
    return roosync_ops(command, "--inventory", inventory, "--shared", lab.shared, *flags)


@pytest.mark.parametrize("name", ENROLL)
def test_step_1_the_machine_id_is_the_host_name_in_lower_case(lab: LabFleet, name: str) -> None:
    assert lab.host(name).run(["hostname"]).out.decode().strip().lower() == name


@pytest.mark.parametrize("name", ENROLL)
def test_steps_2_to_4_for_each_machine(
    lab: LabFleet, inventory: Path, assistant: Callable[[str], Assistant], name: str
) -> None:
    metadata = {
        "hostname": name,
        "platform": sys.platform,  # the procedure's machines say win32; an agent says of itself what is so
        "registeredBy": "manual-procedure",
        "registeredAt": "2026-02-12T10:15:30.123Z",
    }
    active = lab.host(name).shared / "heartbeats" / "myia-po-2025.json"
    wait_for("the machine that is active already to be seen here", active.exists)
    before, registered = assistant(name).converse(
        (STATUS, {}), (SERVICE, {"action": "register", "machineId": name, "metadata": metadata})
    )
    if name == ENROLL[0]:
        _trouble_registered_and_not_started(lab, inventory, name)
    started, status = assistant(name).converse(
        (
            SERVICE,
            {
                "action": "start",
                "machineId": name,
                "heartbeatInterval": 30000,
                "offlineTimeout": 120000,
                "enableAutoSync": True,
            },
        ),
        (STATUS, {"filter": "all", "includeHeartbeats": True, "forceCheck": True}),
    )
    assert timeless(registered.result) == {
        "success": True,
        "message": f"Heartbeat enregistré pour {name}",
        "result": {
            "action": "register",
            "machineId": name,
            "timestamp": TIME,
            "status": "online",
            "isNewMachine": True,
        },
    }, registered
    assert timeless(started.result) == {
        "success": True,
        "message": f"Service de heartbeat démarré pour {name}",
        "result": {
            "action": "start",
            "machineId": name,
            "startedAt": TIME,
            "config": {"heartbeatInterval": 30000, "offlineTimeout": 120000, "autoSyncEnabled": True},
        },
    }, started
    seen = status.result
    assert seen["heartbeats"][name]["status"] == "online", status
    assert name in seen["onlineMachines"]
    assert seen["statistics"]["onlineCount"] == before.result["statistics"]["onlineCount"] + 1
    recorded = json.loads((lab.host(name).shared / "heartbeats" / f"{name}.json").read_text())["metadata"]
    assert {key: recorded[key] for key in metadata} == metadata


def _trouble_registered_and_not_started(lab: LabFleet, inventory: Path, name: str) -> None:
    """« Heartbeat enregistré mais machine pas online »: the cause, and the command that is the solution."""
    found = ops(lab, inventory, "diagnose", name, "--json").document
    (row,) = (row for row in found["machines"] if row["machineId"] == name)
    assert row["cause"] == "never-started", row
    assert row["command"].startswith(f"roosync-ops restart {name} --inventory "), row


@pytest.mark.parametrize("name", ENROLL)
def test_step_4_option_b_the_file_itself_shows_the_four_things(lab: LabFleet, name: str) -> None:
    """As it comes to this machine through the sync product; its keeper beats every 30 s."""

    def checks() -> bool:
        view = view_of(lab, name)
        return (
            view["heartbeats"].get(name, {}).get("status") == "online"
            and name in view["onlineMachines"]
            and view["statistics"]["onlineCount"] == 4
        )

    wait_for(f"{name} in heartbeat.json", checks)


def test_the_global_validation_is_4_of_6(lab: LabFleet, inventory: Path) -> None:
    table = ops(lab, inventory, "validate", "--wait", "20", "--json").document
    assert {row["machineId"]: row["observed"] for row in table["machines"]} == EXPECTED
    assert table["ok"]
    markdown = ops(lab, inventory, "validate", "--format", "markdown", "--lang", "fr").out
    assert "| Machine | Status Attendu | Heartbeat Actif |" in markdown
    for name, observed in EXPECTED.items():
        row = next(line for line in markdown.splitlines() if line.startswith(f"| {name} "))
        if observed == "online":
            assert "| ✅ ONLINE | Oui |" in row
        else:
            assert "| ❌ OFFLINE | - |" in row
    assert markdown.rstrip().endswith("4/6 machines online (66%)")


@pytest.mark.parametrize("machine_id", [None, ""], ids=["missing", "empty"])
@pytest.mark.parametrize("action", ["register", "start"])
def test_trouble_the_machine_id_is_required(
    assistant: Callable[[str], Assistant], action: str, machine_id: str | None
) -> None:
    given = {} if machine_id is None else {"machineId": machine_id}
    said = assistant("myia-po-2024").ask(SERVICE, action=action, **given)
    assert said.failed
    assert "HEARTBEAT_MISSING_MACHINE_ID" in said.text
    assert f"machineId est requis pour l'action {action}" in said.text


def test_trouble_the_service_is_started_already_and_stop_then_start_is_the_way_out(
    lab: LabFleet, assistant: Callable[[str], Assistant]
) -> None:
    name = "myia-po-2023"
    again, stopped, left, started = assistant(name).converse(
        (SERVICE, {"action": "start", "machineId": name}),
        (SERVICE, {"action": "stop", "machineId": name}),
        (STATUS, {}),
        (SERVICE, {"action": "start", "machineId": name}),
    )
    assert again.failed
    assert "HEARTBEAT_ALREADY_STARTED" in again.text
    assert "Heartbeat service déjà démarré" in again.text
    assert timeless(stopped.result) == {
        "success": True,
        "message": "Service de heartbeat arrêté avec succès",
        "result": {"action": "stop", "stoppedAt": TIME, "stateSaved": True},
    }
    assert name not in left.result["onlineMachines"]
    assert not started.failed, started.text
    wait_for("its loop", lambda: lab.agent(name, "status")["running"])


def test_trouble_the_machine_is_still_online_when_the_assistant_is_closed(lab: LabFleet) -> None:
    """Each conversation above has ended, and with it the server that the assistant had started."""
    for name in ENROLL:
        assert not [pid for pid in lab.processes(name) if "mcp" in _command_line(pid)]
        answer = lab.agent(name, "status")
        assert answer["running"], answer


def _command_line(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - proc is no folder of ours
            return file.read().decode(errors="replace").split("\0")
    except OSError:
        return []


def test_option_a_one_shot_from_any_scheduler(lab: LabFleet) -> None:
    name = "myia-po-2024"
    done = lab.host(name).run([f"{lab.host(name).home}/bin/agent", "register", "--json"])
    assert json.loads(done.out)["message"] == f"Heartbeat enregistré pour {name}", done


def test_next_step_1_the_result_for_the_tracking_issue(lab: LabFleet, inventory: Path) -> None:
    report = ops(lab, inventory, "report", "--lang", "fr")
    assert "| Machine | Status Attendu | Heartbeat Actif |" in report.out, report
    assert "4/6 machines online (66%)" in report.out


def test_next_step_2_the_dashboard_shows_the_change(lab: LabFleet, assistant: Callable[[str], Assistant]) -> None:
    said = assistant("myia-po-2025").ask(REFRESH)
    assert not said.failed, said.text
    assert said.result["baseline"] == "myia-ai-01"
    assert said.result["metrics"]["totalMachines"] == 6
    page = lab.host("myia-po-2025").shared / said.result["dashboardPath"]
    assert "4/6 machines online (66%)" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["myia-ai-01", "myia-po-2026"])
def test_next_step_3_the_machines_that_are_off_have_a_named_cause(lab: LabFleet, inventory: Path, name: str) -> None:
    found = ops(lab, inventory, "diagnose", name, "--json").document
    (row,) = (row for row in found["machines"] if row["machineId"] == name)
    assert row["cause"], row


def test_next_step_4_a_recurring_validation_can_be_scheduled(lab: LabFleet, inventory: Path) -> None:
    printed = ops(lab, inventory, "schedule")
    assert printed.code == 0, printed
    assert str(inventory) in printed.out


def test_in_the_end_the_table_is_4_of_6(lab: LabFleet, inventory: Path) -> None:
    table = ops(lab, inventory, "validate", "--wait", "20")
    assert table.code == 0, table
    assert table.out.rstrip().endswith("4/6 machines online (66%)"), table
