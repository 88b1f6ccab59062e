"""What a logon session says of a share that this session does not see; this tree stands for the agent there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.agent import interactive_session
from roosync_ops.agent.builds import AGENT_NAME
from roosync_ops.agent.errors import AGENT_CRASHED, CodedError, LocalError, no_session
from roosync_ops.remote_script import on_verify
from roosync_ops.remote_script.on_common import MEASURE_NAMES, StepError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / AGENT_NAME).touch()
    monkeypatch.setattr("sys.path", [*sys.path])
    return tmp_path


def asked(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: object) -> list[dict[str, Any]]:
    """Return what came back from a session that answers so, where a program to run was there."""

    def there(*_: object) -> object:
        assert b"def work" in (folder / MEASURE_NAMES[0]).read_bytes()
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(interactive_session, "run_command", there)
    try:
        return on_verify._in_logon_session("def work(asked): ...", str(folder), {"shared": "G:/100%"}, 1.0)
    finally:
        assert [path.name for path in folder.iterdir()] == [AGENT_NAME]


def test_its_parts_are_what_was_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(folder, monkeypatch, {"parts": [{"removed": True}]}) == [{"removed": True}]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(no_session(), "NO_LOGON_SESSION", id="nobody-logged-on"),
        pytest.param(CodedError(AGENT_CRASHED, "silence", ""), "SHARE_HUNG", id="no-answer"),
        pytest.param(LocalError("schtasks"), "LOCAL_ERROR", id="no-task"),
        pytest.param({"parts": [{"problem": ["SHARE_MISSING", ""]}]}, "DRIVE_NOT_MOUNTED", id="no-drive-there-either"),
        pytest.param({}, "SHARE_NOT_SEEN", id="another-answer"),
    ],
)
def test_why_it_has_nothing_to_say_is_a_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: object, code: str
) -> None:
    with pytest.raises(StepError) as caught:
        asked(folder, monkeypatch, answer)
    assert caught.value.code == code
