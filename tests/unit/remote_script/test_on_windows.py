"""What is done on a Windows machine that is done otherwise elsewhere; none of it needs Windows to be run."""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.agent import share_facts
from roosync_ops.agent.builds import AGENT_NAME
from roosync_ops.remote_script import on_machine, on_windows, travel
from roosync_ops.remote_script.on_common import PUSHED_NAME, StepError

if TYPE_CHECKING:
    from pathlib import Path

_AGENT = "import json, sys\n{}\nprint(json.dumps(reply))"


def agent(folder: Path, code: str) -> str:
    with zipfile.ZipFile(folder / AGENT_NAME, "w") as archive:
        archive.writestr("__main__.py", _AGENT.format(code))
    return str(folder / AGENT_NAME)


@pytest.fixture(autouse=True)
def filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_windows, "FACTS", travel.program(share_facts))


def look(shared: Path, agent: str) -> dict[str, Any]:
    found = on_windows.look_at_share(str(shared), 10, agent, None)
    assert found is not None
    return found


def test_where_no_agent_is_this_session_looks_itself(tmp_path: Path) -> None:
    share = tmp_path / "Mon Drive é"
    share.mkdir()
    found = look(share, str(tmp_path / AGENT_NAME))
    assert (found["exists"], found["isDirectory"], found["readable"], found["writable"]) == (True, True, True, True)
    assert found["freeBytes"] > 0
    assert look(tmp_path / "nowhere", str(tmp_path / AGENT_NAME))["exists"] is False
    assert list(share.iterdir()) == []


def test_where_there_is_an_agent_its_word_is_the_truth(tmp_path: Path) -> None:
    share = {"exists": True, "isDirectory": True, "readable": True, "writable": True}
    folder = agent(tmp_path, f"reply = {{'success': True, 'session': 'logon', 'share': {share!r}}}")
    assert look(tmp_path / "nowhere", folder) == {**share, "path": str(tmp_path / "nowhere"), "session": "logon"}


def test_what_hangs_in_this_session_alone_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_windows, "HERE_S", 0.5)
    monkeypatch.setattr(on_windows, "_LOOK", "\nimport time; time.sleep(60)")
    assert look(tmp_path, str(tmp_path)) == {"path": str(tmp_path), "problem": "no answer in this SSH session"}
    hung = {"exists": False, "hung": True}
    for session, told in (("here", None), ("logon", True)):
        folder = agent(tmp_path, f"reply = {{'success': True, 'session': {session!r}, 'share': {hung!r}}}")
        assert look(tmp_path, folder).get("hung") is told


def a_beating_loop(path: Path, **fields: Any) -> dict[str, Any]:
    beat = {"lastHeartbeat": "2026-02-12T10:15:00.999Z", "readBack": True}
    config = {"offlineTimeout": 120_000}
    own = {"running": True, "shared": str(path), "share": {"state": "ok"}, "lastBeat": beat, "config": config}
    return {**own, "now": "2026-02-12T10:16:59.000Z", **fields}


def test_a_loop_that_has_just_written_to_the_share_proves_it_and_nobody_need_look(tmp_path: Path) -> None:
    shared = tmp_path / "seen by the loop's session alone"
    found = on_windows.look_at_share(str(shared), 10, "nowhere", a_beating_loop(shared))
    assert found is not None
    assert (found["exists"], found["writable"], found["session"]) == (True, True, "loop")


@pytest.mark.parametrize(
    "fields",
    [
        {"running": False},
        {"shared": "elsewhere"},
        {"share": {"state": "missing"}},
        {"share": None},
        {"lastBeat": []},
        {"lastBeat": {"lastHeartbeat": "2026-02-12T10:15:00.999Z", "readBack": False}},
        {"lastBeat": {"lastHeartbeat": "?", "readBack": True}},
        {"now": "2026-02-12T10:17:00.000Z"},
        {"now": "2026-02-12T10:14:00.000Z"},
        {"config": None},
    ],
)
def test_any_other_loop_proves_nothing(tmp_path: Path, fields: dict[str, Any]) -> None:
    shared = tmp_path / "nowhere"
    found = on_windows.look_at_share(str(shared), 10, str(tmp_path / AGENT_NAME), a_beating_loop(shared, **fields))
    assert found is not None
    assert found["exists"] is False


@pytest.mark.parametrize("code", ["NO_LOGON_SESSION", "DRIVE_NOT_MOUNTED"])
def test_its_word_on_the_logon_session_stands(tmp_path: Path, code: str) -> None:
    folder = agent(tmp_path, f"reply = {{'success': False, 'code': {code!r}, 'message': 'non', 'hint': 'h'}}")
    assert look(tmp_path / "nowhere", folder) == {
        "path": str(tmp_path / "nowhere"),
        "code": code,
        "problem": "non",
    }


@pytest.mark.parametrize(
    "code", ["reply = {'success': False, 'code': 'HEARTBEAT_UNKNOWN_ACTION'}", "sys.exit(3)", "reply = []"]
)
def test_an_agent_that_cannot_look_leaves_the_look_to_this_session(tmp_path: Path, code: str) -> None:
    assert look(tmp_path, agent(tmp_path, code))["exists"] is True


def test_a_verb_that_does_not_answer_says_what_it_said(tmp_path: Path) -> None:
    folder = agent(tmp_path, "print('Élodie'); sys.exit(3)")
    with pytest.raises(StepError, match="start: ended with 3: Élodie"):
        on_windows.ask(folder, ["start"], 30)


def test_a_verb_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"start: no answer within 0\.5 s"):
        on_windows.ask(agent(tmp_path, "import time; time.sleep(60)"), ["start"], 0.5)


def test_what_was_uploaded_is_there_until_it_is_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_machine, "uploaded", on_windows.uploaded)
    built, data = tmp_path / f"agent-{'0' * 16}.pyz", b"agent"
    step = {"agent": built.name, "sha256": hashlib.sha256(data).hexdigest()}
    (tmp_path / PUSHED_NAME).write_bytes(data[:-1])
    with pytest.raises(StepError, match="did not arrive whole"):
        on_machine._push(str(built), step)
    assert on_windows.uploaded(str(tmp_path)) == data[:-1]
    (tmp_path / PUSHED_NAME).write_bytes(data)
    on_machine._push(str(built), step)
    assert on_windows.uploaded(str(tmp_path)) == b""
    on_machine._push(str(built), step)  # another rollout of the same build has just put it there
    assert list(tmp_path.iterdir()) == [built]


def test_a_file_that_is_held_open_is_waited_for_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def refuse(path: str) -> None:
        tries.append(path)
        if len(tries) < 3:
            raise PermissionError(13, "held", path)

    patiently = on_windows._patiently(refuse)
    patiently("x")
    assert len(tries) == 3
    monkeypatch.setattr("roosync_ops.remote_script.on_windows.PATIENCE_S", 0.0)
    tries.clear()
    with pytest.raises(PermissionError):
        patiently("x")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["OneDrive Standalone Update Task", "NanoClaw-Watchdog", "GDrive-Watchdog"], "GDrive-Watchdog"),
        (["RooSync\\Restart Google Drive"], "RooSync\\Restart Google Drive"),
        (["\\RooSync\\GDrive-Watchdog"], "\\RooSync\\GDrive-Watchdog"),
        (["GoogleDriveWatchdog"], "GoogleDriveWatchdog"),
        (["relaunch_drivefs"], "relaunch_drivefs"),
        (["G-Drive keepalive"], "G-Drive keepalive"),
        (["OneDrive Health Check", "roosync-heartbeat", "Drive File Stream"], None),
        (["One Drive Watchdog", "OneDriveWatchdog", "RestartOneDrive"], None),
        (["NvDriverWatchdog", "Restart Display Driver", "Guard drivers"], None),
        (["D-Drive watchdog", "USB Drive Guard", "Hard drive watch", "Disk-Drive-Watchdog", "Watch drives"], None),
        (["GDrive-HealthCheck", "Google Drive monitor", "Google Keep and Drive backup"], None),
        ([], None),
    ],
)
def test_the_watchdog_of_drive_is_known_by_its_name(names: list[str], found: str | None) -> None:
    assert on_windows.watchdog(names) == found
