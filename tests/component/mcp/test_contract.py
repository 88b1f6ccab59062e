"""Names, arguments, defaults, messages and codes are wire/README.md's, word for word; anything else is refused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.exceptions import MCPError

from roosync_ops.errors import CommandError
from roosync_ops.mcp import tools
from roosync_ops.mcp.server import parse
from roosync_ops.wire.times import now_ms
from tests.kits.assistant import Assistant
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.mcp.desk import ServerSettings

#: tool -> argument -> default; ... where there is none.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "roosync_heartbeat_service": {
        "action": ...,
        "machineId": None,
        "metadata": None,
        "enableAutoSync": True,
        "heartbeatInterval": 30_000,
        "offlineTimeout": 120_000,
        "saveState": True,
    },
    "roosync_heartbeat_status": {
        "filter": "all",
        "includeHeartbeats": True,
        "forceCheck": False,
        "includeChanges": False,
    },
    "roosync_refresh_dashboard": {"baseline": "myia-ai-01", "outputDir": None},
}
READING = {
    "roosync_heartbeat_status",
    "roosync_validate",
    "roosync_who_sees_whom",
    "roosync_diagnose",
    "roosync_history",
}
CHANGING = {"roosync_plan_change", "roosync_apply_change"}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_tool_takes_what_the_protocol_says(assistant: Assistant, name: str) -> None:
    schema = assistant.tools()[name].input_schema
    known = {key: field.get("default", ...) for key, field in schema["properties"].items()}
    assert known == ARGUMENTS[name]
    assert schema.get("required", []) == [key for key, default in known.items() if default is ...]
    assert schema["additionalProperties"] is False


def test_the_values_an_argument_may_have_are_in_the_schema(assistant: Assistant) -> None:
    tools = assistant.tools()
    actions = tools["roosync_heartbeat_service"].input_schema["properties"]["action"]
    filters = tools["roosync_heartbeat_status"].input_schema["properties"]["filter"]
    assert actions["enum"] == ["register", "start", "stop"]
    assert filters["enum"] == ["all", "online", "offline", "warning"]


def test_every_tool_says_what_it_returns_and_does(assistant: Assistant) -> None:
    for name, tool in assistant.tools().items():
        assert tool.title
        assert tool.description
        assert tool.output_schema is not None
        assert tool.output_schema["type"] == "object"
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (name in READING)
        assert tool.annotations.open_world_hint is False
        assert tool.annotations.destructive_hint is (name == "roosync_heartbeat_service")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (30_000, 30_000), (30_000.0, 30_000), ("30000", 30_000), ("30000.0", 30_000), ("30000.5", None), (1.5, None),
        (True, None), ("", None), ("3e4", None), ("-5", None), (0.0, None), (None, None), ("٣", None),
    ],
)  # fmt: skip
def test_an_interval_is_a_whole_number_however_a_client_writes_it(given: object, taken: int | None) -> None:
    entry = tools.entries(allow_changes=False)["roosync_heartbeat_service"]
    wanted = {"action": "start", "machineId": "a", "heartbeatInterval": given}
    if taken is None:
        with pytest.raises(CommandError):
            parse(entry, wanted)
    else:
        assert parse(entry, wanted).heartbeat_interval == taken  # type: ignore[attr-defined]


@pytest.mark.parametrize(("given", "taken"), [("true", True), ("false", False), (True, True), ("yes", None), (1, None)])
def test_a_flag_is_true_or_false_however_a_client_writes_it(given: object, taken: bool | None) -> None:
    entry = tools.entries(allow_changes=False)["roosync_heartbeat_status"]
    if taken is None:
        with pytest.raises(CommandError):
            parse(entry, {"forceCheck": given})
    else:
        assert parse(entry, {"forceCheck": given}).force_check is taken  # type: ignore[attr-defined]


def test_the_older_services_one_tool_is_there_where_it_was_asked_for(settings: ServerSettings, shared: Path) -> None:
    assert "roosync_heartbeat" not in Assistant(settings).tools()
    assistant = Assistant(dataclasses.replace(settings, compat=True))
    put(shared, ours("b", 1_000, now_ms()))
    status = assistant.document("roosync_heartbeat", action="status", includeHeartbeats="false")
    assert list(status) == ["success", "action", "timestamp", "message", "data"]
    assert (status["data"]["onlineMachines"], "heartbeats" in status["data"]) == (["b"], False)
    said = assistant.document("roosync_heartbeat", action="register", machineId="a")
    assert (said["action"], said["message"]) == ("register", "Heartbeat enregistré pour a")
    assert said["data"]["isNewMachine"] is True
    assert assistant.error("roosync_heartbeat", action="start")["code"] == "HEARTBEAT_MISSING_MACHINE_ID"


def test_what_changes_the_fleet_is_not_there_unless_it_was_allowed(settings: ServerSettings) -> None:
    assert not CHANGING & set(Assistant(settings).tools())
    allowed = Assistant(dataclasses.replace(settings, allow_changes=True))
    assert set(allowed.tools()) >= CHANGING
    with pytest.raises(MCPError, match="Unknown tool"):
        Assistant(settings).call("roosync_plan_change", action="rollout")


@pytest.mark.parametrize("name", [*sorted(READING), "roosync_heartbeat_service", "roosync_refresh_dashboard"])
def test_an_argument_that_is_not_known_is_refused_by_name(assistant: Assistant, name: str) -> None:
    needed = {"action": "stop"} if name == "roosync_heartbeat_service" else {}
    said = assistant.error(name, **needed, forceful=True)
    assert said["code"] == "INVALID_ARGUMENT"
    assert said["message"].startswith(f"{name} takes no argument 'forceful'; it takes ")


@pytest.mark.parametrize(
    ("name", "arguments", "named"),
    [
        ("roosync_heartbeat_status", {"forceCheck": "yes"}, "forceCheck"),
        ("roosync_heartbeat_status", {"filter": "late"}, "filter"),
        ("roosync_heartbeat_service", {"action": "start", "machineId": "a", "heartbeatInterval": "30 s"}, "heartbeat"),
        ("roosync_heartbeat_service", {}, "action"),
        ("roosync_history", {"days": 8}, "days"),
        ("roosync_validate", {"machines": "a"}, "machines"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(
    assistant: Assistant, name: str, arguments: dict[str, Any], named: str
) -> None:
    said = assistant.error(name, **arguments)
    assert said["code"] == "INVALID_ARGUMENT"
    assert said["message"].startswith(named)
    assert said["hint"].startswith(f"call {name} with, say, ")


@pytest.mark.parametrize("action", ["register", "start"])
@pytest.mark.parametrize("given", [{}, {"machineId": ""}, {"machineId": "  "}, {"machineId": None}])
def test_without_a_machine_id_the_answer_is_the_protocols(
    assistant: Assistant, action: str, given: dict[str, Any]
) -> None:
    said = assistant.error("roosync_heartbeat_service", action=action, **given)
    assert said["code"] == "HEARTBEAT_MISSING_MACHINE_ID"
    assert said["message"] == f"machineId est requis pour l'action {action}"
    assert 'machineId: "a"' in said["hint"]


def test_an_unknown_action_is_named_as_the_protocol_does(assistant: Assistant) -> None:
    said = assistant.error("roosync_heartbeat_service", action="danse", machineId="a")
    assert (said["code"], said["message"]) == ("HEARTBEAT_UNKNOWN_ACTION", "Action inconnue: danse")


@pytest.mark.parametrize(("action", "command"), [("register", "rollout"), ("start", "rollout"), ("stop", "stop")])
def test_another_machines_heartbeat_is_that_machines_business(
    assistant: Assistant, shared: Path, action: str, command: str
) -> None:
    said = assistant.error("roosync_heartbeat_service", action=action, machineId="b")
    assert said["code"] == "HEARTBEAT_SERVICE_FAILED"
    assert said["message"].startswith(f"Erreur lors de l'action {action}: cette machine est a, pas 'b'")
    assert said["hint"] == f"roosync-ops {command} b"
    assert [path.name for path in shared.rglob("*")] == ["heartbeats"]


def test_a_machine_id_is_never_a_path_nor_part_of_a_command(assistant: Assistant, shared: Path) -> None:
    said = assistant.error("roosync_heartbeat_service", action="register", machineId="../../evil; rm -rf /")
    assert said["code"] == "HEARTBEAT_SERVICE_FAILED"
    assert "rm" not in said["hint"]
    assert [path.name for path in shared.rglob("*")] == ["heartbeats"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["action", "machineId", "metadata", "filter", "machines", "days", "token", "lang"])


@given(
    st.sampled_from(list(tools.entries(allow_changes=True).values())), st.dictionaries(names | st.text(), json_values)
)
def test_whatever_arguments_come_they_are_taken_or_refused_with_a_way_out(
    entry: tools.Entry, arguments: dict[str, Any]
) -> None:
    refusal = refused(entry, arguments)
    if refusal is not None:
        assert refusal.code in ("INVALID_ARGUMENT", "HEARTBEAT_UNKNOWN_ACTION")
        assert len(refusal.reason) < 1_000
        assert refusal.hint


def refused(entry: tools.Entry, arguments: dict[str, Any]) -> CommandError | None:
    try:
        parse(entry, arguments)
    except CommandError as error:
        return error
    return None
