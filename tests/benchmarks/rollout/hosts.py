"""Simulated machines: one real OpenSSH server each, on a loopback port, with its own home and its own name.

They share one kernel, so the processor time they use is part of what both sides are timed with: where control groups
can be made (as root), it is counted apart.
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
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or "/usr/sbin/sshd"
#: The machines' Python: the system's own, which is what a login finds on a real machine.
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
USER = getpass.getuser()
#: How long servers may take to listen, and processes to end, in seconds.
PATIENCE_S = 30.0


class HostsError(RuntimeError):
    """The simulated machines could not be started, or would not go."""


@dataclass(frozen=True)
class Host:
    """One simulated machine: its machineId, the port of its SSH server, its home."""

    machine_id: str
    port: int
    home: Path

    @property
    def local_dir(self) -> Path:
        return self.home / "roosync"


class Hosts:
    """`count` machines under a folder of their own; a context manager that leaves nothing behind.

    Raises HostsError where a server does not come up, or where a process outlives the end.
    """

    def __init__(self, count: int) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="rsb-"))
        self.shared = self.root / "shared"
        self.key = self.root / "id"
        self.known_hosts = self.root / "known_hosts"
        # Every process of a machine carries it in its environment: the handle by which all of them are found again.
        self._token = f"ROOSYNC_BENCHMARK={secrets.token_hex(8)}"
        self._servers: list[subprocess.Popen[bytes]] = []
        self.all = tuple(
            Host(f"bench-{number:03d}", port, self.root / f"h{number:03d}")
            for number, port in enumerate(_free_ports(count), start=1)
        )

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def server_pids(self) -> list[int]:
        return [server.pid for server in self._servers]

    def reset(self) -> None:
        """Stop every agent and empty every home and the share: machines nothing was ever rolled out to."""
        self._end_sessions()
        for folder in (self.shared, *(host.home for host in self.all)):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

    def agents(self) -> int:
        """Count the processes that run on the machines beside their servers."""
        return len(list(self._sessions()))

    def close(self) -> None:
        """End every process of the machines by its id, see that all are gone, and remove the folder."""
        try:
            for server in self._servers:
                server.terminate()
            for server in self._servers:
                server.wait(PATIENCE_S)
            self._end_sessions()
        finally:
            shutil.rmtree(self.root, ignore_errors=True)
        if self.root.exists():
            raise HostsError(f"{self.root}: could not be removed")

    def _start(self) -> None:
        for name in (self.key, self.root / "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(name)], check=True)
        if USER == "root":  # sshd's own rule: its unprivileged half wants this folder
            Path("/run/sshd").mkdir(exist_ok=True)
        public = " ".join((self.root / "host_key.pub").read_text().split()[:2])
        self.known_hosts.write_text("".join(f"[127.0.0.1]:{host.port} {public}\n" for host in self.all))
        self.reset()
        for host in self.all:
            self._servers.append(self._serve(host))
        for host in self.all:
            _wait_for_port(host.port)

    def _serve(self, host: Host) -> subprocess.Popen[bytes]:
        config = self.root / f"{host.machine_id}.conf"
        config.write_text(
            f"ListenAddress 127.0.0.1\nPort {host.port}\nHostKey {self.root}/host_key\nPidFile none\n"
            f"AuthorizedKeysFile {self.key}.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            f"PermitRootLogin prohibit-password\nMaxStartups 100\nSubsystem sftp internal-sftp\n"
            f"SetEnv HOME={host.home} {LAB_HOSTNAME_VARIABLE}={host.machine_id} {self._token}\n"
        )
        with (self.root / f"{host.machine_id}.log").open("wb") as log:
            return subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log, start_new_session=True
            )

    def _sessions(self) -> Iterator[int]:
        token = self._token.encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if token in (entry / "environ").read_bytes().split(b"\0"):
                        yield int(entry.name)

    def _end_sessions(self) -> None:
        """Ask every process of the machines to end, agents among them; after a while, insist."""
        deadline = time.monotonic() + PATIENCE_S
        while pids := list(self._sessions()):
            late = time.monotonic() - deadline + PATIENCE_S / 2
            if late > PATIENCE_S / 2:
                raise HostsError(f"processes would not end: {pids}")
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if late > 0 else signal.SIGTERM)
            time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise HostsError(f"no SSH server came up on port {port}")
