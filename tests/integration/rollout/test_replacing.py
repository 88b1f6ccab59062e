"""Whatever runs on a machine is replaced by what is pushed: in one attempt, and with one loop afterwards."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roosync_ops.agent.builds import named_builds
from roosync_ops.remote_script import bundle
from tests.integration.rollout.conftest import NAMES, deploy
from tests.kits.agent_process import a_build
from tests.kits.hosts import wait_for
from tests.kits.product import record

if TYPE_CHECKING:
    from tests.kits.sshd import Fleet, Host

NAME = NAMES[0]
#: A loop that ends at once, as one whose sources are wrong does; every verb but `run` works.
CRASHES = ("roosync_ops/agent/verbs/run.py", "lock=_only_loop(", "raise MemoryError\n lock=_only_loop(")
#: An agent that cannot even be imported.
BROKEN = ("roosync_ops/agent/main.py", "import sys", "import no_such_module, sys")


def lay(host: Host, tmp_path: Path, name: str, old: str, new: str) -> bundle.Bundle:
    """Make another build the one to run on `host`, as a rollout of it would; nothing is started."""
    built = a_build(tmp_path / "other.pyz", name, old, new)
    (host.local_dir / built.file_name).write_bytes(built.data)
    script = host.local_dir / "agent.pyz"
    script.write_text(script.read_text().replace(named_builds(str(host.local_dir))[0], built.file_name))
    return built


def agents(fleet: Fleet) -> list[int]:
    """Return the processes of agents that live on the fleet's machines."""
    found = []
    for pid in fleet.sessions():
        with suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            found += [pid] if b"roosync_ops.agent.main" in line and b"--supervised" in line else []
    return found


def loop_of(fleet: Fleet) -> int:
    (loop,) = [pid for pid in agents(fleet) if parent(pid) in agents(fleet)]
    return loop


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def agent_part(folder: Path) -> Any:
    return record(folder, NAME)["agent"]


def beats(folder: Path) -> bool:
    """Tell whether another beat comes into the shared state in `folder`."""
    before = agent_part(folder)["sequence"]
    wait_for("another beat", lambda: agent_part(folder)["sequence"] > before)
    return True


def test_an_upgrade_that_was_cut_off_after_its_push_is_finished_by_the_next(fleet: Fleet, inventory: Path) -> None:
    host = fleet[NAME]
    deploy("rollout", inventory, NAME)
    (host.local_dir / "agent-0123456789abcdef.pyz").write_bytes(b"cut off before it was named")
    (host.local_dir / ".agent.pyz.17.new").write_bytes(b"")
    assert {result.outcome for result in deploy("rollout", inventory, NAME).values()} == {"unchanged"}
    assert deploy("restart", inventory, NAME)[NAME].ok
    built = bundle.build()
    assert named_builds(str(host.local_dir)) == [built.file_name]
    assert not (host.local_dir / "agent-0123456789abcdef.pyz").exists()
    assert deploy("uninstall", inventory, NAME)[NAME].ok
    assert not host.local_dir.exists()


def test_an_agent_that_crashes_again_and_again_is_replaced_at_the_first_attempt(
    fleet: Fleet, inventory: Path, tmp_path: Path
) -> None:
    deploy("rollout", inventory, NAME)
    lay(fleet[NAME], tmp_path, *CRASHES)
    assert not deploy("restart", inventory, NAME)[NAME].ok
    (result,) = deploy("rollout", inventory, NAME).values()
    assert result.ok, result
    assert agent_part(fleet.shared)["buildId"] == bundle.build().build_id
    assert len(agents(fleet)) == 2
    assert beats(fleet.shared)


def test_an_agent_that_cannot_be_imported_is_replaced_at_the_first_attempt(
    fleet: Fleet, inventory: Path, tmp_path: Path
) -> None:
    deploy("rollout", inventory, NAME)
    lay(fleet[NAME], tmp_path, *BROKEN)
    os.kill(loop_of(fleet), 9)
    (result,) = deploy("rollout", inventory, NAME).values()
    assert result.ok, result
    assert len(agents(fleet)) == 2
    assert beats(fleet.shared)


def test_two_first_rollouts_at_once_both_succeed_and_leave_one_loop(fleet: Fleet, inventory: Path) -> None:
    found: list[Any] = []
    both = [threading.Thread(target=lambda: found.append(deploy("rollout", inventory, NAME)[NAME])) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(timeout=240)
    assert [result.failure for result in found] == [None, None]
    assert len(agents(fleet)) == 2
    assert agent_part(fleet.shared)["state"] == "running"
    assert beats(fleet.shared)


def test_a_share_that_moved_has_one_loop_in_the_new_one_and_uninstall_leaves_none(fleet: Fleet, tmp_path: Path) -> None:
    deploy("rollout", fleet.inventory(tmp_path / "inventory.py", heartbeat_interval=500, offline_timeout=2000), NAME)
    moved = tmp_path / "moved"
    moved.mkdir()
    fields: dict[str, Any] = {"heartbeat_interval": 500, "offline_timeout": 2000, "shared": str(moved)}
    inventory = fleet.inventory(tmp_path / "inventory.py", **fields)
    assert deploy("rollout", inventory, NAME)[NAME].ok
    assert agent_part(fleet.shared)["state"] == "left"
    assert beats(moved)
    assert len(agents(fleet)) == 2
    back = fleet.inventory(tmp_path / "inventory.py", **{**fields, "shared": str(fleet.shared)})
    assert deploy("stop", back, NAME)[NAME].ok
    assert agents(fleet) == []
    assert deploy("uninstall", back, NAME)[NAME].ok
    assert agent_part(moved)["state"] == "left"
    assert not fleet[NAME].local_dir.exists()
