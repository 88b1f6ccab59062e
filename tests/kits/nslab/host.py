"""One host: its power, its console, its login, its cable and, from share.py, its view of the share."""

import os
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.kits.hosts import PATIENCE_S, CommandError, HostDownError, sh, wait_for

from .cgroup import Cgroup
from .disk import Disk
from .share import MOUNT, ShareFaults
from .slot import Slot

#: nspawn's exit code when the host asked for a reboot: with --keep-unit whoever started it starts it again.
_REBOOT = 133
#: Starts a program as a member of the groups whose files are named before `--`.
_JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 98; shift; done; shift; exec "$@"'


@dataclass(frozen=True)
class HostSpec:
    """What is asked of a host: its name, and the Debian suite (so the CPython) it runs."""

    name: str
    suite: str = "bookworm"


class Host(ShareFaults):
    """A host of a running Fleet. `share` is the folder, on this machine, that the host sees as SHARED."""

    def __init__(self, spec: HostSpec, octet: int, slot: Slot, folder: Path, share: Path) -> None:
        super().__init__()
        self.name = spec.name
        self.suite = spec.suite
        self.address = f"{slot.network}.{octet}"
        self.share = share
        self.disk = Disk(folder)
        self.ssh_config = folder.parent.parent / "ssh_config"
        self._bridge = slot.bridge
        self._machine = slot.machine(octet)
        self._cable = slot.veth(octet)
        self._group = Cgroup(slot.group, spec.name)
        self._console = folder / "console.log"
        self._powered = threading.Event()
        self._hardware: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Host {self.name} ({self.suite}) {self.address}>"

    # --- power

    @property
    def is_on(self) -> bool:
        return self._hardware is not None and self._hardware.is_alive()

    @property
    def pid1(self) -> int:
        """The host's systemd, as this machine numbers it. Raises HostDownError."""
        pid = self._group.first("payload/init.scope")
        if pid is None:
            raise HostDownError(f"{self.name} is off")
        return pid

    @property
    def boot_id(self) -> str:
        return self.run("cat", "/proc/sys/kernel/random/boot_id").strip()

    def power_on(self) -> None:
        """Switch the host on; `wait_ready` tells when it answers."""
        if not self.is_on:
            self._powered.set()
            self._hardware = threading.Thread(target=self._run_hardware, name=self.name, daemon=True)
            self._hardware.start()

    def power_off(self, timeout: float = PATIENCE_S) -> None:
        """Shut down in good order, as the button on the case does, and wait until the host is off."""
        self.run("systemctl", "poweroff", "--no-block")
        self._wait_off(timeout)

    def power_cut(self) -> None:
        """Take the power away: every process of the host ends at the same instant."""
        self._powered.clear()
        self._group.kill()
        self._wait_off(PATIENCE_S)

    def reboot(self) -> None:
        """Reboot in good order, and wait until the host answers again."""
        before = self.pid1
        self.run("systemctl", "reboot", "--no-block")
        wait_for(f"{self.name} to reboot", lambda: self._is_up_as_another(before))
        self.wait_ready()

    def wait_ready(self, timeout: float = PATIENCE_S) -> str:
        """Wait until the host answers ssh and its systemd has settled; returns `running` or `degraded`."""
        try:
            return wait_for(f"{self.name} to be ready", self._settled, timeout, every=0.2)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; its console ends: {self._console_tail()}") from None

    # --- hanging, and the cable

    def hang(self) -> None:
        """Freeze every process of the host: TCP still connects, nothing answers. The console still works."""
        self._group.freeze(True, "payload")

    def unhang(self) -> None:
        self._group.freeze(False, "payload")

    def partition(self) -> None:
        """Pull the network cable. A share that is a folder of this machine is not affected."""
        sh("ip", "link", "set", self._cable, "down")

    def heal(self) -> None:
        sh("ip", "link", "set", self._cable, "up")

    def mend(self) -> None:
        """End every fault; switch the host on and wait for it where it is off."""
        if self.is_on:
            self.unhang()
            self.heal()
            self.share_back()
            self.share_rw()
        else:
            self.power_on()
            self.wait_ready()

    # --- inside

    def run(self, *argv: str, timeout: float = PATIENCE_S, input: str | None = None) -> str:  # noqa: A002 - as subprocess
        """Run a program at the host's console, as root, network or not. Raises CommandError, HostDownError."""
        return sh("nsenter", "-t", str(self.pid1), "-a", "--", *argv, timeout=timeout, input=input)

    def ssh(
        self, command: str, *, user: str = "root", timeout: float = PATIENCE_S, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command line over OpenSSH, host key checked. Raises CommandError unless `check` is false."""
        argv = ("ssh", "-F", str(self.ssh_config), "-l", user, self.name, command)
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
        )
        if check and done.returncode != 0:
            raise CommandError(f"{self.name}: {command!r} exited {done.returncode}: {done.stderr or done.stdout}")
        return done

    def put(self, file: Path, path: str, *, user: str = "root") -> None:
        """Copy a file of this machine to `path` on the host, over SFTP, as `user`."""
        sh("scp", "-q", "-F", str(self.ssh_config), str(file), f"{user}@{self.name}:{path}")

    def _run_hardware(self) -> None:
        with self._console.open("ab") as console:
            while self._powered.is_set():
                self._group.renew()
                done = subprocess.run(
                    self._argv(),
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=console,
                    env=_ENVIRONMENT,
                    check=False,
                )
                if done.returncode != _REBOOT:
                    break

    def _argv(self) -> Sequence[str]:
        groups = [str(path / "cgroup.procs") for path in self._group.paths]
        return (
            *("sh", "-c", _JOIN, "join", *groups, "--"),
            *("systemd-nspawn", "--quiet", "--boot", "--settings=no", "--register=no", "--keep-unit"),
            *(f"--directory={self.disk.root}", f"--machine={self._machine}", f"--hostname={self.name}"),
            *(f"--network-bridge={self._bridge}", f"--bind={self.share.parent}:{MOUNT}"),
            *("--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=read-only"),
        )

    def _wait_off(self, timeout: float) -> None:
        if self._hardware is not None:
            self._hardware.join(timeout)
        if self.is_on:
            raise TimeoutError(f"{self.name} is still on after {timeout:g} s: {self._console_tail()}")
        self._group.kill()
        self.uncovered()

    def _is_up_as_another(self, before: int) -> bool:
        """Told from outside: systemd-shutdown stops all it finds, and an nsenter whose child stopped stops for good."""
        try:
            return self.pid1 != before
        except HostDownError:
            return False

    def _settled(self) -> str | None:
        try:
            said = self.ssh("systemctl is-system-running --wait", timeout=20, check=False).stdout.strip()
        except subprocess.TimeoutExpired:
            return None
        return said if said in ("running", "degraded") else None

    def _console_tail(self) -> str:
        return self._console.read_text("utf-8", "replace")[-1000:].strip() if self._console.exists() else "(silent)"


_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    # a host's systemd may be newer than this machine's, and takes the unified hierarchy alone
    "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
}
