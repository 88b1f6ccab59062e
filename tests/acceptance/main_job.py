"""The main job, accepted from outside: roll out, see 4/6 online, break it, stop it, take it off again.

Knows nothing of what the hosts are: it drives the `roosync-ops` command, reads the shared state, and breaks machines
through their controllers. A fleet of another kind is accepted by writing a Controller for its hosts.

By hand, on a fleet that is there: rolled out and seen online; with --break, also killed, stopped and taken off
over SSH, as far as that goes without touching a host's power:
    python -m tests.acceptance.main_job [--break] INVENTORY SHARED
"""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from roosync_ops.fleet import Machine, load_inventory
from tests.acceptance.over_ssh import OverSsh
from tests.kits.hosts import wait_for
from tests.kits.product import Answer, record, roosync_ops, sequence

_log = logging.getLogger("acceptance")


class Controller(Protocol):
    """What the acceptance may do to one host, beyond what the product can."""

    @property
    def machine_id(self) -> str: ...

    def agent(self, verb: str) -> dict[str, Any]:
        """Return what the agent's `verb --json` answers on the host."""

    def kill_agent(self, pid: int) -> None:
        """End that process in a way it cannot notice."""

    def left_behind(self) -> list[str]:
        """Return the names of what of the product is on the host: processes, services, files."""


@runtime_checkable
class Switch(Protocol):
    """A controller that also has a hand on the host's power."""

    def reboot(self) -> None:
        """Reboot, and return when the host answers again."""

    def power_off(self) -> None:
        """Shut the host down in good order, and return when it is off."""

    def power_on(self) -> None:
        """Return when the host answers again."""


@dataclass
class Job:
    """One fleet to accept. `promises` fills with what was seen to hold, and how long it took in s."""

    inventory: Path
    shared: Path
    controllers: Sequence[Controller] = ()
    #: Flags of every roosync-ops command, say pyinfra's own for a fleet with a transport of its own.
    flags: Sequence[str] = ()
    promises: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machines: tuple[Machine, ...] = tuple(load_inventory(self.inventory))
        self.expected = [machine for machine in self.machines if machine.expected == "online"]

    @contextmanager
    def promise(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.promises.append((what, time.monotonic() - began))
        _log.info("%5.1f s  %s", time.monotonic() - began, what)

    def run(self, command: str, *flags: str) -> Answer:
        common: list[str | Path] = ["--inventory", self.inventory, "--shared", self.shared, *self.flags]
        answer = roosync_ops(command, *common, *flags, timeout=170)
        _log.debug("roosync-ops %s: %s", " ".join((command, *flags)), answer)
        return answer

    def validate(self, *flags: str) -> dict[str, Any]:
        return self.run("validate", "--json", *flags).document

    def row(self, machine_id: str) -> dict[str, Any]:
        """Return a machine's row of the validation table, read once, now."""
        rows = {row["machineId"]: row for row in self.validate()["machines"]}
        row: dict[str, Any] = rows[machine_id]
        return row

    def put_right(self) -> None:
        """Roll out to each machine that should be online and is not, whatever the test before did to it."""
        rows = [row for row in self.validate()["machines"] if row["expected"] == "online"]
        if late := [row["machineId"] for row in rows if row["observed"] != "online"]:
            answer = self.run("rollout", "--limit", ",".join(late))
            assert answer.code == 0, str(answer)

    def observed(self, machine_id: str) -> str:
        return str(self.row(machine_id)["observed"])

    def thresholds_of(self, machine_id: str) -> tuple[int, int]:
        """After how many ms of silence a machine is in warning, and offline."""
        machine = next(machine for machine in self.machines if machine.machine_id == machine_id)
        return machine.heartbeat_interval * 3, machine.offline_timeout


def play(job: Job, still: Callable[[], object] = dict) -> list[tuple[str, float]]:
    """Play the whole job; returns the promises that were kept. Raises AssertionError at the first that is not.

    `still` returns what is on the machines and must not move while nothing is to do.
    """
    roll_out(job, still)
    if job.controllers:
        first, last = job.controllers[0], job.controllers[-1]
        survive(job, first)
        if isinstance(first, Switch):
            come_back(job, first, first.machine_id)
        if isinstance(last, Switch):
            fall_silent(job, last, last.machine_id)
        leave(job, first)
        take_off(job)
    return job.promises


def roll_out(job: Job, still: Callable[[], object] = dict) -> None:
    """From whatever is there to the expected table; and once more, for nothing."""
    with job.promise("one command rolls the agent out"):
        first = job.run("rollout")
        assert first.code == 0, str(first)
    with job.promise("the table is as expected"):
        table = job.run("validate", "--wait", "90")
        assert table.code == 0, str(table)
        online, total = len(job.expected), len(job.machines)
        assert f"{online}/{total} machines online ({online * 100 // total}%)" in table.out, str(table)
    with job.promise("a second rollout changes nothing and says so"):
        agents = {controller.machine_id: controller.agent("status")["pid"] for controller in job.controllers}
        before = still()
        second = job.run("rollout")
        assert second.code == 0, str(second)
        assert still() == before
        for machine in job.expected:
            assert re.search(rf"^{machine.machine_id}\s+no change", second.out, re.MULTILINE), str(second)
        assert agents == {controller.machine_id: controller.agent("status")["pid"] for controller in job.controllers}


def survive(job: Job, host: Controller) -> None:
    """The agent outlives a kill, without anybody's help."""
    name = host.machine_id
    with job.promise("a killed agent is back, another process with a newer beat"):
        pid, before = host.agent("status")["pid"], record(job.shared, name)["agent"]
        host.kill_agent(pid)
        wait_for("a newer beat", lambda: record(job.shared, name)["agent"]["sessionId"] != before["sessionId"])
    assert host.agent("status")["pid"] not in (pid, None)
    assert sequence(job.shared, name) > before["sequence"]


def come_back(job: Job, switch: Switch, name: str) -> None:
    """The agent outlives a reboot, without anybody's help."""
    with job.promise("a rebooted machine is online again by itself"):
        number = sequence(job.shared, name)
        switch.reboot()
        wait_for("a newer beat", lambda: sequence(job.shared, name) > number + 1)
        assert job.observed(name) == "online"


def fall_silent(job: Job, host: Switch, name: str) -> None:
    """A machine that is switched off is warned of, then offline: never left, for nobody stopped it."""
    warning, offline = job.thresholds_of(name)
    host.power_off()
    with job.promise(f"one read after {warning} ms of its silence says warning"):
        row = one_read_after(job, name, warning)
        # a busy machine may read later than it meant to; the word must be the one for the age that was read
        assert row["observed"] == ("warning" if row["ageMs"] <= offline else "offline"), row
    with job.promise(f"one read after {offline} ms of its silence says offline, and the exit code that it is missed"):
        row = one_read_after(job, name, offline + 1)
        assert row["observed"] == "offline", row
        table = job.run("validate")
        assert table.code == 1, str(table)
    with job.promise("switched on again, it is online by itself"):
        host.power_on()
        answer = job.run("validate", "--wait", "90")
        assert answer.code == 0, str(answer)


def leave(job: Job, host: Controller) -> None:
    """A machine that is stopped says so, and a rollout starts it again."""
    name = host.machine_id
    with job.promise("a stopped machine has left"):
        stopped = job.run("stop", "--limit", name)
        assert stopped.code == 0, str(stopped)
        assert record(job.shared, name)["agent"]["state"] == "left"
        assert job.observed(name) == "left"
    with job.promise("a rollout starts it again"):
        again = job.run("rollout", "--limit", name)
        assert again.code == 0, str(again)
        assert job.observed(name) == "online"


def take_off(job: Job) -> None:
    """Taken off, nothing of the product is on any host."""
    with job.promise("uninstall leaves nothing on any machine"):
        answer = job.run("uninstall", "--yes")
        assert answer.code == 0, str(answer)
        for host in job.controllers:
            left = host.left_behind()
            assert left == [], f"{host.machine_id}: {left}"


def one_read_after(job: Job, machine_id: str, silence_ms: int) -> dict[str, Any]:
    """Read the table as soon as a machine has been silent for `silence_ms`; returns the machine's row of that read.

    A machine's last beats may still be on their way when its power goes: its silence begins when they have come.
    """
    while (row := job.row(machine_id))["ageMs"] < silence_ms:
        time.sleep((silence_ms - row["ageMs"]) / 1000)
    return row


def main(argv: list[str]) -> int:
    paths = [Path(word) for word in argv if word != "--break"]
    if len(paths) != 2:
        print(__doc__, file=sys.stderr)  # noqa: T201 - this is a command
        return 2
    job = Job(paths[0], paths[1])
    if "--break" in argv:
        job.controllers = [OverSsh.of(machine) for machine in job.expected]
    for what, seconds in play(job):
        print(f"{seconds:6.1f} s  {what}")  # noqa: T201
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sys.exit(main(sys.argv[1:]))
