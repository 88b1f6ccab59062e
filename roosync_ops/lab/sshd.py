"""A real SSH server for one lab machine: on 127.0.0.1, its own host key, one client key, commands and SFTP."""

from __future__ import annotations

import functools
import os
import socket
from typing import TYPE_CHECKING

import asyncssh

from .host import USER
from .session import serve

if TYPE_CHECKING:
    from .host import LabHost

LOOPBACK = "127.0.0.1"


class SshServer:
    """One machine's SSH server. Its port is its own from the beginning, whether it listens or not."""

    def __init__(self, host: LabHost, client_key: asyncssh.SSHKey) -> None:
        self.host = host
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = client_key.convert_to_public()
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        # Bound and not listening: connections are refused, and nobody else is given the port.
        self._reserved: socket.socket | None = _reserve(0)
        self.port: int = self._reserved.getsockname()[1]

    @property
    def is_listening(self) -> bool:
        return self._acceptor is not None

    def known_hosts_line(self) -> str:
        """Return the line that a strict client needs to trust this server."""
        public = self.host_key.export_public_key().decode("ascii").split()
        return f"[{LOOPBACK}]:{self.port} {public[0]} {public[1]}"

    async def start(self) -> None:
        """Begin to listen; nothing where it does already. Raises OSError."""
        if self._acceptor is not None:
            return
        listening = self._reserved or _reserve(self.port)
        self._reserved = None
        self._acceptor = await asyncssh.listen(
            sock=listening,
            config=None,
            server_factory=lambda: _Gate(self._client_key, self._connections),
            server_host_keys=[self.host_key],
            process_factory=functools.partial(serve, self.host),
            sftp_factory=functools.partial(_Sftp, self.host),
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            gss_host=None,  # the default looks this computer's full name up, in the DNS
        )

    def stop(self) -> None:
        """Stop listening and cut every connection, as a power cut would. The port stays reserved. Raises OSError."""
        if self._acceptor is not None:
            self._cut(self._acceptor)
            self._reserved = _reserve(self.port)

    def release(self) -> None:
        """As stop, and let go of the port, for good."""
        if self._acceptor is not None:
            self._cut(self._acceptor)
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _cut(self, acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        self._acceptor = None
        for connection in tuple(self._connections):
            connection.abort()


class _Gate(asyncssh.SSHServer):
    """Lets in the lab's user with the lab's key, and nobody else."""

    def __init__(self, key: asyncssh.SSHKey, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._key = key
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh passes it by position
        if self._connection is not None:
            self._connections.discard(self._connection)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._key


class _Sftp(asyncssh.SFTPServer):
    """Plain file access; a relative path begins at the machine's home."""

    def __init__(self, host: LabHost, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(chan)
        self._home = os.fsencode(host.home)

    def map_path(self, path: bytes) -> bytes:
        return os.path.join(self._home, path)  # noqa: PTH118 - paths are bytes here


def _reserve(port: int) -> socket.socket:
    """Bind a loopback port without listening on it; 0 is any free one. Raises OSError."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Connections of a moment ago still linger on the port; each must have had this set from the beginning.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        raise
    return bound
