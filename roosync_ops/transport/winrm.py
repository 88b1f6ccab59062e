"""A Windows machine by WinRM, where SSH is not there: its WinRS shell, which is cmd.exe. It has not met a real Windows.

The password is in ROOSYNC_WINRM_PASSWORD, or in a file of yours alone that ROOSYNC_WINRM_PASSWORD_FILE names. Needs
pypsrp: the extra `roosync-ops[winrm]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from roosync_ops import extras

from . import link, output, windows_link, winrm_access, winrm_files
from .link import Finished, LinkError, TransferError
from .windows_link import ASK_S, PYTHON, WindowsLink, places

if TYPE_CHECKING:
    from .winrm_session import WinrmShell

#: Under this key of the memory: the Python that files go through, "" for none.
_FILES_PYTHON: Final = "python for files"


class Winrm(WindowsLink):
    """One machine by WinRM. See winrm_access for its data keys."""

    def __init__(self, name: str, data: Mapping[str, Any], connect_s: float) -> None:
        super().__init__()
        self._name, self._data, self._connect_s = name, data, connect_s
        self._session: WinrmShell | None = None
        self.warnings: tuple[str, ...] = ()

    def open(self) -> None:
        """Log in and open a shell. Raises LinkError; nothing is sent if the data keys are not to be used."""
        try:
            access = winrm_access.of(self._name, self._data)
        except winrm_access.AccessError as error:
            raise LinkError(link.UNREACHABLE, str(error)) from None
        self.warnings = access.warnings
        try:
            from .winrm_session import WinrmShell  # noqa: PLC0415 - pypsrp is an extra
        except ImportError:
            raise LinkError(link.UNREACHABLE, f"WinRM needs pypsrp: {extras.install('winrm')}") from None
        session = WinrmShell(access, self._connect_s)
        try:
            session.open()
        except OSError as error:
            session.close()
            if isinstance(error, TimeoutError):
                raise LinkError(link.SILENT, f"no login within {session.login_s:g} s: {error}", met=True) from None
            raise
        self._session = session

    def close(self) -> None:
        """Close the shell, which ends what still runs in it."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        """Run one line by `cmd.exe /c`. Raises TimeoutError, or LinkError with words that hold no secret."""
        if self._session is None:
            self.open()
        assert self._session is not None  # noqa: S101 - for mypy
        return self._session.run(line, stdin, timeout_s)

    def list_folder(self, path: str) -> list[str] | None:
        """Return the names in a folder whose path is plain, none where it is not there; None for any other path."""
        done = self._listed("/a", path.rstrip("/\\") + "/.")
        if done is None:
            return None
        return output.lines(done.out, self.code_pages()) if done.code == 0 else []

    def exists(self, path: str) -> bool:
        """Return True if there is a file at a plain path; True for any other, which cannot be told."""
        done = self._listed("/a-d", path)
        return done is None or done.code == 0

    def _listed(self, which: str, path: str) -> Finished | None:
        """Return what `dir` says of a plain path; None for any other."""
        try:
            line = windows_link.line("cmd.exe", "/c", "dir", "/b", which, path.replace("/", "\\"))
        except windows_link.NotPlainError:
            return None
        return self.execute(line, timeout_s=ASK_S)

    def put(self, data: bytes, path: str) -> None:
        """Upload to `C:/...`, verified by SHA-256; the old file stays until the new one is whole."""
        target = path.replace("/", "\\")
        # A launcher is what a Python in an odd place takes to be started at all.
        place = "" if target.lower().startswith(windows_link.FOLDER.lower() + "\\python-") else self._python()
        if place:
            with self.started_by(place) as words:
                winrm_files.put_by_python(self.execute, words, data, target)
            return
        try:
            winrm_files.put_by_tools(self.execute, data, target)
        except windows_link.NotPlainError as error:
            raise winrm_files.UploadError(f"{path}: without a Python on the machine, {error}") from None

    def get(self, path: str) -> bytes:
        """Download through the machine's Python, verified by SHA-256."""
        place = self._python()
        if not place:
            raise TransferError(f"{path}: only a Python on the machine could send it")
        with self.started_by(place) as words:
            return winrm_files.get_by_python(self.execute, words, path.replace("/", "\\"))

    def _python(self) -> str:
        """Return the Python that answers for this machine, or one that is found at once; "" for none."""
        place: str | None = self.memory.get(PYTHON) or self.memory.get(_FILES_PYTHON)
        if place is None:
            place = next((each for each in places(self, None) if self._answers(each)), "")
            self.memory[_FILES_PYTHON] = place
        return place

    def _answers(self, place: str) -> bool:
        # The Store's stub says something too, but never this.
        try:
            with self.started_by(place) as words:
                done = self.execute(windows_link.python_line(words), b"print('roosync' + '-here')\n", ASK_S)
        except (windows_link.NotPlainError, OSError):
            return False
        return done.code == 0 and done.out.strip() == b"roosync-here"
