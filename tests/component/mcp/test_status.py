"""The status is computed now, whatever generation wrote, in the protocol's result object; the share is only read."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.mcp import reading, tools
from roosync_ops.state import StateUnavailableError, folder
from roosync_ops.state.memory import Store
from roosync_ops.wire.deadline import BoundedShare, ShareHungError
from roosync_ops.wire.times import now_ms, to_iso
from tests.kits.assistant import Assistant, text
from tests.kits.hostile import OBEYED, TEXTS
from tests.kits.shares import heartbeat, ours, put, share_threads

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.mcp.desk import ServerSettings

STATUS = "roosync_heartbeat_status"


def tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def beats(shared: Path) -> None:
    now = now_ms()
    put(shared, ours("on", 5_000, now))
    put(shared, heartbeat("late", 100_000, now))
    put(shared, heartbeat("gone", 900_000, now, status="online"))


@pytest.mark.usefixtures("beats")
def test_the_whole_result_is_the_protocols(assistant: Assistant, shared: Path) -> None:
    before = tree(shared)
    found = assistant.document(STATUS, filter="all", includeHeartbeats=True, forceCheck=True)
    assert list(found) == [
        "success",
        "onlineMachines",
        "offlineMachines",
        "warningMachines",
        "statistics",
        "heartbeats",
        "changes",
        "retrievedAt",
    ]
    assert (found["onlineMachines"], found["warningMachines"], found["offlineMachines"]) == (["on"], ["late"], ["gone"])
    statistics = {key: value for key, value in found["statistics"].items() if key != "lastHeartbeatCheck"}
    assert statistics == {"totalMachines": 3, "onlineCount": 1, "offlineCount": 1, "warningCount": 1}
    assert found["heartbeats"]["gone"]["status"] == "offline"
    assert found["heartbeats"]["gone"]["missedHeartbeats"] == 30
    assert list(found["heartbeats"]["gone"])[-1] == "offlineSince"
    assert tree(shared) == before


@pytest.mark.usefixtures("beats")
@pytest.mark.parametrize(("word", "name"), [("online", "on"), ("warning", "late"), ("offline", "gone")])
def test_a_filter_empties_the_other_lists_and_keeps_its_heartbeats(assistant: Assistant, word: str, name: str) -> None:
    found = assistant.document(STATUS, filter=word)
    lists = {key: found[f"{key}Machines"] for key in ("online", "warning", "offline")}
    assert lists == {key: [name] if key == word else [] for key in lists}
    assert list(found["heartbeats"]) == [name]
    assert found["statistics"]["totalMachines"] == 3
    assert "changes" not in found


@pytest.mark.usefixtures("beats")
def test_heartbeats_and_changes_are_there_when_asked_for(assistant: Assistant) -> None:
    found = assistant.document(STATUS, includeHeartbeats=False, includeChanges=True)
    assert "heartbeats" not in found
    assert found["changes"]["totalChanges"] == 0


@pytest.mark.usefixtures("beats")
def test_changes_are_against_the_last_look_on_this_computer(settings: ServerSettings, shared: Path) -> None:
    Assistant(settings).document(STATUS, forceCheck=True)
    now = now_ms()
    put(shared, ours("on", 500_000, now))
    put(shared, heartbeat("gone", 1_000, now))
    put(shared, heartbeat("new", 1_000, now))
    put(shared, heartbeat("ghost", 999_000, now))
    found = Assistant(settings).document(STATUS, includeChanges=True)["changes"]
    assert found == {
        "newlyOfflineMachines": ["on"],
        "newlyOnlineMachines": ["gone", "new"],
        "newWarnings": [],
        "totalChanges": 3,
    }
    assert Assistant(settings).document(STATUS, forceCheck=True)["changes"]["totalChanges"] == 0


def test_a_memory_that_is_not_understood_is_begun_anew(settings: ServerSettings, shared: Path) -> None:
    assert settings.memory
    store = Store(settings.memory, "asked", str(shared))
    assert reading.last_look(store, {"a": "online"}) == (None, None)
    for broken in (b"", b"[]", b'{"format": 9}', b"[" * 100_000, b'{"format": 1, "machines": {"../x": "online"}}'):
        store.path.write_bytes(broken)
        assert not reading.last_look(store, {"a": "online"})[0]
    assert reading.last_look(store, {}) == ({"a": "online"}, None)


def test_a_share_that_is_not_there_is_the_protocols_error(assistant: Assistant, shared: Path) -> None:
    shared.rename(shared.with_name("elsewhere"))
    said = assistant.error(STATUS)
    assert said["code"] == "HEARTBEAT_STATUS_FAILED"
    assert said["message"].startswith("Erreur lors de la récupération du statut heartbeat: ")
    assert said["hint"]


def test_everybody_gone_at_once_is_rather_the_observer(assistant: Assistant, shared: Path) -> None:
    for name in ("a", "b"):
        put(shared, heartbeat(name, 900_000, now_ms()))
    result = assistant.call(STATUS)
    assert text(result, 1).startswith("Note: Every machine looks offline at once: suspect this computer's replica")


def test_a_fleet_that_was_stopped_on_purpose_makes_no_replica_suspect(assistant: Assistant, shared: Path) -> None:
    now = now_ms()
    for name in ("a", "b"):
        put(shared, ours(name, 900_000, now, state="left", leftAt=to_iso(now - 800_000)))
    result = assistant.call(STATUS)
    assert result.structured_content is not None
    assert result.structured_content["offlineMachines"] == ["a", "b"]
    assert len(result.content) == 1


@pytest.mark.parametrize("kind", TEXTS)
def test_no_result_holds_what_is_obeyed_whatever_a_record_says(assistant: Assistant, shared: Path, kind: str) -> None:
    told, now = TEXTS[kind][:100_000], now_ms()
    put(shared, heartbeat("a", 1_000, now, note=told, metadata={"firstSeen": told, "lastUpdated": told, told: told}))
    put(shared, ours("b", 1_000, now, version=told, state=told, sessionId=told))
    put(shared, heartbeat("c", lastHeartbeat=told))
    result = assistant.call(STATUS)
    for at in range(len(result.content)):
        assert not OBEYED.search(text(result, at))


@pytest.mark.parametrize("kind", TEXTS)
def test_nor_does_that_of_any_other_tool_that_reads_the_share(
    assistant: Assistant, shared: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "pages").mkdir()
    told, now = TEXTS[kind][:10_000], now_ms()
    ups = [told, f"{to_iso(now - 60_000)}/{to_iso(now)}"]
    put(shared, ours("a", 1_000, now, version=told, state=told, sessionId=told, upIntervals=ups, buildId=told))
    put(shared, heartbeat("b", lastHeartbeat=told, note=told))
    put(shared, heartbeat("a", 1_000, now, machineId=told), "c.json")
    asked: dict[str, dict[str, Any]] = {
        "roosync_validate": {"probe": "never"},
        "roosync_history": {},
        "roosync_refresh_dashboard": {"outputDir": str(tmp_path / "pages")},
    }
    for tool, arguments in asked.items():
        result = assistant.call(tool, **arguments)
        assert not result.is_error, result
        for at in range(len(result.content)):
            assert not OBEYED.search(text(result, at)), tool


def test_five_hundred_hostile_machines_fit_and_what_is_left_out_is_counted(assistant: Assistant, shared: Path) -> None:
    now = now_ms()
    for number in range(500):
        put(shared, heartbeat(f"m{number:03}", 1_000, now, note="\u202e<script>\x1b[31m" + "é" * 2_000))
    result = assistant.call(STATUS)
    assert result.structured_content is not None
    found = result.structured_content
    assert found["statistics"]["totalMachines"] == 500
    assert len(found["heartbeats"]) + found["truncated"]["omitted"]["heartbeats"] == 500
    assert found["truncated"]["whole"] == "roosync-ops status --json"
    assert all(len(text(result, at)) <= 45_000 for at in range(len(result.content)))
    assert "left out" in text(result, len(result.content) - 1)
    assert not any(sign in text(result) for sign in ("\u202e", "\x1b"))


def test_a_share_that_hangs_costs_an_answer_in_time_and_one_thread(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def hung(shared: str, _: int, bounded: BoundedShare) -> None:
        try:
            bounded.call(lambda: over.wait(60), "reading")
        except ShareHungError as error:
            raise StateUnavailableError(f"{shared}: no answer within {error.deadline_s} s", "look at it") from error

    monkeypatch.setattr(folder, "read_folder", hung)

    assistant = Assistant(dataclasses.replace(settings, deadline_s=0.2))
    before = share_threads()
    for _ in range(5):
        assert assistant.error(STATUS)["code"] == "HEARTBEAT_STATUS_FAILED"
    assert len(share_threads() - before) <= 1
    over.set()


def test_a_question_that_takes_its_time_tells_whoever_wants_to_know(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    real = tools.entries

    def entries(*, allow_changes: bool, compat: bool) -> dict[str, tools.Entry]:
        found = real(allow_changes=allow_changes, compat=compat)
        entry = found[STATUS]

        def slow(desk: Any, arguments: Any) -> Any:
            told.wait(60)
            return entry.run(desk, arguments)

        return {**found, STATUS: entry._replace(run=slow)}

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert progress > 0
        assert total is None
        assert message is not None
        assert message.startswith(STATUS)
        told.set()

    monkeypatch.setattr("roosync_ops.mcp.server.TELL_S", 0.05)
    monkeypatch.setattr("roosync_ops.mcp.server.entries", entries)
    assert not Assistant(settings).call(STATUS, hear=hear).is_error
    assert told.is_set()


def test_a_question_that_never_comes_back_is_given_up_in_time(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    real = tools.entries

    def never(*_: Any) -> Any:
        over.wait(60)

    def entries(*, allow_changes: bool, compat: bool) -> dict[str, tools.Entry]:
        found = real(allow_changes=allow_changes, compat=compat)
        entry = found[STATUS]
        return {**found, STATUS: entry._replace(limit_s=0.2, run=never)}

    monkeypatch.setattr("roosync_ops.mcp.server.entries", entries)
    threading.Timer(20, over.set).start()
    said = Assistant(settings).error(STATUS)
    over.set()
    assert said["code"] == "TIMEOUT"
    assert said["hint"] == "roosync-ops status --json"
