"""Our side: an inventory of the same machines, and `roosync-ops rollout` as a cold process, end to end."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.rollout.hosts import PYTHON, USER

if TYPE_CHECKING:
    from tests.benchmarks.rollout.hosts import Hosts

REPOSITORY = Path(__file__).parents[3]


class Ours:
    """The rollout for one set of machines, ready to be timed."""

    def __init__(self, hosts: Hosts) -> None:
        self.cwd = hosts.root / "ours"
        self.cwd.mkdir()
        inventory = self.cwd / "inventory.py"
        inventory.write_text(_inventory(hosts))
        self.command = [*_program(), "rollout", "--inventory", str(inventory), "--json"]

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    def disconnect(self) -> None:
        """Nothing: each run is a process that ends with its connections."""


def _program() -> list[str]:
    script = Path(sys.executable).with_name("roosync-ops")
    return [str(script)] if script.exists() else [sys.executable, "-m", "roosync_ops"]


def _inventory(hosts: Hosts) -> str:
    ssh = {"ssh_key": str(hosts.key), "ssh_known_hosts_file": str(hosts.known_hosts)}
    lines = [
        f"    machine({host.machine_id!r}, port={host.port}, local_dir={str(host.local_dir)!r}, **_same),"
        for host in hosts.all
    ]
    same = (
        f"_same = dict(host='127.0.0.1', user={USER!r}, shared={str(hosts.shared)!r}, python={PYTHON!r},\n"
        f"    permanence='process', heartbeat_interval=30_000, offline_timeout=120_000, ssh={ssh!r})\n"
    )
    body = "\n".join(["bench = [", *lines, "]"])
    return f"from roosync_ops.fleet import machine\n\n{same}{body}\n"
