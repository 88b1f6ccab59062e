"""`look`: what can be seen of the share, without a trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.agent.main import main

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
