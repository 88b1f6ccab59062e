"""What every way to a Windows machine, SSH or WinRM, offers beside commands and files.

Paths are given with either slash. A line goes to the machine's own shell as it is: nothing is wrapped, nothing quoted.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from . import output, windows_line
from .link import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How long a question of ours about the machine itself may take, in s.
ASK_S: Final = 30.0
_REGISTRY: Final = r"HKLM\SYSTEM\CurrentControlSet\Control\Nls\CodePage"
_VALUE: Final = re.compile(rb"REG_SZ\s+(\d{3,5})\s*$", re.MULTILINE)
_PAGES: Final = "code pages"
#: Under this key of a link's memory: the Python that answers for its machine.
PYTHON: Final = "python"


class WindowsLink(Link):
    """A Windows machine. A transport gives `execute`, `put`, `get`, and what it can of the rest."""

    def list_folder(self, path: str) -> list[str] | None:
        """Return the names in a folder, none where it cannot be read; None where this transport cannot tell."""
        del path
        return None

    def exists(self, path: str) -> bool:
        """Return True if there is a file; True where this transport cannot tell."""
        del path
        return True

    def delete(self, path: str) -> None:
        """Remove a file or an empty folder of ours, whose path is plain. One that is not there is no failure."""
        for verb in ("del", "rmdir"):
            self.execute(windows_line.line("cmd.exe", "/c", verb, path.replace("/", "\\")), timeout_s=ASK_S)

    def profile(self) -> str:
        """Return the user's profile folder."""
        told = self.execute(windows_line.line("cmd.exe", "/c", "set", "USERPROFILE"), timeout_s=ASK_S)
        return output.text(told.out, self.code_pages()).strip().partition("=")[2]

    def code_pages(self) -> tuple[str, ...]:
        """Return the machine's OEM and ANSI code pages, by Python's names for them."""
        known: tuple[str, ...] | None = self.memory.get(_PAGES)
        if known is None:
            oem, ansi = output.DEFAULT_PAGES
            known = self._code_page("OEMCP", oem), self._code_page("ACP", ansi)
            self.memory[_PAGES] = known
        return known

    def _code_page(self, name: str, usual: str) -> str:
        told = self.execute(windows_line.line("reg.exe", "query", _REGISTRY, "/v", name), timeout_s=ASK_S)
        found = _VALUE.search(told.out)
        return (output.page(found[1].decode()) if found else None) or usual

    @contextmanager
    def started_by(self, place: str) -> Iterator[tuple[str, ...]]:
        """Yield the words that start the Python at `place`: its path, or a launcher that is there for this long."""
        is_path = windows_line.is_path(place)
        words = windows_line.words_of(place) if is_path else None
        if words is not None:
            yield words
            return
        if is_path:
            text = windows_line.launcher(place, self.profile(), self.code_pages()[0])
        else:
            text = windows_line.launcher_of_name(place)
        path = f"{windows_line.FOLDER}\\python-{secrets.token_hex(6)}.cmd"
        self.put(text, path.replace("\\", "/"))
        try:
            yield (path,)
        finally:
            self.delete(path)
            self.delete(windows_line.FOLDER)
