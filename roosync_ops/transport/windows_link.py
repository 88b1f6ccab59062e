"""What every way to a Windows machine, SSH or WinRM, offers beside commands and files, and where a Python may be there.

Paths are given with either slash. A line goes to the machine's own shell as it is: nothing is wrapped, nothing quoted.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from . import output, windows_line
from .link import Link

#: How long a question of ours about the machine itself may take, in s.
ASK_S: Final = 30.0
_REGISTRY: Final = r"HKLM\SYSTEM\CurrentControlSet\Control\Nls\CodePage"
_VALUE: Final = re.compile(rb"REG_SZ\s+(\d{3,5})\s*$", re.MULTILINE)
_PAGES: Final = "code pages"
#: The installers' folders, and the install manager's (`pythoncore-3.14-64`).
_FOLDER: Final = re.compile(r"python(?:core-3\.|3)(\d*)(?:-(?:32|64|arm64))?", re.IGNORECASE)
_HIVES: Final = (r"HKCU\Software\Python", r"HKLM\Software\Python", r"HKLM\Software\WOW6432Node\Python")
#: PEP 514: Python\<company>\<tag>\InstallPath. python.org's company is PythonCore, uv's is Astral.
_KEY_NAME: Final = re.compile(r"HKEY.*\\Python\\([^\\]+)\\[^\\]*?(\d+)\.(\d+)[^\\]*\\InstallPath\s*", re.IGNORECASE)
_PYTHON_ORG: Final = "pythoncore"
#: Whether it is python.org's, and its version.
_Rank = tuple[bool, int, int]
_PLACE: Final = re.compile(r"\s+(.+?)\s+REG_(?:EXPAND_)?SZ\s+([A-Za-z]:\\.*\S)\s*")
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


def places(machine: WindowsLink, named: str | None) -> Iterator[str]:
    """Yield where a Python may be, in the order of trust; each is asked for only when those before had none."""
    if named:
        yield named
        return
    seen: set[str] = set()
    for path in (*_in_folders(machine), *_in_registry(machine)):
        if path.lower() not in seen:
            seen.add(path.lower())
            if machine.exists(path):
                yield path
    yield "py -3"
    yield "python"


def _in_folders(machine: WindowsLink) -> list[str]:
    """Return python.exe of the folders that installers use: for the user, for everybody, and by hand."""
    local = f"{machine.profile()}\\AppData\\Local"
    found = []
    for folder in (f"{local}\\Programs\\Python", f"{local}\\Python", "C:\\Program Files", "C:"):
        ours = [match for name in machine.list_folder(folder + "\\") or () if (match := _FOLDER.fullmatch(name))]
        ours.sort(key=lambda match: int(match[1] or 0), reverse=True)
        found += [f"{folder}\\{match[0]}\\python.exe" for match in ours]
    return found


def _in_registry(machine: WindowsLink) -> list[str]:
    """Return python.exe as installers that keep to PEP 514 note it: python.org's first, the newest first."""
    found: list[tuple[_Rank, str]] = []
    for hive in _HIVES:
        told = machine.execute(windows_line.line("reg.exe", "query", hive, "/s"), timeout_s=30.0)
        found += installed(output.lines(told.out, machine.code_pages()))
    return [path for _, path in sorted(found, reverse=True)]


def installed(lines: Iterable[str]) -> list[tuple[_Rank, str]]:
    r"""Read what `reg query ...\Software\Python /s` prints, in any language: (rank, path of python.exe).

    .. code:: text

        HKEY_CURRENT_USER\Software\Python\PythonCore\3.12\InstallPath
            (par défaut)    REG_SZ    C:\Users\Élodie Dupont\AppData\Local\Programs\Python\Python312\
            ExecutablePath    REG_SZ    C:\Users\Élodie Dupont\AppData\Local\Programs\Python\Python312\python.exe
    """
    rank: _Rank | None = None
    found: dict[_Rank, str] = {}
    for each in lines:
        if each.startswith("HKEY"):
            key = _KEY_NAME.fullmatch(each)
            rank = (key[1].lower() == _PYTHON_ORG, int(key[2]), int(key[3])) if key else None
        elif rank is not None and (value := _PLACE.fullmatch(each)):
            name, path = value[1], value[2]
            if name == "ExecutablePath":
                found[rank] = path
            elif name.startswith("("):  # the unnamed value, whose name is another in every language
                found.setdefault(rank, path.rstrip("\\") + "\\python.exe")
    return list(found.items())
