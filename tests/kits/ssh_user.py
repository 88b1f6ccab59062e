"""Who types `ssh NAME`: a home with a configuration and known keys, OpenSSH's own client as control, and our answer."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from roosync_ops.fleet import Machine
from roosync_ops.transport.link import LinkError, Patience
from roosync_ops.transport.ssh import OpenSsh
from tests.kits import hosts
from tests.kits.hosts import wait_for
from tests.kits.sshd import USER, Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Generous: a busy computer agrees on keys slowly.
PATIENCE = Patience(10, 20, 30)
IN = "in"


class User:
    """Who types `ssh NAME`: a home with a configuration, and the keys it knows."""

    def __init__(self, home: Path, fleet: Fleet) -> None:
        self.home, self.fleet = home, fleet
        self.ssh = home / ".ssh"
        self.ssh.mkdir(mode=0o700)
        self.known(fleet.known_hosts.read_text())

    @property
    def host_key(self) -> str:
        return " ".join((self.fleet.root / "host_key.pub").read_text().split()[:2])

    def known(self, text: str | bytes, name: str = "known_hosts") -> Path:
        path = self.ssh / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def lines(self, *names: str) -> str:
        return "".join(f"[127.0.0.1]:{self.fleet[name].port} {self.host_key}\n" for name in names)

    def block(self, name: str, more: str = "") -> str:
        return f"Host {name}\n  HostName 127.0.0.1\n  Port {self.fleet[name].port}\n{more}"

    @property
    def login(self) -> str:
        return f"Host *\n  User {USER}\n  IdentityFile {self.fleet.key}\n"

    def config(self, *parts: str) -> None:
        path = self.ssh / "config"
        path.write_text("".join(parts))
        path.chmod(0o600)

    def control(self, name: str) -> bool:
        """Tell whether OpenSSH's own client gets in. It asks passwd for its home, and is told of this one."""
        file = self.home / "control"
        usual = f"Host *\n  UserKnownHostsFile {self.ssh}/known_hosts\n"
        file.write_text((self.ssh / "config").read_text() + "\n" + usual)
        words = ["ssh", "-F", str(file), "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", name, "echo", IN]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
        return done.stdout.strip().endswith(IN)


def ours(name: str, **fields: Any) -> str:
    """Return IN, or the code of why not."""
    try:
        said = OpenSsh(Machine.of(name, fields), PATIENCE).execute("cat", f"{IN}\n".encode(), timeout_s=60)
        return said.out.decode().strip()
    except LinkError as error:
        return error.code


def refused(name: str, patience: Patience = PATIENCE, **fields: Any) -> LinkError:
    try:
        OpenSsh(Machine.of(name, fields), patience).execute("true", timeout_s=60)
    except LinkError as error:
        return error
    raise AssertionError(f"{name} let us in")


@contextmanager
def agent(user: User, *keys: Path) -> Iterator[Path]:
    sock = user.home / f"agent-{len(keys)}-{time.monotonic_ns()}.sock"
    server = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        wait_for("ssh-agent", sock.exists)
        for key in keys:
            environment = {**os.environ, "SSH_AUTH_SOCK": str(sock)}
            subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, capture_output=True)
        yield sock
    finally:
        server.terminate()
        server.wait()


def new_key(user: User, name: str, passphrase: str = "") -> Path:
    path = user.ssh / name
    hosts.new_key(path, passphrase=passphrase)
    return path
