"""A fleet of real OpenSSH servers on loopback ports, each a machine with its own name, home, and share or replica.

Needs no root: each server runs as whoever runs the tests. The machines share one kernel, so their own name comes from
ROOSYNC_LAB_HOSTNAME. Everything that was started carries one token in its environment, and is ended by its id.
"""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE
from tests.kits.hosts import PATIENCE_S, QUICK_KEYS, free_ports, new_key, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
USER = getpass.getuser()
#: The machines' Python: the system's own, which is what a login finds on a real machine.
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable


def why_not() -> str | None:
    """Return why no such fleet can be started here, or None."""
    return None if SSHD else "no sshd (Debian: openssh-server)"


@dataclass(frozen=True)
class Host:
    """One machine: its machineId, its SSH port on 127.0.0.1, its home, and the share it sees."""

    machine_id: str
    port: int
    home: Path
    shared: Path

    @property
    def local_dir(self) -> Path:
        return self.home / "state" / "roosync"

    @property
    def heartbeat(self) -> Path:
        return self.shared / "heartbeats" / f"{self.machine_id}.json"


class Fleet:
    """The machines named, under `root`; a context manager that leaves no process behind. `root` is the caller's."""

    def __init__(
        self,
        root: Path,
        names: Sequence[str],
        *,
        hostnames: dict[str, str] | None = None,
        environments: dict[str, dict[str, str]] | None = None,
        keys: str = QUICK_KEYS,
    ) -> None:
        self.root = root
        self.shared = root / "shared"
        self.key = root / "id"
        self.known_hosts = root / "known_hosts"
        self._hostnames = hostnames or {}
        #: What else the processes of a machine have in their environment.
        self._environments = environments or {}
        self._keys = keys
        self._token = f"ROOSYNC_KIT={secrets.token_hex(8)}"
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self.hosts = tuple(
            Host(name, port, root / name, self.shared) for name, port in zip(names, free_ports(len(names)), strict=True)
        )

    def __getitem__(self, name: str) -> Host:
        return next(host for host in self.hosts if host.machine_id == name)

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts)

    def __enter__(self) -> Self:
        try:
            self._prepare()
            for host in self.hosts:
                self.up(host)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def up(self, host: Host) -> None:
        """Start a machine's server; returns when it answers."""
        with (self.root / f"{host.machine_id}.log").open("ab") as log:
            command = [str(SSHD), "-D", "-e", "-f", str(self._config(host))]
            self._servers[host.machine_id] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
        wait_for(f"an SSH server on port {host.port}", lambda: _answers(host.port))

    def down(self, host: Host) -> None:
        """End a machine's server: nothing listens there any more. Its agent goes on."""
        server = self._servers.pop(host.machine_id)
        server.terminate()
        server.wait(PATIENCE_S)

    def inventory(self, path: Path, *, extra: str = "", **fields: Any) -> Path:
        """Write an inventory of all machines, in a group `lab`, each with `fields`; `extra` is put below."""
        lines = [f"    machine({host.machine_id!r}, **{self.fields(host, **fields)!r})," for host in self.hosts]
        body = "\n".join(["from roosync_ops.fleet import machine", "", "lab = [", *lines, "]", extra, ""])
        path.write_text(body, encoding="utf-8")
        return path

    def fields(self, host: Host, **fields: Any) -> dict[str, Any]:
        """Return the fields of `machine(...)` for a machine of this fleet. Permanence is a process: no systemd here."""
        ssh = {"ssh_key": str(self.key), "ssh_known_hosts_file": str(self.known_hosts), "ssh_allow_agent": False}
        common = {
            "host": "127.0.0.1",
            "port": host.port,
            "user": USER,
            "shared": str(host.shared),
            "local_dir": str(host.local_dir),
            "python": PYTHON,
            "permanence": "process",
        }
        return {**common, "ssh": ssh, **fields}

    def sessions(self) -> list[int]:
        """Return the ids of all processes that run on the machines: sessions, supervisors, agents."""
        token, found = self._token.encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if token in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
        return found

    def close(self) -> None:
        """End every process of the machines by its id, and see that all are gone."""
        for server in self._servers.values():
            server.terminate()
        for server in self._servers.values():
            server.wait(PATIENCE_S)
        self._servers.clear()
        began = time.monotonic()
        while pids := self.sessions():
            late = time.monotonic() - began
            if late > PATIENCE_S:
                raise RuntimeError(f"processes would not end: {pids}")
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM if late < PATIENCE_S / 4 else signal.SIGKILL)
            time.sleep(0.1)

    def _prepare(self) -> None:
        for name in (self.key, self.root / "host_key"):
            new_key(name)
        if USER == "root":  # sshd's own rule: its unprivileged half wants this folder
            Path("/run/sshd").mkdir(exist_ok=True)
        public = " ".join((self.root / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text("".join(f"[127.0.0.1]:{host.port} {public}\n" for host in self.hosts))
        (self.shared / "dashboards").mkdir(parents=True, exist_ok=True)  # a shared state, where nobody has beaten yet
        for host in self.hosts:
            host.home.mkdir(exist_ok=True)

    def _config(self, host: Host) -> Path:
        config = self.root / f"{host.machine_id}.conf"
        hostname = self._hostnames.get(host.machine_id, host.machine_id)
        own = " ".join(f"{name}={value}" for name, value in self._environments.get(host.machine_id, {}).items())
        config.write_text(
            f"ListenAddress 127.0.0.1\nPort {host.port}\nHostKey {self.root}/host_key\nPidFile none\n"
            f"AuthorizedKeysFile {self.key}.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            f"PermitRootLogin prohibit-password\nMaxStartups 100\nSubsystem sftp internal-sftp\n{self._keys}"
            f"SetEnv HOME={host.home} {LAB_HOSTNAME_VARIABLE}={hostname} {self._token} {own}\n",
            encoding="utf-8",
        )
        return config


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port whose backlog is full: connections are not even refused, as with a machine that is off."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield int(server.getsockname()[1])
        for client in waiting:
            client.close()


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
