"""`look`: what can be seen of the share, without a trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.agent.config import Config
from roosync_ops.agent.main import main
from roosync_ops.agent.verbs import look as verb
from roosync_ops.wire.deadline import BoundedShare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    (folder / "heartbeats").mkdir(parents=True)
    return folder


def look(shared: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["look", "--shared", str(shared), "--local-dir", str(shared.parent / "local"), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_share_that_is_well(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (shared, shared / "heartbeats")}
    seen = look(shared, capsys)
    assert seen["session"] == "here"
    assert seen["share"].pop("freeBytes") > 0
    assert seen["share"] == {
        "path": str(shared),
        "exists": True,
        "isDirectory": True,
        "heartbeats": True,
        "readable": True,
        "writable": True,
        "readOnly": False,
        "hung": False,
        "problem": None,
    }
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not (shared.parent / "local").exists()


def test_a_share_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    share = look(tmp_path / "gone", capsys)["share"]
    assert (share["exists"], share["readable"], share["writable"]) == (False, False, False)
    assert str(tmp_path / "gone") in share["problem"]


def test_a_file_is_no_share(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    share = look(tmp_path / "file", capsys)["share"]
    assert (share["exists"], share["isDirectory"], share["readable"]) == (True, False, False)


@pytest.mark.parametrize(
    ("platform", "own_s", "seconds"),
    [
        pytest.param("linux", 5.0, 5.0, id="its own deadline"),
        pytest.param("win32", 5.0, 60.0, id="a first reading comes from the cloud"),
        pytest.param("win32", 90.0, 90.0, id="a longer one"),
    ],
)
def test_a_look_on_windows_has_a_minute(
    monkeypatch: pytest.MonkeyPatch, shared: Path, platform: str, own_s: float, seconds: float
) -> None:
    given: list[float] = []

    def bounded(deadline_s: float) -> BoundedShare:
        given.append(deadline_s)
        return BoundedShare(deadline_s)

    monkeypatch.setattr(verb, "BoundedShare", bounded)
    monkeypatch.setattr(verb, "share_facts", lambda _: {"readable": True})
    config = Config("m", str(shared), str(shared.parent / "local"))
    config.share_deadline_s = own_s
    monkeypatch.setattr("sys.platform", platform)
    assert verb.look(config)["readable"] is True
    assert given == [seconds]
