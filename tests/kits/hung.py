"""Machines that take a connection and hang at a certain point of it: before the greeting, at the keys, at the login."""

from __future__ import annotations

import socket
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import AUTH_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAGES = ("greeting", "keys", "login")


class _NeverLetsIn(paramiko.ServerInterface):
    """A server whose login asks something that never answers."""

    def __init__(self, over: threading.Event) -> None:
        self._over = over

    def get_allowed_auths(self, _user: str) -> str:
        return "publickey"

    def check_auth_publickey(self, _user: str, _key: paramiko.PKey) -> int:
        self._over.wait()
        return int(AUTH_FAILED)


@contextmanager
def hung_fleet(root: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """Give the fields of `machine(...)` for one machine that hangs at each of STAGES. Files go to `root`."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / "id")], check=True)
    host_key = paramiko.RSAKey.generate(2048)
    known_hosts = root / "known_hosts"
    ssh = {"ssh_key": str(root / "id"), "ssh_known_hosts_file": str(known_hosts), "ssh_allow_agent": False}
    with ExitStack() as stack:
        ports = {stage: stack.enter_context(_server(stage, host_key)) for stage in STAGES}
        known_hosts.write_text(
            "".join(f"[127.0.0.1]:{port} ssh-rsa {host_key.get_base64()}\n" for port in ports.values())
        )
        yield {stage: {"host": "127.0.0.1", "port": port, "ssh": ssh} for stage, port in ports.items()}


@contextmanager
def _server(stage: str, host_key: paramiko.PKey) -> Iterator[int]:
    over = threading.Event()
    kept: list[Any] = []
    server = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        with suppress(OSError):
            while True:
                connection = server.accept()[0]
                kept.append(connection)
                if stage == "keys":
                    connection.sendall(b"SSH-2.0-slow\r\n")
                elif stage == "login":
                    transport = paramiko.Transport(connection)
                    kept.append(transport)
                    transport.add_server_key(host_key)
                    transport.start_server(threading.Event(), _NeverLetsIn(over))

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        over.set()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)
        for one in kept:
            one.close()
