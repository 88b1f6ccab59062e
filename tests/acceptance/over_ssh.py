"""A host as anybody with the OpenSSH client may break it: no console, no switch. For fleets that are really there."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any, Self

from roosync_ops.fleet import Machine

_LIMIT_S = 90


@dataclass(frozen=True)
class OverSsh:
    """One machine of an inventory. `folder` is where its agent lives, `python` what starts it there."""

    machine_id: str
    ssh: tuple[str, ...]
    windows: bool
    python: str
    folder: str

    @classmethod
    def of(cls, machine: Machine) -> Self:
        """Take everything from the inventory's line; cmd.exe is expected to be the shell of a Windows machine."""
        windows = machine.system == "windows"
        folder = machine.local_dir or (r"%LOCALAPPDATA%\roosync" if windows else "~/.local/state/roosync")
        python = machine.python or ("py" if windows else "python3")
        return cls(machine.machine_id, _ssh(machine), windows, python, folder)

    def agent(self, verb: str) -> dict[str, Any]:
        slash, quote = ("\\", '"') if self.windows else ("/", "")
        said = self._run(f"{self.python} {quote}{self.folder}{slash}agent.pyz{quote} {verb} --json")
        document = json.loads(said)
        assert isinstance(document, dict), said
        return document

    def kill_agent(self, pid: int) -> None:
        self._run(f"taskkill /F /PID {pid}" if self.windows else f"kill -9 {pid}")

    def left_behind(self) -> list[str]:
        if self.windows:
            listing = self._run(f'schtasks /Query /FO CSV /NH & if exist "{self.folder}" echo folder roosync')
        else:
            listing = self._run(f"ls -d {self.folder} 2>/dev/null; systemctl list-unit-files --no-legend 'roosync*'")
        return [line for line in listing.splitlines() if "roosync" in line]

    def _run(self, command: str) -> str:
        done = subprocess.run(
            (*self.ssh, command), capture_output=True, text=True, timeout=_LIMIT_S, check=False, errors="replace"
        )
        assert done.returncode in (0, 1), f"{self.machine_id}: {command}: {done.stderr or done.stdout}"
        return done.stdout


def _ssh(machine: Machine) -> tuple[str, ...]:
    options = {"ssh_key": "-i", "ssh_config_file": "-F"}
    words = [word for key, flag in options.items() if key in machine.ssh for word in (flag, str(machine.ssh[key]))]
    if "ssh_known_hosts_file" in machine.ssh:
        words += ["-o", f"UserKnownHostsFile={machine.ssh['ssh_known_hosts_file']}"]
    if machine.port:
        words += ["-p", str(machine.port)]
    if machine.user:
        words += ["-l", machine.user]
    return ("ssh", "-o", "BatchMode=yes", *words, machine.host or machine.machine_id)
