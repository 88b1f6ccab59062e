"""One host: its power, its console, its login, its drive, and what else runs on it."""

import contextlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.kits.hosts import PATIENCE_S, CommandError, HostDownError, child_process, wait_for

from . import wine
from .base import interpreter
from .disk import Disk

_PYTHON = r"C:\winlab\python\python.exe"
#: What others may do with a file that is held: read 1, write 2, delete or replace 4.
_SHARES = {"none": 0, "read": 1, "read-write": 3, "all": 7}
#: Well below the drive's root, which Wine itself looks at whenever a process starts.
_COLD = """
import sys
sys.path.insert(0, "/srv/kit")
from lab import mounts
mounts.TOUCH_S, mounts.COLD_S = map(float, sys.argv[1:])
share = mounts.CoveredShare("/srv/drive/g/Mon Drive/Synchronisation")
share.cover("cold")
print("cold", flush=True)
sys.stdin.read()
share.uncover()
"""
_SPACES = ("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")


class WinHost:
    """A host of a running WinFleet. `share` is the folder, on this machine, that the host sees as `shared`."""

    address = "127.0.0.1"
    user = wine.USER

    def __init__(self, disk: Disk, port: int, ssh_config: Path) -> None:
        self.spec = disk.spec
        self.name = disk.spec.name
        self.disk = disk
        self.port = port
        self.share = disk.share
        self.shared = disk.spec.shared
        self.ssh_config = ssh_config
        self._power: subprocess.Popen[bytes] | None = None
        self._init = -1

    def __repr__(self) -> str:
        return f"<WinHost {self.name} {self.address}:{self.port}>"

    # --- power

    @property
    def is_on(self) -> bool:
        return self._power is not None and self._power.poll() is None

    @property
    def pid1(self) -> int:
        """The host's first process, as this machine numbers it. Raises HostDownError."""
        if self._power is None or not self.is_on:
            raise HostDownError(f"{self.name} is off")
        children = Path(f"/proc/{self._power.pid}/task/{self._power.pid}/children").read_text("ascii").split()
        if not children:
            raise HostDownError(f"{self.name} is not on yet")
        return int(children[0])

    @property
    def prefix(self) -> Path:
        """The parent of drive_c, seen from this machine while the host is on; another path after each boot."""
        return Path(f"/proc/{self.pid1}/root/srv/prefix")

    @property
    def user_profile(self) -> str:
        return rf"C:\users\{self.spec.user}"

    def power_on(self, *, logon: bool = True) -> None:
        """Boot, and wait until the host answers SSH (1 to 4 s on a quiet machine). Raises TimeoutError, CommandError.

        Nobody is logged on yet where `logon` is false: SSH sessions work, tasks of the user do not start.
        """
        if self.is_on:
            return
        self.disk.set_logon(logon)
        ready = self.disk.kit / "ready"
        ready.unlink(missing_ok=True)
        command = (interpreter(), "-IS", str(self.disk.kit / "init.py"), str(self.disk.folder))
        with (self.disk.kit / "console.log").open("ab") as log:
            self._power = subprocess.Popen((*_SPACES, *command), stdin=subprocess.PIPE, stdout=log, stderr=log)
        wait_for(f"{self.name} to boot", lambda: ready.exists() or not self.is_on)
        if not self.is_on:
            raise CommandError(f"{self.name} did not boot: {self._last_words()}")
        self._init = os.pidfd_open(self.pid1)

    def power_off(self, timeout: float = PATIENCE_S) -> None:
        """Shut down in good order: processes end, the registry is written. Files and registry stay."""
        if self._power is None or self._power.stdin is None or not self.is_on:
            return
        self._power.stdin.write(b"off\n")
        self._power.stdin.flush()
        self._wait_off(timeout)

    def power_cut(self) -> None:
        """Take the power away: every process ends at the same instant; what Wine had not written is lost."""
        if self.is_on:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)
            self._wait_off(PATIENCE_S)

    def restart(self, *, logon: bool = True) -> None:
        """Shut down in good order, and boot."""
        self.power_off()
        self.power_on(logon=logon)

    def mend(self) -> None:
        """Switch the host on where it is off, give it its drive back, and log its user on."""
        self.power_on()
        if self.spec.drive:
            self.map_drive()
        self.logon()

    # --- inside

    def run(
        self,
        *argv: str,
        timeout: float = 120,
        input: bytes | None = None,  # noqa: A002 - as subprocess calls it
        elevated: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a Windows program at the console: in no SSH session and no job, seeing every drive.

        With the user's ordinary token, or "as administrator". Raises HostDownError and subprocess.TimeoutExpired.
        """
        environment = {**_line(argv), "WINLAB_TOKEN": "elevated" if elevated else "ordinary"}
        return subprocess.run(
            self._console(), input=input or b"", capture_output=True, timeout=timeout, check=False, env=environment
        )

    def ssh(
        self,
        line: str,
        *,
        check: bool = True,
        timeout: float = 120,
        input: bytes | None = None,  # noqa: A002 - as subprocess calls it
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a line of cmd.exe over OpenSSH, host key checked. Raises CommandError unless `check` is false."""
        argv = ("ssh", "-F", str(self.ssh_config), self.name, line)
        done = subprocess.run(argv, input=input or b"", capture_output=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout).decode("utf-8", "replace")
            raise CommandError(f"{self.name}: {line!r} exited {done.returncode}: {said}")
        return done

    def processes(self) -> list[tuple[int, str]]:
        """Return the Windows id and the command line of every process but the one that asks."""
        done = self.run(_PYTHON, "-I", "-S", r"C:\winlab\processes.py")
        listing = [(int(number), str(line)) for number, line in json.loads(done.stdout)]
        return [(number, line) for number, line in listing if "processes.py" not in line and "shell.exe" not in line]

    def kill(self, windows_pid: int) -> None:
        """End a process as the Task Manager does (TerminateProcess). Raises CommandError."""
        done = self.run(_PYTHON, "-I", "-S", r"C:\winlab\processes.py", "kill", str(windows_pid))
        if done.returncode != 0:
            raise CommandError(done.stderr.decode("utf-8", "replace"))

    @contextlib.contextmanager
    def hold(self, path: str, share: str = "read") -> Iterator[None]:
        """Have another Windows process keep a file open. `share`: what others may do: none, read, read-write, all."""
        argv = (_PYTHON, "-I", "-S", r"C:\winlab\hold.py", path, str(_SHARES[share]))
        pipe = subprocess.PIPE
        with child_process(self._console(), stdin=pipe, stdout=pipe, stderr=pipe, env=_line(argv)) as holder:
            assert holder.stdin
            assert holder.stdout
            if not select.select([holder.stdout], [], [], PATIENCE_S)[0] or not holder.stdout.readline():
                raise CommandError(f"{self.name}: {path} could not be held")
            yield
            holder.stdin.close()
            holder.wait(PATIENCE_S)

    def files(self) -> dict[str, str]:
        """See Disk.files."""
        return self.disk.files()

    # --- the drive and the logon session

    def unmap_drive(self) -> None:
        """Take G: away from every session, as when Drive for desktop ends."""
        if self.is_on:
            (self.prefix / "dosdevices" / "g:").unlink(missing_ok=True)
        else:
            self.disk.unmap_drive()

    def map_drive(self) -> None:
        self.unmap_drive()
        if self.is_on:
            (self.prefix / "dosdevices" / "g:").symlink_to("/srv/drive/g")
        else:
            self.disk.map_drive()

    @contextlib.contextmanager
    def cold_drive(self, touch_s: float = 30.0, cold_s: float = 60.0) -> Iterator[None]:
        """G: was just mounted: for a minute each touch of its folders takes half a minute (the lab's `cold`)."""
        cold = (interpreter(), "-IS", "-c", _COLD, str(touch_s), str(cold_s))
        enter = ("nsenter", "-t", str(self.pid1), "-m", "-p", "--", *cold)  # it reads /proc/self
        with child_process(enter, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cover:
            assert cover.stdin
            assert cover.stdout
            try:
                if cover.stdout.readline() != b"cold\n":
                    raise CommandError(f"{self.name}: the drive cannot be covered")
                yield
            finally:
                cover.stdin.close()
                cover.wait(PATIENCE_S)

    def logoff(self) -> None:
        """End the user's logon session: the task service ends what runs in it."""
        (self._state() / "session").unlink(missing_ok=True)

    def logon(self) -> None:
        (self._state() / "session").touch()

    def _state(self) -> Path:
        """The task service's control folder (see tasks/taskd.py)."""
        return self.prefix / "drive_c" / "winlab" / "tasks" / "state"

    def _console(self) -> tuple[str, ...]:
        enter = ("nsenter", "-t", str(self.pid1), "-m", "-u", "-p", "--")
        return (*enter, interpreter(), "-IS", "/srv/kit/session.py", "console")

    def _wait_off(self, timeout: float) -> None:
        poll = select.poll()
        poll.register(self._init, select.POLLIN)
        if self._power is None or not poll.poll(timeout * 1000):
            raise TimeoutError(f"{self.name} is still on after {timeout:g} s: {self._last_words()}")
        self._power.wait(timeout)
        if self._power.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._power.stdin.close()
        os.close(self._init)
        self._init = -1

    def _last_words(self) -> str:
        logs = [self.disk.kit / name for name in ("console.log", "sshd.log")]
        return " | ".join(log.read_text("utf-8", "replace")[-1000:].strip() for log in logs if log.exists())


def _line(argv: tuple[str, ...]) -> dict[str, str]:
    """Return the console's environment: the command line as Windows programs split it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "WINLAB_LINE": subprocess.list2cmdline(argv)}
