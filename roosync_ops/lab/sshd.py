"""A real SSH server for one lab machine: on 127.0.0.1, its own host key, one client key, commands and SFTP.

A command runs in a real `/bin/sh`, on pipes or on a pseudo-terminal. Its session ends when it ends, as OpenSSH on
Windows does it, and not when the last process that inherited its output lets go of it: an agent left behind never keeps
a rollout waiting.
"""

import asyncio
import fcntl
import functools
import os
import signal
import socket
import subprocess
import termios
import threading
from contextlib import suppress
from typing import IO
from weakref import WeakSet

import asyncssh

from .host import LOOPBACK, USER, LabHost

#: Between two looks at whether all of a command's output has been sent, in seconds.
_POLL_S = 0.01
_SHELL = "/bin/sh"
#: Makes its standard input the controlling terminal, then becomes the shell: job control and Ctrl-C work.
_LOGIN = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"

Process = asyncssh.SSHServerProcess[bytes]


class SshServer(asyncssh.SSHServer):
    """One machine's SSH server: lets in the lab's user with the lab's key, and no other.

    Its port is its own from the beginning, whether it listens or not.
    """

    def __init__(self, host: LabHost, client_key: asyncssh.SSHKey) -> None:
        self.host = host
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = client_key.convert_to_public()
        self._connections: WeakSet[asyncssh.SSHServerConnection] = WeakSet()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        # Bound and not listening: connections are refused, and no other program is given the port.
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
        """Begin to listen. Raises OSError."""
        listening = self._reserved or _reserve(self.port)
        self._reserved = None
        self._acceptor = await asyncssh.listen(
            sock=listening,
            config=None,
            server_factory=lambda: self,
            server_host_keys=[self.host_key],
            process_factory=functools.partial(_serve, self.host),
            sftp_factory=functools.partial(_Sftp, self.host),
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            gss_host=None,  # the default looks this computer's full name up, in the DNS
        )

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.add(conn)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._client_key

    async def stop(self) -> None:
        """Stop listening and cut every connection, as a power cut would. The port stays reserved. Raises OSError."""
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
            for connection in tuple(self._connections):
                connection.abort()
            self._reserved = _reserve(self.port)

    async def release(self) -> None:
        """As stop, and let go of the port, for good. Raises OSError."""
        await self.stop()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None


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


async def _serve(host: LabHost, process: Process) -> None:
    """Run what the client asked for; asyncssh calls this once a session."""
    shell = [_SHELL] if process.command is None else [_SHELL, "-c", process.command]
    if process.term_type is None:
        child = _spawn(host, shell, (subprocess.PIPE,) * 3)
        streams = child.stdin, child.stdout, child.stderr
    else:
        master, slave = os.openpty()
        shell += ["-i"] * (process.command is None)
        login = [f"{host.home}/bin/python3", "-ISc", _LOGIN, *shell]
        try:
            child = _spawn(host, login, (slave, slave, slave))
        finally:
            os.close(slave)
        streams = os.fdopen(os.dup(master), "wb", 0), os.fdopen(master, "rb", 0), None
    resume = process.resume_feeding
    # Not within the pipe's own call: asyncio 3.11 drops what it is given there when its end comes with it.
    process.resume_feeding = lambda kind: asyncio.get_running_loop().call_soon(resume, kind)  # type: ignore[assignment,method-assign]
    async with process:
        await process.redirect(*streams, send_eof=False)
        status = await _ended(child)
        while any(map(_holds_more, streams[1:])):  # noqa: ASYNC110 - the kernel's pipes tell nobody when they are empty
            await asyncio.sleep(_POLL_S)
        with suppress(OSError):  # the client has gone
            if status >= 0:
                process.exit(status)
            else:
                process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))


def _spawn(host: LabHost, command: list[str], streams: tuple[int, int, int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - running what the client asks for is what an SSH server does
        host.inside(command),
        bufsize=0,
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        cwd=host.home,
        env=host.environment(),
        start_new_session=True,
    )


async def _ended(child: subprocess.Popen[bytes]) -> int:
    """Wait for the command without the loop's child watcher, which waits for its pipes as well."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wait() -> None:
        child.wait()
        with suppress(RuntimeError):  # the loop may be gone by now: the lab has ended
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, name="lab-session", daemon=True).start()
    await ended.wait()
    return child.returncode


def _holds_more(stream: IO[bytes] | None) -> bool:
    """Return True if the command wrote what is still to be sent."""
    with suppress(OSError):
        return stream is not None and not stream.closed and any(fcntl.ioctl(stream, termios.FIONREAD, bytes(4)))
    return False
