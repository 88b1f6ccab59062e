"""Our side: an inventory of the same machines, and `roosync-ops rollout` as a cold process, end to end."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.rollout.hosts import Hosts

REPOSITORY = Path(__file__).parents[3]


class Ours:
    """The rollout for one set of machines, ready to be timed."""

    def __init__(self, hosts: Hosts) -> None:
        self.cwd = hosts.root / "ours"
        self.cwd.mkdir()
        self._state = self.cwd / "state"
        inventory = hosts.inventory(self.cwd / "inventory.py", heartbeat_interval=30_000, offline_timeout=120_000)
        self.command = [*_program(), "rollout", "--inventory", str(inventory), "--json"]

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(REPOSITORY), "XDG_STATE_HOME": str(self._state)}

    def disconnect(self) -> None:
        """Forget what the last rollouts came to; each run is a process that ends with its connections."""
        shutil.rmtree(self._state, ignore_errors=True)


class Bare:
    """The limit: one ssh a machine, all at once, which does nothing there."""

    def __init__(self, hosts: Hosts) -> None:
        self.cwd = hosts.root
        known = f"UserKnownHostsFile={hosts.known_hosts}"
        words = f"ssh -F /dev/null -i {hosts.key} -o {known} -o BatchMode=yes -p"
        lines = [f"{words} {host.port} 127.0.0.1 true </dev/null &" for host in hosts]
        self.command = ["sh", "-c", "\n".join([*lines, "wait"])]
        self.env = dict(os.environ)

    def disconnect(self) -> None:
        """Nothing, as above."""


def _program() -> list[str]:
    script = Path(sys.executable).with_name("roosync-ops")
    return [str(script)] if script.exists() else [sys.executable, "-m", "roosync_ops"]
