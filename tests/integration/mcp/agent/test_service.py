"""The heartbeat service is this machine's own agent, as it is shipped, and its answers are the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roosync_ops.mcp.service import Refused
from tests.kits.assistant import text

if TYPE_CHECKING:
    import pytest
    from mcp.types import CallToolResult

    from roosync_ops.mcp.desk import ServerSettings
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
    assert not list(shared.rglob("*.json"))


def test_a_folder_that_is_not_there_is_no_success(assistant: Assistant, shared: Path) -> None:
    (shared / "heartbeats").rmdir()
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


def test_a_file_that_is_no_agent_of_ours_is_left_alone(assistant: Assistant, settings: ServerSettings) -> None:
    assert settings.agent_dir
    place = Path(settings.agent_dir)
    place.mkdir()
    (place / "agent.pyz").write_text("someone else's")
    said = assistant.error("roosync_heartbeat_service", action="register", machineId="a")
    assert "agent inutilisable" in said["message"]
    assert (place / "agent.pyz").read_text() == "someone else's"


def test_an_agent_that_beats_in_another_share_is_not_taken_for_ours(
    assistant: Assistant, settings: ServerSettings
) -> None:
    assert settings.agent_dir
    place = Path(settings.agent_dir)
    place.mkdir()
    (place / "config.json").write_text(json.dumps({"shared": "/elsewhere"}))
    said = assistant.error("roosync_heartbeat_service", action="register", machineId="a")
    assert "bat dans /elsewhere" in said["message"]
    assert said["hint"] == "roosync-ops mcp --shared /elsewhere"


def test_an_interval_that_is_no_shorter_than_the_timeout_starts_nothing(assistant: Assistant, shared: Path) -> None:
    said = assistant.error(
        "roosync_heartbeat_service", action="start", machineId="a", heartbeatInterval=9, offlineTimeout=9
    )
    assert said["code"] == "HEARTBEAT_SERVICE_FAILED"
    assert said["message"].startswith("Erreur lors de l'action start: heartbeatInterval (9 ms)")
    assert not list(shared.rglob("*.json"))


class Recorded:
    """Stands in for the agent's file: answers each verb as it is told, and keeps which were asked."""

    def __init__(self, *, running: bool = False, installed: bool = False, refuse: tuple[str, ...] = ()) -> None:
        self.asked: list[str] = []
        self._refuse = refuse
        kept = {"installed": True, "survivesReboot": True}
        now = {"installed": installed, "survivesReboot": installed}
        started = {"action": "start", "machineId": "a", "startedAt": "x"}
        config = {"heartbeatInterval": 30_000, "offlineTimeout": 120_000, "autoSyncEnabled": True}
        self._answers: dict[str, dict[str, Any]] = {
            "status": {"success": True, "running": running, "permanence": now},
            "install": {"success": True, "permanence": kept},
            "start": {"success": True, "message": "m", "result": {**started, "config": config}},
            "uninstall": {"success": True},
        }

    def __call__(self, *_: Any) -> Recorded:
        return self

    def ask(self, verb: str, *words: str) -> dict[str, Any]:
        self.asked.append(" ".join([verb, *words]))
        if verb in self._refuse:
            raise Refused({"success": False, "code": f"NO_{verb.upper()}", "message": f"pas de {verb}"})
        return self._answers[verb]


def start(assistant: Assistant, monkeypatch: pytest.MonkeyPatch, agent: Recorded, **arguments: Any) -> CallToolResult:
    monkeypatch.setattr("roosync_ops.mcp.service.LocalAgent", agent)
    return assistant.call("roosync_heartbeat_service", action="start", machineId="a", **arguments)


def test_start_makes_permanent_first_and_only_once(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    new, installed, running = Recorded(), Recorded(installed=True), Recorded(running=True)
    for agent in (new, installed, running):
        assert not start(assistant, monkeypatch, agent).is_error
    assert new.asked == ["status", "install", "start"]
    assert installed.asked == running.asked == ["status", "start"]


def test_what_was_typed_is_passed_on_and_nothing_else(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = Recorded(installed=True)
    start(assistant, monkeypatch, agent, heartbeatInterval=30_000, enableAutoSync=False)
    assert agent.asked[-1] == "start --heartbeat-interval 30000 --no-auto-sync"


def test_a_machine_that_cannot_be_made_permanent_is_started_and_that_is_said(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = start(assistant, monkeypatch, Recorded(refuse=("install",)))
    assert not result.is_error
    assert "rien ne le relancera après un redémarrage" in text(result, 1)
    assert "pas de install" in text(result, 1)


def test_what_was_installed_for_a_start_that_failed_is_taken_back(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Recorded(refuse=("start",))
    result = start(assistant, monkeypatch, agent)
    assert text(result).startswith("NO_START: pas de start\nNext: ")
    assert agent.asked == ["status", "install", "start", "uninstall"]
    kept = Recorded(installed=True, refuse=("start",))
    start(assistant, monkeypatch, kept)
    assert kept.asked == ["status", "start"]
