"""Ways to a machine that are closed: cut between here and it, its ssh down or hung; over real OpenSSH and agents."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.wire.times import now_ms
from tests.kits.agent_process import alive, kill
from tests.kits.hosts import free_ports, wait_for
from tests.kits.product import roosync_ops
from tests.kits.shares import ours, put
from tests.kits.sshd import Fleet, deaf_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

pytestmark = pytest.mark.sshd
NAMES = ("m1", "m2", "m3")
#: How late m1's beats are here: an older record of its first beat is all that has arrived.
LATE_MS = 214_000
#: In place of ssh, for one machine: what goes there directly goes to a port where nothing takes it.
_CUT = '#!/bin/sh\ncase "$*" in *ProxyCommand*) exec ssh "$@" ;; esac\nexec ssh -o Port={port} "$@"\n'


class Here:
    """This computer: its replica, in which m1 is late, and its inventory, in which the way to m1 may be closed."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self._fleet, self._folder = fleet, folder
        self.shared = folder / "shared"
        self.shared.mkdir()

    def sees(self, late_ms: int = LATE_MS, **m1: Any) -> Any:
        """Return what `validate` says of m1, to which the inventory's fields are `m1`."""
        now = now_ms()
        for name in NAMES:
            put(self.shared, ours(name, late_ms if name == "m1" else 0, now, sequence=1))
        fields = {host.machine_id: self._fleet.fields(host) for host in self._fleet}
        fields["m1"] = {**fields["m1"], **m1, "ssh": {**fields["m1"]["ssh"], **m1.get("ssh", {})}}
        lines = [f"{name} = [machine({name!r}, **{data!r})]" for name, data in fields.items()]
        inventory = self._folder / "inventory.py"
        inventory.write_text("\n".join(["from roosync_ops.fleet import machine", *lines, ""]), encoding="utf-8")
        done = roosync_ops("validate", "--json", "-i", inventory, "--shared", self.shared, "--timeout", "60")
        row = next(row for row in done.document["machines"] if row["machineId"] == "m1")
        own = row.get("own") or {}
        return row["observed"], row["basis"], row["reasonKind"], own.get("through")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    root = tmp_path_factory.mktemp("fleet")
    with Fleet(root, NAMES) as fleet:
        answer = roosync_ops("rollout", "-i", fleet.inventory(root / "inventory.py"), timeout=300)
        assert answer.code == 0, answer
        yield fleet


@pytest.fixture
def here(fleet: Fleet, tmp_path: Path) -> Here:
    return Here(fleet, tmp_path)


def has_no_agent(fleet: Fleet) -> bool:
    """End what runs of m1's agent, its supervisor included; True once nothing does."""
    own = str(fleet["m1"].local_dir).encode()
    pids = [pid for pid in fleet.sessions() if alive(pid) and own in Path(f"/proc/{pid}/cmdline").read_bytes()]
    for pid in pids:
        with suppress(ProcessLookupError):
            kill(pid)
    return not pids


@contextmanager
def refused() -> Iterator[int]:
    yield free_ports(1)[0]


@contextmanager
def mute() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        pytest.param(refused, ("offline", "silent-and-unreachable", "machine-off", None), id="ssh is down"),
        pytest.param(deaf_port, ("offline", "silent-and-unreachable", "machine-off", None), id="nothing answers"),
        pytest.param(mute, ("online", "heard-elsewhere", None, None), id="ssh hangs"),
    ],
)
def test_whose_way_is_closed_for_everybody_is_unreachable_or_as_other_replicas_show_it(
    here: Here, closed: Callable[[], AbstractContextManager[int]], said: tuple[str, ...]
) -> None:
    with closed() as port:
        assert here.sees(port=port) == said
        assert here.sees(0, port=port) == ("online", "heard-here", None, None)


@pytest.mark.parametrize("closed", [refused, deaf_port])
def test_a_machine_this_computer_does_not_reach_is_asked_through_one_that_does(
    here: Here, fleet: Fleet, tmp_path: Path, closed: Callable[[], AbstractContextManager[int]]
) -> None:
    program = tmp_path / "ssh"
    with closed() as port:
        program.write_text(_CUT.format(port=port), encoding="utf-8")
        program.chmod(0o755)
        way: dict[str, Any] = {"ssh": {"ssh_program": str(program)}}
        assert here.sees(**way) == ("online", "asked", "late-here", "m2")
        fleet.down(fleet["m2"])
        try:
            assert here.sees(**way) == ("online", "asked", "late-here", "m3")
        finally:
            fleet.up(fleet["m2"])


def test_the_death_of_an_agent_is_told_by_its_machine_across_the_cut(here: Here, fleet: Fleet, tmp_path: Path) -> None:
    program = tmp_path / "ssh"
    program.write_text(_CUT.format(port=free_ports(1)[0]), encoding="utf-8")
    program.chmod(0o755)
    wait_for("the end of m1's agent", lambda: has_no_agent(fleet))
    assert here.sees(130_000, ssh={"ssh_program": str(program)}) == ("offline", "asked", "agent-gone", "m2")
