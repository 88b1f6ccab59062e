"""pyinfra connector `@roosync-winrm`: Windows machines where SSH is not there but WinRM is.

.. code:: python

    machine("myia-web1", system="windows", transport="winrm", user="Administrator")

The password is in ROOSYNC_WINRM_PASSWORD, or in a file of yours alone that ROOSYNC_WINRM_PASSWORD_FILE names. Needs
pypsrp: the extra `roosync-ops[winrm]`. It has not met a real Windows.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from pyinfra import logger
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.util import get_file_io

from roosync_ops import extras
from roosync_ops.remote_script.windows import command, python
from roosync_ops.transport import output, winrm_access, winrm_files, winrm_secret

from .connector import ASK_S, Finished, Windows, content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.transport.winrm_session import Session

#: Under this key of the host's own data: the Python that files go through, "" for none.
_KEY: Final = "roosync-winrm-python"


class WinrmConnector(Windows):
    """A Windows machine by WinRM: its WinRS shell, which is cmd.exe. See winrm_access for its data keys."""

    data_cls = winrm_access.ConnectorData
    data_meta = winrm_access.DATA_META
    data: winrm_access.ConnectorData

    _session: Session | None = None

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """Yield the machine under its plain name: groups, --limit and our results know it by its machineId."""
        yield name, {"winrm_hostname": name, "system": "windows", "transport": "winrm"}, []

    def connect(self) -> None:
        """Log in and open a shell. Raises ConnectError; nothing is sent if the data keys are not to be used."""
        if self.host.data.get("winrm_password"):
            raise ConnectError(
                f"winrm_password is a secret and must not be in an inventory: set {winrm_secret.PASSWORD} instead"
            )
        try:
            access = winrm_access.of(self.host.name, self.data)
        except (winrm_access.AccessError, winrm_secret.SecretError) as error:
            raise ConnectError(str(error)) from None
        for warning in access.warnings:
            logger.warning(f"{self.host.print_prefix}{warning}")
        session = _session(access, self.state.config.CONNECT_TIMEOUT)
        try:
            session.open()
        except TimeoutError as error:
            session.close()
            raise ConnectError(f"no login within {session.login_s:g} s: {error}") from None
        except OSError as error:
            session.close()
            raise ConnectError(str(error)) from None
        self._session = session

    def disconnect(self) -> None:
        """Close the shell, which ends what still runs in it."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        """Run one line by `cmd.exe /c`. Raises TimeoutError, or OSError with words that hold no secret."""
        if self._session is None:
            raise ConnectionError("not connected")
        return self._session.run(line, stdin, timeout_s)

    def list_folder(self, path: str) -> list[str] | None:
        """Return the names in a folder whose path is plain, none where it is not there; None for any other path."""
        try:
            line = command.line("cmd.exe", "/c", "dir", "/b", "/a", path.replace("/", "\\").rstrip("\\") + "\\.")
        except command.NotPlainError:
            return None
        done = self.execute(line, timeout_s=ASK_S)
        return output.lines(done.out, self.code_pages()) if done.code == 0 else []

    def exists(self, path: str) -> bool:
        """Tell whether there is a file at a plain path; True for any other, which cannot be told."""
        try:
            line = command.line("cmd.exe", "/c", "dir", "/b", "/a-d", path.replace("/", "\\"))
        except command.NotPlainError:
            return True
        return self.execute(line, timeout_s=ASK_S).code == 0

    def put_file(
        self,
        filename_or_io: Any,
        remote_filename: str,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Any,
    ) -> bool:
        """Upload to `C:/...`, verified by SHA-256; the old file stays until the new one is whole. Raises OSError."""
        del remote_temp_filename, print_output, print_input, arguments
        data = content(filename_or_io)
        path = remote_filename.replace("/", "\\")
        # A launcher is what a Python in an odd place takes to be started at all.
        place = "" if path.lower().startswith(command.FOLDER.lower() + "\\python-") else self._python()
        if place:
            with self._started(place) as words:
                winrm_files.put_by_python(self.execute, words, data, path)
            return True
        try:
            winrm_files.put_by_tools(self.execute, data, path)
        except command.NotPlainError as error:
            raise winrm_files.UploadError(f"{remote_filename}: without a Python on the machine, {error}") from None
        return True

    def get_file(
        self,
        remote_filename: str,
        filename_or_io: Any,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Any,
    ) -> bool:
        """Download through the machine's Python, verified by SHA-256. Raises OSError."""
        del remote_temp_filename, print_output, print_input, arguments
        place = self._python()
        if not place:
            raise winrm_files.NoPythonError(f"{remote_filename}: only a Python on the machine could send it")
        with self._started(place) as words:
            data = winrm_files.get_by_python(self.execute, words, remote_filename.replace("/", "\\"))
        with get_file_io(filename_or_io, "wb") as file:
            file.write(data)
        return True

    def _python(self) -> str:
        """Return the Python that answers for this machine, or one that is found at once; "" for none."""
        known: dict[str, Any] = self.host.connector_data
        place: str | None = known.get(python.KEY) or known.get(_KEY)
        if place is None:
            place = next((each for each in python.places(self, None) if self._answers(each)), "")
            known[_KEY] = place
        return place

    def _answers(self, place: str) -> bool:
        # The Store's stub says something too, but never this.
        try:
            with self._started(place) as words:
                done = self.execute(command.python_line(words), b"print('roosync' + '-here')\n", ASK_S)
        except (command.NotPlainError, OSError):
            return False
        return done.code == 0 and done.out.strip() == b"roosync-here"

    @contextmanager
    def _started(self, place: str) -> Iterator[tuple[str, ...]]:
        with python.started_by(self, place) as words:
            yield words


def _session(access: winrm_access.Access, connect_timeout: float) -> Session:
    """Return a session that is not open yet. Raises ConnectError where pypsrp is not installed."""
    try:
        from roosync_ops.transport.winrm_session import Session  # noqa: PLC0415 - pyinfra loads every connector, pypsrp is an extra
    except ImportError:
        raise ConnectError(f"WinRM needs pypsrp: {extras.install('winrm')}") from None
    return Session(access, connect_timeout)
