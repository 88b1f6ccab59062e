from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab.host import LabHost

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def host(tmp_path: Path) -> LabHost:
    host = LabHost("myia-po-2024", tmp_path / "myia-po-2024", "lab-of-a-test")
    host.make()
    return host


def test_a_machine_knows_nothing_of_the_operators_environment(host: LabHost, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROOSYNC_SHARED_PATH", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "/the/operators/own")
    seen = json.loads(host.run(["python3", "-c", "import json, os; print(json.dumps(dict(os.environ)))"]).out)
    assert "/the/operators/own" not in seen.values()
    assert seen["ROOSYNC_SHARED_PATH"] == str(host.shared)
    assert seen["ROOSYNC_LAB"] == "lab-of-a-test"
    assert all(seen[name].startswith(str(host.home)) for name in seen if name == "HOME" or name.startswith("XDG_"))


def test_a_machine_has_a_name_and_a_python_of_its_own(host: LabHost) -> None:
    assert host.run(["hostname"]).out == host.run(["uname", "-n"]).out == b"myia-po-2024\n"
    assert host.run(["uname", "-s"]).out not in (b"", b"myia-po-2024\n")
    found = host.run(["sh", "-c", "command -v python3"]).out.decode().strip()
    assert found == str(host.home / "bin" / "python3")


def test_its_python_sees_no_package_of_the_operators(host: LabHost) -> None:
    assert host.run(["python3", "-c", "import roosync_ops"]).code == 1


def test_a_command_is_not_waited_for_beyond_its_own_end(host: LabHost) -> None:
    """What it left behind holds its output open."""
    done = host.run(["sh", "-c", "sleep 30 & echo $!"])
    assert done.code == 0
    pid = int(done.out)
    assert host.run(["kill", "-9", str(pid)]).code == 0
