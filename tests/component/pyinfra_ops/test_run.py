"""Every machine has one result, whatever happens to the process that runs pyinfra."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Machine, load_inventory
from roosync_ops.pyinfra_ops import run
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.transport.link import Failure

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (Result("a", {"push": "changed", "start": "unchanged"}), "changed"),
        (Result("a", {"push": "unchanged"}), "unchanged"),
        (Result("a", {"push": "planned"}), "planned"),
        (Result("a", {"push": "changed"}, Failure("start", "X", "r", "h")), "failed"),
        (Result("a", {}, Failure("connect", "X", "r", "h")), "unreachable"),
        (Result("a", skipped="expected offline"), "skipped"),
    ],
)
def test_an_outcome_is_the_worst_thing_that_happened(result: Result, outcome: str) -> None:
    assert result.outcome == outcome


@pytest.mark.parametrize("count", [1, 3, 25, 26, 100, 1000])
def test_every_machine_is_some_worker_s(count: int) -> None:
    machines = [Machine.of(f"m-{number}", {}) for number in range(count)]
    parts = run.parts_of(machines)
    assert sorted(one.machine_id for part in parts for one in part) == sorted(one.machine_id for one in machines)


@pytest.mark.parametrize(("count", "parallel"), [(100, 1), (100, 7), (3, 2), (1, 9)])
def test_no_more_machines_at_once_than_were_asked_for(count: int, parallel: int) -> None:
    parts = run.parts_of([Machine.of(f"m-{number}", {}) for number in range(count)], parallel)
    assert sum(map(len, parts)) == count
    assert 1 <= len(parts) <= parallel
    assert len(parts) * (parallel // len(parts)) <= parallel


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ([[(False, "b")], [(False, "a")]], "a"),
        ([[(True, "a")], [(False, "b")]], "b"),  # one whose Python is yet to be installed takes minutes
        ([[], [(False, "b")]], "b"),  # nobody there was reached
        ([None, [(False, "b")]], None),  # a machine has seen the folder
        ([[], []], None),
        ([], None),
    ],
)
def test_one_machine_at_most_makes_the_folder(said: list[Any], first: str | None) -> None:
    assert run._first(said) == first


def test_all_the_deploys_are_there() -> None:
    for name in ("rollout", "verify", "restart", "stop", "uninstall"):
        assert run.deploy_file(name).is_file()


def test_a_deploy_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"deploys/nothing\.py"):
        run.deploy_file("nothing")


def test_a_worker_that_dies_is_every_one_of_its_machines_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\necho "the disk is on fire" >>/proc/$PPID/fd/2\nkill -9 $PPID\n')
    program.chmod(0o755)
    monkeypatch.setenv("ROOSYNC_SSH", str(program))
    results = run.run("rollout", [Machine.of(name, {"host": "127.0.0.1"}) for name in ("a", "b")])
    assert [result.machine_id for result in results] == ["a", "b"]
    for result in results:
        assert result.failure is not None
        assert "the disk is on fire" in result.failure.reason


def test_an_inventory_that_prints_does_not_spoil_the_run(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(
        "from roosync_ops.fleet import machine\nprint('hello'); print('{}')\n"
        "some = [machine('a', host='127.0.0.1', port=9)]\n"
    )
    (result,) = run.run("rollout", tuple(load_inventory(inventory)))
    assert result.outcome == "unreachable"


#: What a worker is, and what it does not load; then something of that is asked for all the same.
_WORKER = """
import sys
from roosync_ops.pyinfra_ops import run
run._load_little(["ssh"])
import roosync_ops.pyinfra_ops.worker
from pyinfra.api.connectors import get_all_connectors
print(sorted(get_all_connectors()), {"asyncio", "invoke", "cryptography"} & {*sys.modules})
from paramiko import Transport
print(Transport.__module__)
"""


def test_a_worker_loads_no_connector_but_ours_and_the_rest_where_it_is_asked_for() -> None:
    said = subprocess.run([sys.executable, "-c", _WORKER], check=True, capture_output=True, text=True).stdout
    assert said.splitlines() == ["['roosync-ssh', 'ssh'] set()", "paramiko.transport"]
