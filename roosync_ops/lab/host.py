"""One machine of the lab as a folder: its home, its replica of the shared folder, its environment and its mounts.

Mounts of its own are made by mounts.py, a program that this end starts and asks for covers of the share.
"""

import json
import os
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from roosync_ops import process
from roosync_ops.wire import local
from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE

from .guardian import LAB_VARIABLE

LOOPBACK = "127.0.0.1"
#: The account every lab machine knows. It is no account of this computer: all runs as the user who started the lab.
USER = "lab"
#: As on the real machines, space and all.
DRIVE = "Mon Drive/Synchronisation/RooSync/.shared-state"
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
#: How long a command that the lab itself runs on a machine may take, in seconds.
COMMAND_TIMEOUT_S = 20.0
#: A mount is made in a millisecond; this is for a computer that is busy, in seconds.
_MOUNT_S = 15.0
#: Enters in the machine's own home: a working directory from outside would lead around what covers the share.
_INSIDE = 'cd "$0" && exec "$@"'
#: Our own package and nothing else is to be found by it.
_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from roosync_ops.lab.mounts import main; sys.exit(main())"


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

    def run(self, command: Sequence[str]) -> process.Ended:
        """Run a command as a session on the machine would, without the network. Raises ChildError."""
        at_home = ["/bin/sh", "-c", _INSIDE, str(self.home), *command]
        return process.within(COMMAND_TIMEOUT_S, self.inside(at_home), environment=self.environment())


class Nest:
    """A machine's own mounts, where this computer lets us have them.

    `problem` says why not, and is empty where they are there; it is known once `settle` has returned.
    """

    def __init__(self, home: Path, share: Path, lab_id: str) -> None:
        self._home = home
        self._share = share
        self._lab_id = lab_id
        self._process: subprocess.Popen[bytes] | None = None
        self.problem = "not started"

    def __enter__(self) -> Self:
        """Begin to make them: `settle` waits for that, so that six machines' are made at once."""
        self.problem = "" if sys.platform == "linux" else "only Linux has them"
        self._nsenter = shutil.which("nsenter")
        if not self.problem and self._nsenter is None:
            self.problem = "nsenter (util-linux) is not installed"
        if not self.problem:
            self._process = subprocess.Popen(  # noqa: S603 - our own file, by path
                [sys.executable, "-I", "-S", "-c", _PROGRAM, str(Path(__file__).parents[2]), str(self._share)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={LAB_VARIABLE: self._lab_id},
                start_new_session=True,
            )
        return self

    def settle(self) -> None:
        """Wait until the mounts are there, and a process has been inside; otherwise say in `problem` why not."""
        if self._process is None:
            return
        try:
            self._answer()
            self._spaces = _spaces(self._process.pid)
            subprocess.run(self.inside(["true"]), check=True, capture_output=True, timeout=_MOUNT_S)  # noqa: S603 - ours
        except (OSError, subprocess.SubprocessError) as error:
            self.problem = str(error)
            self.__exit__(None, None, None)

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None or process.stdout is None:
            return
        process.stdin.close()
        try:
            process.wait(_MOUNT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return `command` as it is to be started so that it runs on the machine's own mounts, in its home."""
        if self.problem or self._process is None:
            return list(command)
        enter = [str(self._nsenter), "-t", str(self._process.pid), *self._spaces, "--"]
        return [*enter, "/bin/sh", "-c", _INSIDE, str(self._home), *command]

    def cover(self, kind: str) -> None:
        """Make the share hang, full or read-only for the machine's processes. Raises OSError."""
        self._ask({"cover": kind})

    def uncover(self) -> None:
        """Show the machine its share again. Raises OSError."""
        self._ask({"uncover": True})

    def _ask(self, request: dict[str, Any]) -> None:
        if self.problem or self._process is None or self._process.stdin is None:
            raise OSError(self.problem)
        try:
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise OSError("the process that holds them is gone") from None
        self._answer()

    def _answer(self) -> None:
        line = b""
        if self._process is not None and self._process.stdout is not None:
            ready = select.select([self._process.stdout], [], [], _MOUNT_S)[0]
            line = self._process.stdout.readline() if ready else b""
        answer: dict[str, Any] = {}
        with suppress(ValueError):
            answer = json.loads(line)
        if not answer.get("ok"):
            raise OSError(answer.get("error") or "no answer from the process that holds them")


def _spaces(pid: int) -> list[str]:
    """Return which of the name spaces of `pid` are not ours, as nsenter's options."""
    others = Path(f"/proc/{pid}/ns/user").readlink() != Path("/proc/self/ns/user").readlink()
    return ["-U", "--preserve-credentials", "-m"] if others else ["-m"]


def _script(path: Path, body: str) -> None:
    local.write(str(path), f"#!/bin/sh\n{body}\n".encode(), 0o755)
