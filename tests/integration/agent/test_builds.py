"""A build is replaced by another under a loop, its supervisor, and a loop that is run by hand: nobody goes dark."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.agent.builds import named_builds
from roosync_ops.remote_script import bundle
from tests.kits.agent_process import Agent, a_build, alive, kill
from tests.kits.hosts import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEATS = ("--heartbeat-interval", "200", "--offline-timeout", "2000", "--share-deadline", "1")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.pyz"
    a_build(path, "roosync_ops/agent/answer.py", "import json", "import json\nOLD = 'a line more moves all'")
    return path


class Machine:
    """A machine whose agent lies where a rollout puts it."""

    def __init__(self, root: Path, shared: Path) -> None:
        self.local = root / "local dir"
        self.local.mkdir()
        self._root, self._shared = root, shared

    def lay(self, file: Path, name: str | None = None) -> Agent:
        """Put a build there, as a push does, and return what asks it."""
        path = self.local / (name or bundle.identify(file).file_name)
        shutil.copy(file, path)
        return self.asked_by(path)

    def asked_by(self, path: Path) -> Agent:
        return Agent(path, self._root, self._shared)

    @property
    def agent(self) -> Agent:
        return self.asked_by(self.local / "agent.pyz")


@pytest.fixture
def machine(tmp_path: Path, shared: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, shared)
    yield made
    if (made.local / "agent.pyz").exists():
        made.agent.end()


def build_of(status: Any) -> tuple[str, str]:
    return status["loopBuildId"], status["buildId"]


def test_an_agent_of_before_builds_had_names_is_replaced_like_any_other(machine: Machine, old: Path, pyz: Path) -> None:
    before = machine.lay(old, "agent.pyz")
    before("start", *BEATS)
    pid, supervisor = before("status")["pid"], before.supervisor()
    new = machine.lay(pyz)
    assert new("restart")["success"] is True
    assert not alive(pid)
    assert not alive(supervisor)
    built = bundle.identify(pyz)
    assert build_of(machine.agent("status")) == (built.build_id, built.build_id)
    assert named_builds(str(machine.local)) == [built.file_name, bundle.identify(old).file_name]
    assert machine.agent.record()["agent"]["state"] == "running"
    machine.agent("stop")
    assert machine.agent.record()["agent"]["state"] == "left"


def test_between_push_and_restart_a_killed_loop_comes_back_as_it_was(machine: Machine, old: Path, pyz: Path) -> None:
    machine.lay(old)("start", *BEATS)
    machine.lay(pyz)
    kill(machine.agent("status")["pid"])
    number = machine.agent.sequence()
    wait_for("a beat of another life", lambda: machine.agent.sequence() > number + 2)
    assert build_of(machine.agent("status"))[0] == bundle.identify(old).build_id
    machine.agent("stop")
    assert machine.agent.record()["agent"]["state"] == "left"


@pytest.mark.parametrize("ruin", ["replaced", "gone"])
def test_a_supervisor_and_its_loop_need_nothing_of_their_file_once_they_run(
    machine: Machine, old: Path, pyz: Path, ruin: str
) -> None:
    """Whoever takes the file away, say a person or a scanner: killed it is back, and stopped it leaves."""
    path = machine.lay(old)
    path("start", *BEATS)
    supervisor = path.supervisor()
    file = machine.local / bundle.identify(old).file_name
    file.write_bytes(pyz.read_bytes()) if ruin == "replaced" else file.unlink()
    asked = machine.asked_by(pyz)
    kill(asked("status")["pid"])
    number = asked.sequence()
    wait_for("a beat of another life", lambda: asked.sequence() > number + 2)
    asked("stop")
    assert not alive(supervisor)
    assert asked.record()["agent"]["state"] == "left"


def test_a_loop_that_is_run_by_hand_is_replaced_and_ends_well(machine: Machine, old: Path, pyz: Path) -> None:
    by_hand = machine.lay(old).run(*BEATS)
    wait_for("a beat", machine.agent.sequence)
    machine.lay(pyz)("restart", *BEATS)
    out, err = by_hand.communicate(timeout=PATIENCE_S)
    assert (by_hand.returncode, err) == (0, b"")
    assert b"stateSaved" in out
    assert build_of(machine.agent("status"))[0] == bundle.identify(pyz).build_id


def test_a_build_that_does_not_come_up_leaves_the_one_before_to_be_started(
    machine: Machine, old: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.pyz"
    a_build(bad, "roosync_ops/agent/verbs/run.py", "lock=_only_loop(", "raise MemoryError\n lock=_only_loop(")
    machine.lay(old)("start", *BEATS)
    failed = machine.lay(bad)("restart", code=1)
    assert "MemoryError" in failed["message"]
    assert named_builds(str(machine.local)) == [bundle.identify(old).file_name]
    assert machine.agent("start", *BEATS)["success"] is True
    assert build_of(machine.agent("status"))[0] == bundle.identify(old).build_id
