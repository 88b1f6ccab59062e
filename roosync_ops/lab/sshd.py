"""A real SSH server for one lab machine: on 127.0.0.1, its own host key, one client key, commands and SFTP.

A command runs in a real `/bin/sh`, on pipes or on a pseudo-terminal. Its session ends when it ends, as OpenSSH on
Windows does it, and not when the last process that inherited its output lets go of it: an agent left behind never keeps
a rollout waiting.
"""

import asyncio
import functools
import os
import signal
import socket
import subprocess
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import asyncssh

from .host import LOOPBACK, USER, LabHost

#: One read of a pipe, in bytes: what a Linux pipe holds.
_CHUNK = 65_536
_SHELL = "/bin/sh"
#: Makes its standard input the controlling terminal, then becomes the shell: job control and Ctrl-C work.
_LOGIN = "import os, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])"

T = TypeVar("T")
Process = asyncssh.SSHServerProcess[bytes]


class SshServer:
    """One machine's SSH server. Its port is its own from the beginning, whether it listens or not."""

    def __init__(self, host: LabHost, client_key: asyncssh.SSHKey) -> None:
        self.host = host
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._client_key = client_key.convert_to_public()
        self._connections: set[asyncssh.SSHServerConnection] = set()
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
            process_factory=functools.partial(_serve, self.host),
            sftp_factory=functools.partial(_Sftp, self.host),
            encoding=None,
            line_editor=False,
            agent_forwarding=False,
            gss_host=None,  # the default looks this computer's full name up, in the DNS
        )

    def stop(self) -> None:
        """Stop listening and cut every connection, as a power cut would. The port stays reserved. Raises OSError."""
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
            for connection in tuple(self._connections):
                connection.abort()
            self._reserved = _reserve(self.port)

    def release(self) -> None:
        """As stop, and let go of the port, for good. Raises OSError."""
        self.stop()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None


class _Gate(asyncssh.SSHServer):
    """Lets in the lab's user with the lab's key, and no other."""

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


async def _serve(host: LabHost, process: Process) -> None:
    """Run what the client asked for; asyncssh calls this once a session."""
    if process.term_type is None:
        await _on_pipes(host, process)
    else:
        await _on_terminal(host, process)


async def _on_pipes(host: LabHost, process: Process) -> None:
    child_stdin, stdin = os.pipe()
    stdout, child_stdout = os.pipe()
    stderr, child_stderr = os.pipe()
    shell = [_SHELL, "-c", process.command] if process.command is not None else [_SHELL]
    try:
        child = _spawn(host, shell, (child_stdin, child_stdout, child_stderr))
    finally:
        _close(child_stdin, child_stdout, child_stderr)
    await _attend(process, child, stdin, {stdout: process.stdout, stderr: process.stderr})


async def _on_terminal(host: LabHost, process: Process) -> None:
    master, slave = os.openpty()
    _resize(master, process.term_size)
    shell = [_SHELL, "-c", process.command] if process.command is not None else [_SHELL, "-i"]
    try:
        child = _spawn(host, [f"{host.home}/bin/python3", "-ISc", _LOGIN, *shell], (slave, slave, slave))
    finally:
        _close(slave)
    await _attend(process, child, os.dup(master), {master: process.stdout})


def _spawn(host: LabHost, command: list[str], streams: tuple[int, int, int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - running what the client asks for is what an SSH server does
        host.inside(command),
        stdin=streams[0],
        stdout=streams[1],
        stderr=streams[2],
        cwd=host.home,
        env=host.environment(),
        start_new_session=True,
    )


async def _attend(
    process: Process, child: subprocess.Popen[bytes], stdin: int, outputs: dict[int, asyncssh.SSHWriter[bytes]]
) -> None:
    """Carry bytes both ways until the command ends, then whatever it had written by then."""
    for descriptor in (stdin, *outputs):
        os.set_blocking(descriptor, False)
    feeding = asyncio.create_task(_feed(process, stdin))
    pumps = [asyncio.create_task(_pump(descriptor, writer)) for descriptor, writer in outputs.items()]
    try:
        status = await _ended(child)
        for task in (feeding, *pumps):
            task.cancel()
        await asyncio.gather(feeding, *pumps, return_exceptions=True)
        with suppress(OSError):
            for descriptor, writer in outputs.items():
                while data := os.read(descriptor, _CHUNK):  # without waiting for more
                    writer.write(data)
    finally:
        _close(*outputs)
    _report(process, status)


async def _ended(child: subprocess.Popen[bytes]) -> int:
    """Wait for the command without the loop's child watcher, which waits for its pipes as well."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def wait() -> None:
        status = child.wait()
        # The loop may be gone by now: the lab has ended.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, ended, status)

    threading.Thread(target=wait, name="lab-session", daemon=True).start()
    return await ended


async def _pump(descriptor: int, writer: asyncssh.SSHWriter[bytes]) -> None:
    loop = asyncio.get_running_loop()
    # EIO is how a pseudo-terminal ends; the client may be gone before the command.
    with suppress(OSError):
        while True:
            await _ready(descriptor, loop.add_reader, loop.remove_reader)
            data = os.read(descriptor, _CHUNK)
            if not data:
                return
            writer.write(data)
            await writer.drain()


async def _feed(process: Process, stdin: int) -> None:
    """Give the command what the client sends; close its input when the client does."""
    try:
        while True:
            try:
                data = await process.stdin.read(_CHUNK)
            except asyncssh.TerminalSizeChanged as change:
                _resize(stdin, change.term_size)
                continue
            if not data:
                return
            await _write(stdin, data)
    except (OSError, asyncssh.Error):
        # The command closed its input, or the client is gone.
        return
    finally:
        _close(stdin)


async def _write(descriptor: int, data: bytes) -> None:
    loop = asyncio.get_running_loop()
    while data:
        await _ready(descriptor, loop.add_writer, loop.remove_writer)
        data = data[os.write(descriptor, data) :]


async def _ready(
    descriptor: int, add: Callable[[int, Callable[[], object]], object], remove: Callable[[int], object]
) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    add(descriptor, lambda: _settle(future, None))
    try:
        await future
    finally:
        remove(descriptor)


def _settle(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _report(process: Process, status: int) -> None:
    """Tell the client how the command ended, by number or by signal."""
    with suppress(OSError):
        if status >= 0:
            process.exit(status)
        else:
            process.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))


def _resize(terminal: int, size: tuple[int, int, int, int]) -> None:
    width, height = size[:2]
    with suppress(OSError, termios.error):
        termios.tcsetwinsize(terminal, (height or 24, width or 80))


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)
