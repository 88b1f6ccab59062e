"""Real systemd hosts as the acceptance drives them: the procedure's six machines, four of them hosts of the kit."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.main_job import Controller, Job
from tests.kits.nslab import SHARED, Fleet, Host, HostSpec
from tests.kits.product import Agent, Answer

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
        if any(host.left_behind() for host in controllers):
            job.run("uninstall", "--yes")


def disks(fleet: Fleet) -> dict[str, dict[str, str]]:
    return {host.name: host.disk.files(*MOVING) for host in fleet}
