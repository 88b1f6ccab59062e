"""One machine of the lab as a folder: its home, its replica of the shared folder, its environment."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE

from .guardian import LAB_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

#: The account every lab machine knows. It is no account of this computer: everything runs as whoever started the lab.
USER = "lab"
#: As on the real machines, space and all.
DRIVE = "Mon Drive/Synchronisation/RooSync/.shared-state"
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
#: How long a command that the lab itself runs on a machine may take, in seconds.
COMMAND_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class LabHost:
    """A machine's name, and where it lies on this computer.

    `inside` makes of a command one that runs on the machine's own mounts, where it has them.
    """

    name: str
    home: Path
    lab_id: str
    inside: Callable[[Sequence[str]], list[str]] = field(default=list, compare=False)

    @property
    def shared(self) -> Path:
        return self.home / DRIVE

    @property
    def drive(self) -> Path:
        """What is mounted and can be unmounted: the share lies in it."""
        return self.home / DRIVE.split("/", 1)[0]

    @property
    def local_dir(self) -> Path:
        return self.home / ".local" / "state" / "roosync"

    @property
    def agent(self) -> Path:
        return self.local_dir / "agent.pyz"

    @property
    def marks(self) -> tuple[str, str]:
        """What every process of this machine carries in its environment."""
        return f"{LAB_VARIABLE}={self.lab_id}", f"{LAB_HOSTNAME_VARIABLE}={self.name}"

    def make(self) -> None:
        """Make the home. Its `python3` is the Python that runs the lab, bare: no package of the operator's.

        `agent VERB` there is this machine's agent, told where its folder is: without that, root's agent would use this
        computer's own.
        """
        for folder in (self.shared, self.home / "tmp", self.home / "run"):
            folder.mkdir(parents=True)
        commands = self.home / "bin"
        commands.mkdir()
        (commands / "python3").symlink_to(os.path.realpath(sys.executable))
        _script(commands / "hostname", f"echo {shlex.quote(self.name)}")
        agent = f'{shlex.quote(str(self.agent))} "$@" --local-dir {shlex.quote(str(self.local_dir))}'
        _script(commands / "agent", f"exec python3 {agent}")
        _script(
            commands / "uname",
            f'[ "$*" = -n ] && exec echo {shlex.quote(self.name)}\nPATH={_SYSTEM_PATH}\nexec uname "$@"',
        )

    def environment(self) -> dict[str, str]:
        """Return all that a process of this machine knows of the world; nothing of the operator's own is in it."""
        home = str(self.home)
        return {
            "HOME": home,
            "USER": USER,
            "LOGNAME": USER,
            "SHELL": "/bin/sh",
            "LANG": "C.UTF-8",
            "PATH": f"{home}/bin:{_SYSTEM_PATH}",
            "TMPDIR": str(self.home / "tmp"),
            "PS1": f"{USER}@{self.name}$ ",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_CACHE_HOME": f"{home}/.cache",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "XDG_STATE_HOME": f"{home}/.local/state",
            "XDG_RUNTIME_DIR": f"{home}/run",
            "ROOSYNC_SHARED_PATH": str(self.shared),
            **dict(mark.split("=", 1) for mark in self.marks),
        }

    def run(self, command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        """Run a command as a session on the machine would, without the network. Raises TimeoutExpired.

        Its output goes to files: waiting for the end of a pipe would be waiting for whatever it left running.
        """
        own = self.home / "tmp"
        with tempfile.TemporaryFile(dir=own) as output, tempfile.TemporaryFile(dir=own) as errors:
            done = subprocess.run(  # noqa: S603 - the command is the lab's own
                self.inside(command),
                cwd=self.home,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                timeout=COMMAND_TIMEOUT_S,
                check=False,
            )
            return subprocess.CompletedProcess(command, done.returncode, _whole(output), _whole(errors))


def _whole(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
