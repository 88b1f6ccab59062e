"""How many processes a rollout starts, there and here, and that none of them outlives it."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.rollout.conftest import NAMES, deploy, outcomes
from tests.kits.hosts import PATIENCE_S, child_process, wait_for
from tests.kits.hung import hung_server
from tests.kits.product import ROOSYNC_OPS
from tests.kits.sshd import PYTHON, Fleet

if TYPE_CHECKING:
    import pytest


def test_a_rollout_starts_two_pythons_on_a_machine_and_one_that_changes_nothing_one(
    fleet: Fleet, tmp_path: Path
) -> None:
    started, python = tmp_path / "started", tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho x >>"{started}"\nexec {PYTHON} "$@"\n')
    python.chmod(0o755)
    inventory = fleet.inventory(tmp_path / "inventory.py", python=str(python))
    counts = []
    for outcome in ("changed", "unchanged"):
        assert outcomes(deploy("rollout", inventory)) == {outcome}
        counts.append(len(started.read_text().splitlines()))
        started.unlink()
    assert counts == [2 * len(NAMES), len(NAMES)]


def test_the_worker_ends_with_whoever_asked_even_where_that_was_killed(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with hung_server() as port:
        inventory = fleet.inventory(tmp_path / "inventory.py", port=port)
        words: list[str | Path] = [ROOSYNC_OPS, "rollout", *NAMES, "--inventory", inventory, "--connect-timeout", "5"]
        words.append("--verbose")  # by pyinfra, whatever a look alone would settle
        with child_process(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asked:
            wait_for("a worker", lambda: children(asked.pid))
            workers = children(asked.pid)
            wait_for("its ssh", lambda: any(children(worker) for worker in workers))
            asked.kill()
        wait_for("its end", lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def test_a_killed_rollout_leaves_no_worker_behind(fleet: Fleet, inventory: Path) -> None:
    with hung_server() as port:
        text = inventory.read_text().replace(f"'port': {fleet[NAMES[0]].port}", f"'port': {port}")
        inventory.write_text(text)
        words: list[str | Path] = [ROOSYNC_OPS, "rollout", "--inventory", inventory, "--limit", "lab"]
        with child_process(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            wait_for("a worker at the hung machine's port", lambda: _is_connected(port), 120)
            workers = children(process.pid)
            assert workers
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 130
        assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []


def _is_connected(port: int) -> bool:
    """Tell whether somebody on this computer has a connection to `port` (state 01)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(words[2].endswith(f":{port:04X}") and words[3] == "01" for words in lines)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(word) for word in task.read_text().split()]
    return found
