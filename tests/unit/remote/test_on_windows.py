"""What is done on a Windows machine that is done otherwise elsewhere; none of it needs Windows to be run."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.remote import on_windows
from roosync_ops.remote.on_common import AGENT_NAME, PUSHED_NAME, StepError

if TYPE_CHECKING:
    from pathlib import Path

_AGENT = "import json, sys\n{}\nprint(json.dumps(reply))"


def agent(folder: Path, code: str) -> str:
    with zipfile.ZipFile(folder / AGENT_NAME, "w") as archive:
        archive.writestr("__main__.py", _AGENT.format(code))
    return str(folder)


def look(shared: Path, folder: str) -> dict[str, Any]:
    found = on_windows.look_at_share(str(shared), 10, folder)
    assert found is not None
    return found


def test_where_no_agent_is_this_session_looks_itself(tmp_path: Path) -> None:
    share = tmp_path / "Mon Drive é"
    share.mkdir()
    found = look(share, str(tmp_path))
    assert (found["exists"], found["isDirectory"], found["readable"], found["writable"]) == (True, True, True, True)
    assert found["freeBytes"] > 0
    assert look(tmp_path / "nowhere", str(tmp_path))["exists"] is False
    assert list(share.iterdir()) == []


def test_where_there_is_an_agent_its_word_is_the_truth(tmp_path: Path) -> None:
    share = {"exists": True, "isDirectory": True, "readable": True, "writable": True}
    folder = agent(tmp_path, f"reply = {{'success': True, 'session': 'logon', 'share': {share!r}}}")
    assert look(tmp_path / "nowhere", folder) == {**share, "path": str(tmp_path / "nowhere"), "session": "logon"}


@pytest.mark.parametrize("code", ["NO_LOGON_SESSION", "DRIVE_NOT_MOUNTED"])
def test_its_word_on_the_logon_session_stands(tmp_path: Path, code: str) -> None:
    folder = agent(tmp_path, f"reply = {{'success': False, 'code': {code!r}, 'message': 'non', 'hint': 'h'}}")
    assert look(tmp_path / "nowhere", folder) == {
        "path": str(tmp_path / "nowhere"),
        "code": code,
        "problem": "non",
        "hint": "h",
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


def test_what_was_uploaded_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / PUSHED_NAME).write_bytes(b"agent")
    assert on_windows.uploaded(str(tmp_path)) == b"agent"
    assert on_windows.uploaded(str(tmp_path)) == b""
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_held_open_is_waited_for_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def refuse(path: str) -> None:
        tries.append(path)
        if len(tries) < 3:
            raise PermissionError(13, "held", path)

    monkeypatch.setattr("roosync_ops.remote.on_windows.os.unlink", refuse)
    on_windows.unlink("x")
    assert len(tries) == 3
    monkeypatch.setattr("roosync_ops.remote.on_windows.PATIENCE_S", 0.0)
    tries.clear()
    with pytest.raises(PermissionError):
        on_windows.unlink("x")
