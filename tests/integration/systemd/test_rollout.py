"""The rollout to real systemd hosts over OpenSSH: the procedure's table, twice for nothing, and hosts that fail."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.main_job import Controller, Job, play
from tests.kits.agent_process import a_build
from tests.kits.hosts import wait_for
from tests.kits.nslab import SHARED, Fleet, Host, HostSpec
from tests.kits.product import Agent, Answer, pyinfra, record, roosync_ops, sequence

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(600),  # the first run builds the bases
]
ROOT = Path(__file__).parents[3]
#: Each of the three Debians is one of the machines to enrol.
HOSTS = (
    HostSpec("myia-po-2024"),
    HostSpec("myia-po-2023", "trixie"),
    HostSpec("myia-web1", "bullseye"),
    HostSpec("myia-po-2025"),
)
#: What moves on a host's disk by itself: logs, logind's scratch folders, and the beat's own local notes.
MOVING = (r"^/var/log/", r"^/var/tmp/", r"^/var/lib/systemd/", r"/roosync/[a-z0-9-]+-[0-9a-f]{8}/")


class OnHost:
    """A host of the kit as the acceptance drives it."""

    def __init__(self, host: Host, user: str = "root") -> None:
        self.host = host
        self.machine_id = host.name
        home = "/var/lib" if user == "root" else "/home/fleet/.local/state"
        self._agent = Agent(self._shell, f"python3 {home}/roosync/agent.pyz")
        self._user = user
        if user != "root" and host.suite == "bullseye":  # no polkit there: root has to allow it first
            host.run("loginctl", "enable-linger", user)
        self._lingered = {*host.run("ls", "/var/lib/systemd/linger").split()}

    def agent(self, verb: str) -> dict[str, Any]:
        return self._agent(verb)

    def kill_agent(self, pid: int) -> None:
        self.host.run("kill", "-9", str(pid))

    def reboot(self) -> None:
        self.host.reboot()

    def power_off(self) -> None:
        self.host.power_off()

    def power_on(self) -> None:
        self.host.power_on()
        self.host.wait_ready()

    def left_behind(self) -> list[str]:
        """Every file, process and lingering that would not be there without the product; the kit's own are known."""
        names = ("-iname", "*roosync*", "-o", "-name", "agent.pyz*", "-o", "-name", "agent-*.pyz")
        apart = ("-path", "/proc", "-o", "-path", "/srv")
        files = self.host.run("find", "/", "-xdev", "(", *apart, ")", "-prune", "-o", "(", *names, ")", "-print")
        processes = self.host.run("sh", "-c", "grep -alzE 'agent(-[0-9a-f]+)?[.]pyz' /proc/[0-9]*/cmdline || true")
        lingering = self.host.run("ls", "/var/lib/systemd/linger")
        return [*files.split(), *processes.split(), *({*lingering.split()} - self._lingered)]

    def _shell(self, line: str) -> Answer:
        began = time.monotonic()
        done = self.host.ssh(line, user=self._user, check=False)
        return Answer(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def write_inventory(fleet: Fleet, path: Path, user: str = "root") -> Path:
    """Write the six machines of the procedure: four are hosts of the fleet, two are expected off."""
    ssh = {"ssh_key": str(fleet.key), "ssh_known_hosts_file": str(fleet.known_hosts), "ssh_allow_agent": False}
    common = f"user={user!r}, ssh={ssh!r}, shared={SHARED!r}, heartbeat_interval=1000, offline_timeout=6000"
    lines = [f"    machine({host.name!r}, host={host.address!r}, share_deadline=1, {common})," for host in fleet]
    path.write_text(
        "from roosync_ops.fleet import machine\n\n"
        f"enroll = [\n{chr(10).join(lines[:3])}\n]\nactive = [\n{lines[3]}\n]\n"
        'off = [\n    machine("myia-ai-01", expected="offline", why="switched off"),\n'
        '    machine("myia-po-2026", expected="offline", why="switched off"),\n]\n',
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(HOSTS) as fleet:
        yield fleet


@pytest.fixture
def job(fleet: Fleet, tmp_path: Path) -> Iterator[Job]:
    with a_job(fleet, tmp_path, "root") as job:
        yield job


@contextmanager
def a_job(fleet: Fleet, folder: Path, user: str) -> Iterator[Job]:
    """The procedure's fleet with nothing on it and a fresh share; and nothing on it again afterwards."""
    fleet.mend()
    fleet["myia-po-2024"].run("find", SHARED, "-mindepth", "1", "-delete")
    fleet["myia-po-2024"].run("mkdir", "-m", "0777", f"{SHARED}/dashboards")  # a shared state nobody has beaten in yet
    controllers: list[Controller] = [OnHost(host, user) for host in fleet]
    job = Job(write_inventory(fleet, folder / "inventory.py", user), fleet.share, controllers)
    try:
        yield job
    finally:
        job.run("uninstall", "--yes")


@pytest.fixture
def rolled_out(job: Job) -> Job:
    answer = job.run("rollout")
    assert answer.code == 0, str(answer)
    return job


def disks(fleet: Fleet) -> dict[str, dict[str, str]]:
    return {host.name: host.disk.files(*MOVING) for host in fleet}


@pytest.mark.parametrize("user", ["root", "fleet"], ids=["root-system-units", "user-lingering-units"])
def test_the_main_job(fleet: Fleet, tmp_path: Path, user: str) -> None:
    with a_job(fleet, tmp_path, user) as job:
        play(job)


def test_a_fresh_fleet_is_all_unknown_and_not_unavailable(job: Job) -> None:
    answer = job.run("validate", "--json")
    assert answer.code == 1, str(answer)
    assert {row["observed"] for row in answer.document["machines"]} == {"unknown"}


def test_dry_writes_nothing_anywhere(fleet: Fleet, job: Job) -> None:
    before = disks(fleet)
    answer = job.run("rollout", "--dry")
    assert answer.code == 0, str(answer)
    assert disks(fleet) == before
    assert [path.name for path in fleet.share.iterdir()] == ["dashboards"]


def test_a_second_rollout_leaves_every_file_on_the_machines_as_it_was(fleet: Fleet, rolled_out: Job) -> None:
    before = disks(fleet)
    answer = rolled_out.run("rollout")
    assert answer.code == 0, str(answer)
    after = disks(fleet)
    for name, files in before.items():
        moved = {path for path in files.keys() | after[name].keys() if files.get(path) != after[name].get(path)}
        assert moved == set(), name


def test_plain_pyinfra_runs_the_same_deploy(fleet: Fleet, job: Job) -> None:
    answer = pyinfra("-y", job.inventory, ROOT / "deploys" / "rollout.py", "--limit", "enroll", "--limit", "active")
    assert answer.code == 0, str(answer)
    assert job.run("validate", "--wait", "20").code == 0
    before = disks(fleet)
    again = pyinfra("-y", job.inventory, ROOT / "deploys" / "rollout.py", "--limit", "enroll", "--limit", "active")
    assert again.code == 0, str(again)
    assert disks(fleet) == before


def test_machines_that_hang_or_cannot_be_reached_bound_the_rollout_and_stop_no_other(
    fleet: Fleet, rolled_out: Job
) -> None:
    """One hangs before the login, one hangs after it, one is cut off; the fourth is there to be enrolled again."""
    hanging, slow, island = fleet["myia-po-2023"], fleet["myia-po-2025"], fleet["myia-web1"]
    assert rolled_out.run("uninstall", "--limit", "myia-po-2024").code == 0
    hanging.hang()
    slow.run("mv", "/usr/bin/python3", "/usr/bin/python3.real")
    slow.run("sh", "-c", "printf '#!/bin/sh\\nsleep 3600\\n' >/usr/bin/python3; chmod 755 /usr/bin/python3")
    island.partition()
    wait_for("the hanging machine to be offline", lambda: rolled_out.observed(hanging.name) == "offline")
    try:
        answer = rolled_out.run("rollout")
        assert answer.code == 1, str(answer)
        assert answer.seconds < 60, str(answer)
        for host in (hanging, slow, island):
            assert host.name in answer.out + answer.err, str(answer)
        words = {row["machineId"]: row["observed"] for row in rolled_out.validate()["machines"]}
        assert words["myia-po-2024"] == "online"
        assert words[island.name] == words[slow.name] == "online", "the share still shows what SSH cannot reach"
        assert words[hanging.name] == "offline"
    finally:
        hanging.unhang()
        slow.run("mv", "/usr/bin/python3.real", "/usr/bin/python3")
        island.heal()
    again = rolled_out.run("rollout")
    assert again.code == 0, str(again)


def test_machines_whose_share_fails_are_refused_before_anything_is_put_on_them(fleet: Fleet, job: Job) -> None:
    read_only, gone, hung = fleet["myia-po-2023"], fleet["myia-po-2025"], fleet["myia-web1"]
    before = disks(fleet)
    read_only.share_ro()
    gone.share_gone()
    hung.share_hung()
    try:
        answer = job.run("rollout")
        assert answer.code == 1, str(answer)
    finally:
        read_only.share_rw()
        gone.share_back()
        hung.share_back()
    after = disks(fleet)
    assert {name for name in before if before[name] != after[name]} == {"myia-po-2024"}
    words = {row["machineId"]: row["observed"] for row in job.validate()["machines"] if row["expected"] == "online"}
    assert words == {"myia-po-2024": "online", read_only.name: "unknown", gone.name: "unknown", hung.name: "unknown"}


def test_a_machine_with_another_name_is_refused_before_anything_is_put_on_it(fleet: Fleet, job: Job) -> None:
    text = job.inventory.read_text("utf-8").replace("'myia-web1'", "'myia-web2'")
    job.inventory.write_text(text, "utf-8")
    before = fleet["myia-web1"].disk.files(*MOVING)
    answer = roosync_ops("rollout", "--inventory", job.inventory, "--shared", job.shared)
    assert answer.code == 1, str(answer)
    assert "myia-web1" in answer.out + answer.err
    assert fleet["myia-web1"].disk.files(*MOVING) == before


def test_a_power_cut_loses_neither_the_machine_nor_its_sequence(fleet: Fleet, rolled_out: Job) -> None:
    host = fleet["myia-po-2024"]
    number = sequence(fleet.share, host.name)
    host.power_cut()
    assert record(fleet.share, host.name)["agent"]["state"] == "running"
    host.power_on()
    wait_for("a newer beat", lambda: sequence(fleet.share, host.name) > number)
    assert rolled_out.run("validate", "--wait", "20").code == 0


def lay(host: Host, tmp_path: Path, name: str, old: str, new: str) -> str:
    """Make another build the one to run on a host, as a rollout of it would; return its buildId."""
    built = a_build(tmp_path / "other.pyz", name, old, new)
    host.put(tmp_path / "other.pyz", f"/var/lib/roosync/{built.file_name}")
    host.run("sed", "-i", f"s/agent-[0-9a-f]*[.]pyz/{built.file_name}/g", "/var/lib/roosync/agent.pyz")
    return built.build_id


def test_an_upgrade_leaves_the_unit_as_it_was_and_a_stop_after_it_reads_as_left(
    fleet: Fleet, rolled_out: Job, tmp_path: Path
) -> None:
    name = "myia-po-2024"
    host, controller = fleet[name], next(host for host in rolled_out.controllers if host.machine_id == name)
    unit = host.run("cat", "/etc/systemd/system/roosync-heartbeat.service")
    assert '/agent.pyz" "run"' in unit
    old = lay(host, tmp_path, "roosync_ops/agent/answer.py", "import json", "import json\nOLD = 'a line more'")
    host.run("python3", "/var/lib/roosync/agent.pyz", "restart")
    assert controller.agent("status")["loopBuildId"] == old
    answer = rolled_out.run("rollout", "--limit", name)
    assert answer.code == 0, str(answer)
    assert controller.agent("status")["loopBuildId"] == controller.agent("status")["buildId"] != old
    assert host.run("cat", "/etc/systemd/system/roosync-heartbeat.service") == unit
    host.run("systemctl", "stop", "roosync-heartbeat.service")
    assert record(fleet.share, name)["agent"]["state"] == "left"


def test_a_build_that_cannot_be_imported_is_replaced_at_the_first_attempt(
    fleet: Fleet, rolled_out: Job, tmp_path: Path
) -> None:
    name = "myia-po-2024"
    host, number = fleet[name], sequence(fleet.share, name)
    lay(host, tmp_path, "roosync_ops/agent/main.py", "import sys", "import no_such_module, sys")
    host.run("systemctl", "kill", "-s", "KILL", "roosync-heartbeat.service")
    wait_for("systemd to try it", lambda: "no_such_module" in host.run("journalctl", "-u", "roosync-heartbeat"))
    answer = rolled_out.run("rollout", "--limit", name)
    assert answer.code == 0, str(answer)
    wait_for("a newer beat", lambda: sequence(fleet.share, name) > number)


def test_restart_is_another_process_that_goes_on_counting(fleet: Fleet, rolled_out: Job) -> None:
    name = "myia-po-2024"
    controller = next(host for host in rolled_out.controllers if host.machine_id == name)
    pid, number = controller.agent("status")["pid"], sequence(fleet.share, name)
    answer = rolled_out.run("restart", "--limit", name)
    assert answer.code == 0, str(answer)
    assert controller.agent("status")["pid"] not in (pid, None)
    wait_for("a newer beat", lambda: sequence(fleet.share, name) > number)
