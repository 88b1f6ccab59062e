"""Where a Python may be on a Windows machine: the inventory's, the usual folders, the registry, `py`, `python`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from . import output, windows_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .windows_link import WindowsLink

#: The installers' folders, and the install manager's (`pythoncore-3.14-64`).
_FOLDER: Final = re.compile(r"python(?:core-3\.|3)(\d*)(?:-(?:32|64|arm64))?", re.IGNORECASE)
_HIVES: Final = (r"HKCU\Software\Python", r"HKLM\Software\Python", r"HKLM\Software\WOW6432Node\Python")
#: PEP 514: Python\<company>\<tag>\InstallPath. python.org's company is PythonCore, uv's is Astral.
_KEY_NAME: Final = re.compile(r"HKEY.*\\Python\\([^\\]+)\\[^\\]*?(\d+)\.(\d+)[^\\]*\\InstallPath\s*", re.IGNORECASE)
_PYTHON_ORG: Final = "pythoncore"
#: Whether it is python.org's, and its version.
_Rank = tuple[bool, int, int]
_VALUE: Final = re.compile(r"\s+(.+?)\s+REG_(?:EXPAND_)?SZ\s+([A-Za-z]:\\.*\S)\s*")


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
        names = [name for name in machine.list_folder(folder + "\\") or () if _FOLDER.fullmatch(name)]
        found += [f"{folder}\\{name}\\python.exe" for name in sorted(names, key=_minor, reverse=True)]
    return found


def _minor(name: str) -> int:
    match = _FOLDER.fullmatch(name)
    return int(match[1] or 0) if match else 0


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
        elif rank is not None and (value := _VALUE.fullmatch(each)):
            name, path = value[1], value[2]
            if name == "ExecutablePath":
                found[rank] = path
            elif name.startswith("("):  # the unnamed value, whose name is another in every language
                found.setdefault(rank, path.rstrip("\\") + "\\python.exe")
    return list(found.items())
