"""Three machines behind real OpenSSH servers, and one address where nobody listens."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import load_inventory
from roosync_ops.pyinfra_ops.run import Result, run
from tests.capabilities import need
from tests.kits.hosts import free_ports
from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("myia-po-2024", "myia-po-2023", "myia-web1")
DEAD = "myia-po-2026"
#: What a beat moves on a machine: its journal and its own notes, and its record and the view in the share.
MOVING = ("journal", "lock")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    need("sshd")
    with Fleet(tmp_path, NAMES) as fleet:
        yield fleet


@pytest.fixture
def inventory(fleet: Fleet, tmp_path: Path) -> Path:
    """The three, and a dead one in a group of its own."""
    ssh = {"ssh_key": str(fleet.key), "ssh_known_hosts_file": str(fleet.known_hosts), "ssh_allow_agent": False}
    dead = f"dead = [machine({DEAD!r}, host='127.0.0.1', port={free_ports(1)[0]}, ssh={ssh!r})]"
    return fleet.inventory(tmp_path / "inventory.py", extra=dead)


def tree(folder: Path) -> dict[str, str]:
    """Return every file under `folder` with its mode, time and hash: two trees are equal where nothing was touched."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        kind = stat.filemode(status.st_mode)
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[os.fspath(path.relative_to(folder))] = f"{kind} {status.st_mtime_ns} {content}"
    return found


def still(fleet: Fleet) -> dict[str, str]:
    """Return what is on the machines' disks, without what each beat moves."""
    found = {}
    for host in fleet:
        files = {path: told for path, told in tree(host.home).items() if not path.endswith(MOVING)}
        found.update({f"{host.machine_id}/{path}": told for path, told in files.items()})
    return found


def deploy(name: str, inventory: Path, *machines: str, **flags: Any) -> dict[str, Result]:
    fleet = load_inventory(inventory)
    return {result.machine_id: result for result in run(name, fleet.select(machines or ["lab"]), **flags)}


def outcomes(results: dict[str, Result]) -> set[str]:
    return {result.outcome for result in results.values()}
