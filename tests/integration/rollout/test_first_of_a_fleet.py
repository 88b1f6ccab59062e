"""A fleet's first rollout where each machine has a replica of its own: one makes `heartbeats/`, the others wait for it.

Google Drive makes `heartbeats (1)/` of a folder that two machines made before they saw each other's.
"""

from __future__ import annotations

import dataclasses
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from roosync_ops.fleet import load_inventory
from roosync_ops.pyinfra_ops import run
from tests.integration.rollout.conftest import NAMES, deploy, outcomes
from tests.kits.product import pyinfra, record, roosync_ops

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest

    from tests.kits.sshd import Fleet

ROOT = Path(__file__).parents[3]
MAKER = min(NAMES)
OTHERS = [name for name in NAMES if name != MAKER]


def part(fleet: Fleet, path: Path) -> dict[str, Path]:
    """Give each machine a replica of its own, where nobody has beaten yet; return them."""
    replicas = {}
    for host in fleet:
        replicas[host.machine_id] = host.home / "replica"
        (replicas[host.machine_id] / "dashboards").mkdir(parents=True)
    fleet.hosts = tuple(dataclasses.replace(host, shared=replicas[host.machine_id]) for host in fleet.hosts)
    fleet.inventory(path)
    return replicas


@contextmanager
def synced(replicas: dict[str, Path]) -> Iterator[list[str]]:
    """Copy each machine's own record to the others, and say who had made `heartbeats/` before one came."""
    made: list[str] = []
    over = threading.Event()
    delivered: set[str] = set()

    def sync() -> None:
        while not over.wait(0.1):
            made.extend(
                name
                for name, replica in replicas.items()
                if (replica / "heartbeats").exists() and name not in {*delivered, *made}
            )
            for name, replica in replicas.items():
                own = replica / "heartbeats" / f"{name}.json"
                for other, target in replicas.items() if own.exists() and not over.wait(0.3) else ():
                    if other != name:
                        delivered.update({other} - set(made))
                        (target / "heartbeats").mkdir(exist_ok=True)
                        shutil.copyfile(own, target / "heartbeats" / ".synced")
                        (target / "heartbeats" / ".synced").replace(target / "heartbeats" / own.name)

    thread = threading.Thread(target=sync)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()


def test_one_machine_makes_the_folder_and_the_others_wait_until_they_see_it(fleet: Fleet, tmp_path: Path) -> None:
    replicas = part(fleet, tmp_path / "inventory.py")
    with synced(replicas) as made:
        results = deploy("rollout", tmp_path / "inventory.py")
        assert outcomes(results) == {"changed"}, results
    assert made == [MAKER]
    assert not any((replicas[name] / "heartbeat.json").exists() for name in OTHERS)  # nor is there a second view
    assert all(record(replicas[name], name)["agent"]["state"] == "running" for name in NAMES)


def test_one_is_first_however_many_workers_there_are(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alone(names: Sequence[str], _parallel: int | None) -> list[list[str]]:
        return [[name] for name in names]

    monkeypatch.setattr(run, "parts_of", alone)
    with synced(part(fleet, tmp_path / "inventory.py")) as made:
        results = run.run("ramp", load_inventory(tmp_path / "inventory.py").select(["lab"]))
    assert {row.outcome for row in results} == {"changed"}, results
    assert made == [MAKER]


def test_plain_pyinfra_settles_it_too(fleet: Fleet, tmp_path: Path) -> None:
    with synced(part(fleet, tmp_path / "inventory.py")) as made:
        done = pyinfra(tmp_path / "inventory.py", ROOT / "deploys" / "rollout.py", "-y")
    assert done.code == 0, done
    assert made == [MAKER]


def test_what_this_computer_sees_of_the_fleet_counts_too(fleet: Fleet, tmp_path: Path) -> None:
    """A machine that is rolled out alone, later, whose replica is new, is no fleet's first."""
    replicas = part(fleet, tmp_path / "inventory.py")
    deploy("rollout", tmp_path / "inventory.py", MAKER)
    with synced(replicas) as made:
        shared = str(replicas[MAKER])
        done = roosync_ops("rollout", OTHERS[0], "--shared", shared, "-i", tmp_path / "inventory.py")
    assert done.code == 0, done
    assert made == [MAKER]
