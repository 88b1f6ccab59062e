"""What was done on machines is written down here, without what nobody else may read, and not for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from roosync_ops.cli import journal
from roosync_ops.fleet import Machine

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = Machine(machine_id="m1", arguments={"_sudo_password": "hunter2"}, metadata={"note": 'of "mine"'})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    return tmp_path / "roosync-ops" / journal.FOLDER


def test_every_line_is_an_event_and_none_holds_a_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOSYNC_WINRM_PASSWORD", "s3same")
    log = journal.RunLog("rollout", [MACHINE])
    log.note("rollout", machineId="m1", reason='login with hunter2, s3same and of "mine" refused\n')
    (path,) = folder.iterdir()
    assert path == log.path
    assert path.stat().st_mode & 0o077 == 0
    begun, told = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    assert (begun["event"], begun["machines"]) == ("begun", ["m1"])
    assert told["reason"] == "login with ***, *** and *** refused\n"


def test_so_many_runs_are_kept_and_so_much_of_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_KEPT", 3)
    monkeypatch.setattr(journal, "_MAX_BYTES", 1000)
    for number in range(5):
        log = journal.RunLog(f"run{number}", [MACHINE])
        for _ in range(100):
            log.note("step", step="x" * 50)
    assert len(list(folder.iterdir())) == 3
    assert all(path.stat().st_size <= 1000 for path in folder.iterdir())


def test_a_dry_run_and_a_folder_that_cannot_be_used_leave_nothing(folder: Path) -> None:
    assert journal.RunLog("rollout", [MACHINE], wanted=False).path is None
    folder.parent.parent.joinpath("roosync-ops").write_bytes(b"a file where the folder is to be")
    log = journal.RunLog("rollout", [MACHINE])
    log.note("step")
    assert log.path is None
