"""However the lab ends, nothing it started is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.lab.control import ask
from roosync_ops.lab.faults import FAULTS
from roosync_ops.lab.guardian import LAB_VARIABLE, marked_processes
from tests.kits.hosts import PATIENCE_S, child_process, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Running:
    """`roosync-ops lab up` in a process of its own, in an empty home and working folder."""

    process: subprocess.Popen[bytes]
    report: dict[str, Any]
    home: Path

    @property
    def folder(self) -> Path:
        return Path(self.report["folder"])

    def processes(self) -> list[int]:
        return marked_processes(f"{LAB_VARIABLE}={self.report['labId']}")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    home, temporary = tmp_path / "home", tmp_path / "temporary folder"
    home.mkdir()
    temporary.mkdir()
    environment = {"HOME": str(home), "TMPDIR": str(temporary), "PATH": os.environ["PATH"]}
    with child_process(
        [sys.executable, "-m", "roosync_ops", "lab", "up", "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        cwd=home,
        env=environment,
    ) as process:
        assert process.stdout is not None
        running = Running(process, json.loads(process.stdout.readline()), home)
        yield running
        process.kill()
    wait_for("the lab to go", lambda: not running.processes() and not running.folder.exists())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_of_a_lab_that_was_ended_by(up: Running, number: signal.Signals) -> None:
    assert len(up.processes()) >= 2, "an agent and its supervisor"
    assert up.folder.is_dir()
    up.process.send_signal(number)
    code = up.process.wait(PATIENCE_S)
    assert code == (130 if number == signal.SIGINT else -number)
    wait_for("its processes to go", lambda: not up.processes())
    wait_for("its folder to go", lambda: not up.folder.exists())


@pytest.mark.fuse
def test_nothing_is_left_of_a_lab_that_was_killed_with_every_fault_on(up: Running) -> None:
    """Processes that hang included: nothing of a fault outlives the lab, and no mount is anybody else's."""
    machines = list(up.report["machines"])
    local = dict(zip(("hang", "full", "read-only", "unmounted"), [machines[3], *machines], strict=False))
    for name in FAULTS:
        answer = ask(up.folder, {"fault": name, "machine": local.get(name, machines[3])})
        assert answer["changed"]
    blocked = subprocess.Popen(["sh", "-c", f'cd "{up.folder}" && ls */"Mon Drive"/*/*/.shared-state >/dev/null 2>&1'])
    assert blocked.wait(PATIENCE_S) is not None, "outside nothing hangs"
    up.process.kill()
    wait_for("its processes to go", lambda: not up.processes())
    wait_for("its folder to go", lambda: not up.folder.exists())
    assert str(up.folder) not in Path("/proc/self/mounts").read_text()


def test_nothing_is_written_outside_its_own_temporary_folder(up: Running) -> None:
    assert list(up.home.iterdir()) == []
    assert [path.name for path in up.folder.parent.iterdir()] == [up.folder.name]


def test_its_folder_is_nobody_elses_to_read(up: Running) -> None:
    assert up.folder.stat().st_mode & 0o077 == 0
    assert (up.folder / "ssh" / "id_ed25519").stat().st_mode & 0o077 == 0
