"""The heartbeat service is this machine's own agent, as it is shipped, and its answers are the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roosync_ops.mcp.desk import Settings
    from tests.kits.assistant import Assistant

METADATA = {"hostname": "A", "platform": "win32", "registeredBy": "manual-procedure"}


def test_register_writes_a_heartbeat_and_answers_word_for_word(assistant: Assistant, shared: Path) -> None:
    done = assistant.document("roosync_heartbeat_service", action="register", machineId="A", metadata=METADATA)
    record = json.loads((shared / "heartbeats" / "a.json").read_bytes())
    assert done == {
        "success": True,
        "message": "Heartbeat enregistré pour a",
        "result": {
            "action": "register",
            "machineId": "a",
            "timestamp": record["lastHeartbeat"],
            "status": "online",
            "isNewMachine": True,
        },
    }
    assert record["metadata"]["registeredBy"] == "manual-procedure"
    again = assistant.document("roosync_heartbeat_service", action="register", machineId="a")
    assert again["result"]["isNewMachine"] is False


def test_what_no_heartbeat_can_carry_is_refused_before_anything_is_written(assistant: Assistant, shared: Path) -> None:
    said = assistant.error("roosync_heartbeat_service", action="register", machineId="a", metadata={"x": "y" * 100_000})
    assert said["code"] == "HEARTBEAT_SERVICE_FAILED"
    assert "métadonnées trop grandes" in said["message"]
    assert not list(shared.iterdir())


def test_a_folder_that_is_not_there_is_no_success(assistant: Assistant, shared: Path) -> None:
    shared.rmdir()
    said = assistant.error("roosync_heartbeat_service", action="register", machineId="a")
    assert said["code"] == "HEARTBEAT_SERVICE_FAILED"
    assert said["message"].startswith("Erreur lors de l'action register: ")
    assert not shared.exists()


def test_stop_where_nothing_runs_is_done_already(assistant: Assistant) -> None:
    done = assistant.document("roosync_heartbeat_service", action="stop", saveState=False)
    assert done["message"] == "Service de heartbeat arrêté avec succès"
    assert set(done["result"]) == {"action", "stoppedAt", "stateSaved"}
    assert done["result"]["stateSaved"] is False


def test_a_file_that_is_no_agent_of_ours_is_left_alone(assistant: Assistant, settings: Settings) -> None:
    assert settings.agent_dir
    place = Path(settings.agent_dir)
    place.mkdir()
    (place / "agent.pyz").write_text("someone else's")
    said = assistant.error("roosync_heartbeat_service", action="register", machineId="a")
    assert "agent inutilisable" in said["message"]
    assert (place / "agent.pyz").read_text() == "someone else's"


def test_an_agent_that_beats_in_another_share_is_not_taken_for_ours(assistant: Assistant, settings: Settings) -> None:
    assert settings.agent_dir
    place = Path(settings.agent_dir)
    place.mkdir()
    (place / "config.json").write_text(json.dumps({"shared": "/elsewhere"}))
    said = assistant.error("roosync_heartbeat_service", action="register", machineId="a")
    assert "bat dans /elsewhere" in said["message"]
    assert said["hint"] == 'roosync-ops mcp --shared "/elsewhere"'


def test_an_interval_that_is_no_shorter_than_the_timeout_starts_nothing(assistant: Assistant, shared: Path) -> None:
    said = assistant.error(
        "roosync_heartbeat_service", action="start", machineId="a", heartbeatInterval=9, offlineTimeout=9
    )
    assert said["code"] == "HEARTBEAT_SERVICE_FAILED"
    assert said["message"].startswith("Erreur lors de l'action start: heartbeatInterval (9 ms)")
    assert not list(shared.iterdir())
