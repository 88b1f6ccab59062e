"""The read-only tools answer with the very documents of --json, and their errors with the same codes and hints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.cli import main
from roosync_ops.show import schemas
from roosync_ops.typed import about
from tests.kits.shares import NOW, heartbeat, ours, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from roosync_ops.mcp.desk import ServerSettings
    from tests.kits.assistant import Assistant


@pytest.fixture
def typed(settings: ServerSettings, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Any]]:
    """Type a command about the same fleet, and return its document."""

    def run(*words: str) -> Any:
        main([*words, "--json", "--inventory", str(settings.inventory), "--shared", str(settings.shared)])
        return json.loads(capsys.readouterr().out)

    with about({"--inventory": str(settings.inventory), "--shared": str(settings.shared)}):  # as the server itself is
        yield run


@pytest.fixture(autouse=True)
def _beats(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three machines, and a clock that stands still: two looks see the same ages."""
    put(shared, ours("a", 5_000))
    put(shared, heartbeat("b", 900_000))
    put(shared, heartbeat("ghost", 1_000))
    monkeypatch.setattr("roosync_ops.state.folder.now_ms", lambda: NOW)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("roosync_validate", {}, ["validate"]),
        ("roosync_validate", {"machines": ["enroll"], "lang": "fr"}, ["validate", "--limit", "enroll", "--lang", "fr"]),
        ("roosync_history", {"days": 1}, ["history", "--days", "1"]),
        ("roosync_history", {"machines": ["b"]}, ["history", "b"]),
    ],
)
def test_the_document_is_the_commands(
    assistant: Assistant, typed: Callable[..., Any], tool: str, arguments: dict[str, Any], words: list[str]
) -> None:
    assert assistant.document(tool, **arguments) == typed(*words)


def test_the_history_has_a_schema(assistant: Assistant, typed: Callable[..., Any]) -> None:
    schemas.of("history").validate_json(json.dumps(typed("history")))
    assert assistant.document("roosync_history")["machines"][0]["observed"] == "online"


@pytest.mark.parametrize("tool", ["roosync_validate", "roosync_history", "roosync_diagnose", "roosync_who_sees_whom"])
def test_a_name_that_nobody_knows_is_the_commands_own_error(assistant: Assistant, tool: str) -> None:
    said = assistant.error(tool, machines=["zz"])
    assert said["code"] == "INVENTORY"
    assert said["message"].startswith("zz: no such machine")
    assert said["hint"] == "roosync-ops machines list"


def test_a_share_that_cannot_be_read_is_never_everybody_offline(assistant: Assistant, shared: Path) -> None:
    shared.rename(shared.with_name("elsewhere"))
    assert assistant.error("roosync_validate")["code"] == "SHARED_STATE_UNAVAILABLE"


def test_the_inventory_is_read_anew_at_each_call(assistant: Assistant, settings: ServerSettings) -> None:
    text = settings.inventory.read_text(encoding="utf-8")
    assistant.document("roosync_validate")
    settings.inventory.write_text(text.replace('machine("b", host="b.local")', ""), encoding="utf-8")
    assert assistant.document("roosync_validate")["summary"]["total"] == 2
    settings.inventory.write_text("oops", encoding="utf-8")
    assert assistant.error("roosync_validate")["code"] == "INVENTORY"


def test_a_patience_that_is_none_is_said(assistant: Assistant) -> None:
    assert assistant.error("roosync_validate", patience="soon")["code"] == "USAGE"
    assert assistant.document("roosync_validate", patience="60")["patienceMs"] == 60_000
