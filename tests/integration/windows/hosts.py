"""Windows-like hosts as the product's tests drive them, in a fleet with the procedure's other machines."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from roosync_ops.lab.fleet import LabFleet
from roosync_ops.lab.replica import FolderReplica
from roosync_ops.lab.replicator import Replicator, stepping
from roosync_ops.lab.scenario import PROCEDURE
from tests.acceptance.main_job import Controller, Job
from tests.kits.hosts import wait_for
from tests.kits.product import Agent, Answer
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec

#: How long between two beats, and how long without one is offline, in ms.
INTERVAL_MS, TIMEOUT_MS = 2_000, 12_000
#: As a fresh Python installation leaves it, for a user whose name is no ASCII.
FRESH = WinHostSpec(
    "MYIA-PO-2024", user_profile="Élodie Dupont", python=r"C:\users\Élodie Dupont\AppData\Local\Programs\Python 3"
)
#: Its SSH sessions see no drive.
BLIND = WinHostSpec("MYIA-PO-2023", drive_in_ssh=False, py=True)
#: The procedure's other machines: one of the lab's, and two that are off.
PARTS = [part for part in PROCEDURE if part.group != "enroll"]
TASKS = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree\roosync-ops"


class OnWindows:
    """A host of the kit as the acceptance drives it."""

    def __init__(self, host: WinHost) -> None:
        self.host = host
        self.machine_id = host.name.lower()
        self._before = host.files()
        python = host.spec.python or "python"
        self._agent = Agent(self._shell, f'"{python}\\python.exe" -I -S "%LOCALAPPDATA%\\roosync\\agent.pyz"')

    def agent(self, verb: str) -> dict[str, Any]:
        return self._agent(verb)

    def kill_agent(self, pid: int) -> None:
        self.host.kill(pid)

    def reboot(self) -> None:
        self.host.restart()

    def power_off(self) -> None:
        self.host.power_off()

    def power_on(self) -> None:
        self.host.power_on()

    def changed(self) -> dict[str, str]:
        """Every file that is not as it was before the product came."""
        now = self.host.files()
        return {path: digest for path, digest in now.items() if self._before.get(path) != digest}

    def left_behind(self) -> list[str]:
        found = [path for path in self.changed() if "roosync" in path.lower() or "agent.pyz" in path]
        found += [line for _, line in self.host.processes() if "agent.pyz" in line]
        return [*found, TASKS] if self._has_our_folder_of_tasks() else found

    def _has_our_folder_of_tasks(self) -> bool:
        """The stand-in for the task service sees a second later that its folder was removed through COM."""
        try:
            wait_for("the folder of tasks to go", lambda: self.host.run("reg", "query", TASKS).returncode != 0)
        except TimeoutError:
            return True
        return False

    def _shell(self, line: str) -> Answer:
        done = self.host.ssh(line, check=False)
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode("utf-8", "replace"), 0)


@contextmanager
def job_on(fleet: WinFleet, folder: Path, timeout_ms: int = TIMEOUT_MS) -> Iterator[Job]:
    """The procedure's six machines: Windows-like hosts, one of the lab's that is active, two that are off."""
    with ExitStack() as stack:
        lab = stack.enter_context(LabFleet(PARTS))
        lab.activate("myia-po-2025")
        replicas = {host.name: FolderReplica(host.share) for host in fleet}
        stack.enter_context(stepping(Replicator({"observer": FolderReplica(lab.shared), **replicas})))
        inventory = folder / "inventory.py"
        inventory.write_text(f"{lab.inventory.read_text('utf-8')}\n{enrolled(fleet, timeout_ms)}", "utf-8")
        controllers: list[Controller] = [OnWindows(host) for host in fleet]
        yield Job(inventory, lab.shared, controllers)


def on(job: Job, name: str) -> OnWindows:
    found = next(host for host in job.controllers if host.machine_id == name)
    assert isinstance(found, OnWindows)
    return found


def enrolled(fleet: WinFleet, timeout_ms: int) -> str:
    """Return the inventory's group of Windows machines."""
    ssh = {"ssh_key": str(fleet.key), "ssh_known_hosts_file": str(fleet.known_hosts), "ssh_allow_agent": False}
    lines = []
    for host in fleet:
        fields: dict[str, Any] = {"system": "windows", "host": host.address, "port": host.port, "user": host.user}
        fields |= {"ssh": ssh, "shared": host.shared, "share_deadline": 5}
        fields |= {"heartbeat_interval": INTERVAL_MS, "offline_timeout": timeout_ms}
        lines.append(f"    machine({host.name.lower()!r}, **{fields!r}),\n")
    return f"enroll = [\n{''.join(lines)}]\n"


def speed(host: WinHost, faster: float) -> None:
    """Have a minute of the host's task service last a second / `faster`."""
    (host.prefix / "drive_c" / "winlab" / "tasks" / "state" / "speed").write_text(f"{faster:g}")
