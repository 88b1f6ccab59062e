"""pyinfra connector `@roosync-ssh`: OpenSSH for Windows, whatever its default shell is."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gevent
from paramiko import SFTPClient, SSHException
from pyinfra.api.output import echo
from pyinfra.connectors.ssh import SSHConnector

from roosync_ops.remote_script.bounded import TOO_MUCH, Budget

from . import sftp as files
from .connector import Finished, Windows, content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paramiko import Channel, Transport


class WindowsSSHConnector(Windows, SSHConnector):
    """Connect to Windows machines over SSH: `@roosync-ssh/<machineId>`.

    The data keys are those of pyinfra's SSH connector, which connects, checks host keys, logs in and tries again.
    Commands go to the machine's own shell as they are, and never through `sh`.
    """

    _files: SFTPClient | None = None

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """Yield the machine under its plain name: groups, --limit and our results know it by its machineId."""
        yield name, {"ssh_hostname": name, "system": "windows"}, []

    def connect(self) -> None:
        self._files = None
        SSHConnector.connect(self)

    def disconnect(self) -> None:
        if self._files is not None:
            self._files.close()
        self._files = None
        SSHConnector.disconnect(self)

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        """Run one line. Raises TimeoutError, OSError or SSHException."""
        channel = self._transport().open_session(timeout=timeout_s)
        channel.settimeout(timeout_s)
        channel.exec_command(line)
        writer = gevent.spawn(_write, channel, stdin)
        budget = Budget(channel.close)
        readers = [gevent.spawn(budget.read, channel.recv), gevent.spawn(budget.read, channel.recv_stderr)]
        try:
            ended = gevent.wait([*readers, writer], timeout=timeout_s)
            if len(ended) != len(readers) + 1:
                raise TimeoutError(f"no answer within {timeout_s:g} s")
            if budget.spent:
                return Finished(1, TOO_MUCH)
            out, err = (reader.get() for reader in readers)
            return Finished(channel.recv_exit_status(), out, err)
        finally:
            gevent.killall([*readers, writer], block=False)
            channel.close()

    def put_file(
        self,
        filename_or_io: Any,
        remote_filename: str,
        remote_temp_filename: str | None = None,  # noqa: ARG002 - the part lies beside the file, on the same volume
        print_output: bool = False,
        print_input: bool = False,  # noqa: ARG002 - pyinfra's signature
        **_arguments: Any,
    ) -> bool:
        """Upload a file, verify it and put it in place. Raises TransferError."""
        files.put(self._sftp(), content(filename_or_io), remote_filename, sleep=gevent.sleep)
        if print_output:
            echo(f"{self.host.print_prefix}file uploaded: {remote_filename}", err=True)
        return True

    def get_file(
        self,
        remote_filename: str,
        filename_or_io: Any,
        remote_temp_filename: str | None = None,  # noqa: ARG002 - as above
        print_output: bool = False,
        print_input: bool = False,  # noqa: ARG002 - as above
        **_arguments: Any,
    ) -> bool:
        """Download a file; nothing is written here before all of it has come. Raises OSError."""
        data = files.get(self._sftp(), remote_filename)
        if isinstance(filename_or_io, str):
            with open(filename_or_io, "wb") as file:  # noqa: PTH123 - pyinfra names files by texts
                file.write(data)
        else:
            filename_or_io.write(data)
        if print_output:
            echo(f"{self.host.print_prefix}file downloaded: {remote_filename}", err=True)
        return True

    def check_can_rsync(self) -> None:
        raise NotImplementedError("rsync is not for Windows machines")

    def list_folder(self, path: str) -> list[str]:
        try:
            return self._sftp().listdir(files.sftp_path(path))
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        try:
            self._sftp().stat(files.sftp_path(path))
        except OSError:
            return False
        return True

    def delete(self, path: str) -> None:
        files.remove(self._sftp(), path)

    def profile(self) -> str:
        """Return the user's profile folder: where an SFTP session begins, `/C:/Users/me`."""
        return (self._sftp().normalize(".") or "").lstrip("/").replace("/", "\\")

    def _transport(self) -> Transport:
        transport = self.client.get_transport() if self.client is not None else None
        if transport is None:
            raise SSHException("there is no connection")
        return transport

    def _sftp(self) -> SFTPClient:
        """Return the one SFTP session of this connection. Raises OSError where the machine gives none."""
        if self._files is not None and self._files.sock.closed:
            self._files = None
        if self._files is None:
            try:
                self._files = SFTPClient.from_transport(self._transport())
            except (SSHException, EOFError) as error:
                raise files.TransferError(f"{self.host.name}: its SSH server gives no SFTP: {error}") from error
        if self._files is None:
            raise files.TransferError(f"{self.host.name}: its SSH server gives no SFTP")
        return self._files


def _write(channel: Channel, stdin: bytes) -> None:
    """A command that is not there ends before it has read anything."""
    with suppress(OSError):
        channel.sendall(stdin)
        channel.shutdown_write()
