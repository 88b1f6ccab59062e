"""What every way to a Windows machine, SSH or WinRM, offers beside commands and files, and where a Python may be there.

Paths are given with either slash. A line goes to the machine's own shell as it is: nothing is wrapped, nothing quoted,
and cmd.exe and PowerShell both take it literally.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from . import output
from .link import Link

#: cmd.exe takes 8,191 characters, of which OpenSSH spends some on `cmd.exe /c "..."`.
MAX_LINE: Final = 8000
#: Where what a command line names of ours lies, for as long as it takes: in the user's profile, where no other user may
#: write. Sessions of SSH, SFTP and WinRS begin in the profile, so the path is plain whatever the user is called.
FOLDER: Final = r"AppData\Local\roosync-ops"

#: No quote, no blank, nothing that cmd.exe or PowerShell expands, escapes or splits at.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:\\=+/-]+")
#: The program: a `/` in it would be a switch to cmd.exe, and a sign an operator to PowerShell.
_PROGRAM: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:\\-]*")
#: PowerShell makes two words of `-name.rest` and of `-name:rest`.
_SPLIT: Final = re.compile(r"-[A-Za-z_][^.:]*[.:].*")
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")

#: https://docs.python.org/3/using/windows.html: what lets `py` and `python` install a Python that is missing.
_NO_INSTALL: Final = (
    "PYTHON_MANAGER_AUTOMATIC_INSTALL=false",
    "PYLAUNCHER_ALLOW_INSTALL=",
    "PYLAUNCHER_ALWAYS_INSTALL=",
)

#: -I -S: neither the user's environment nor site packages can change what runs. `-`: the program is on stdin.
_FLAGS: Final = ("-I", "-S", "-")
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


class NotPlainError(ValueError):
    """A word that a shell of Windows might not take literally."""


def line(program: str, *arguments: str) -> str:
    """Return one command line for whatever shell the machine has. Raises NotPlainError."""
    for word in (program, *arguments):
        # A `\` at the end would take with it the quote that the server puts behind the line.
        if not _PLAIN.fullmatch(word) or word.endswith("\\") or _SPLIT.fullmatch(word):
            raise NotPlainError(
                f"{word!r:.80} cannot be part of a Windows command line: a shell might not take it as is"
            )
    if not _PROGRAM.fullmatch(program):
        raise NotPlainError(f"{program!r:.80} cannot begin a Windows command line")
    found = " ".join((program, *arguments))
    if len(found) > MAX_LINE:
        raise NotPlainError(f"a command line of {len(found)} characters; at most {MAX_LINE} are taken")
    return found


def words_of(python: str) -> tuple[str, ...] | None:
    """Return the words that start `python` (a path, or words such as `py -3.12`); None where it takes a launcher."""
    words = (python.replace("/", "\\"),) if is_path(python) else tuple(python.split())
    try:
        line(*words)
    except (NotPlainError, TypeError):
        return None
    return words


def is_path(python: str) -> bool:
    """Return True if `python` is a path on a drive or a share, and not words of a command line."""
    return bool(_DRIVE.match(python)) or python.startswith("\\\\")


def python_line(words: tuple[str, ...]) -> str:
    """Return the line that has a Python read its program from stdin. Raises NotPlainError."""
    return line(*words, *_FLAGS)


def launcher(python: str, profile: str, code_page: str) -> bytes:
    """Return the text of a .cmd that starts the Python at `python`, which lies where no plain word can name it.

    cmd.exe reads it in the machine's OEM code page, and knows the profile's own name by %USERPROFILE% in Unicode.
    Raises NotPlainError where that code page cannot write the path.
    """
    path = python.replace("/", "\\")
    if '"' in path or "\n" in path or "\r" in path:
        raise NotPlainError(f"{python!r:.80} is no path on Windows")
    home = profile.rstrip("\\") + "\\"
    shown = path.replace("%", "%%")
    if path.lower().startswith(home.lower()):
        shown = "%USERPROFILE%\\" + path[len(home) :].replace("%", "%%")
    text = f'@setlocal DisableDelayedExpansion\r\n@"{shown}" %*\r\n@exit /b %ERRORLEVEL%\r\n'
    try:
        return text.encode(code_page)
    except UnicodeEncodeError:
        raise NotPlainError(
            f"{python!r:.120} holds characters that the machine's code page ({code_page}) has not got: "
            "name a Python in a folder without them"
        ) from None


def launcher_of_name(words: str) -> bytes:
    """Return the text of a .cmd that starts what a name on PATH stands for, such as `py -3`. Raises NotPlainError.

    A look installs nothing: Python's install manager would, and so would an older `py` that was told to.
    """
    start = line(*(words.split() or [""]))
    held = "".join(f"@set {each}\r\n" for each in _NO_INSTALL)
    return f"@setlocal DisableDelayedExpansion\r\n{held}@{start} %*\r\n@exit /b %ERRORLEVEL%\r\n".encode()


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
            self.execute(line("cmd.exe", "/c", verb, path.replace("/", "\\")), timeout_s=ASK_S)

    def profile(self) -> str:
        """Return the user's profile folder."""
        told = self.execute(line("cmd.exe", "/c", "set", "USERPROFILE"), timeout_s=ASK_S)
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
        told = self.execute(line("reg.exe", "query", _REGISTRY, "/v", name), timeout_s=ASK_S)
        found = _VALUE.search(told.out)
        return (output.page(found[1].decode()) if found else None) or usual

    @contextmanager
    def started_by(self, place: str) -> Iterator[tuple[str, ...]]:
        """Yield the words that start the Python at `place`: its path, or a launcher that is there for this long."""
        if is_path(place):
            words = words_of(place)
            if words is not None:
                yield words
                return
            text = launcher(place, self.profile(), self.code_pages()[0])
        else:
            text = launcher_of_name(place)
        path = f"{FOLDER}\\python-{secrets.token_hex(6)}.cmd"
        self.put(text, path.replace("\\", "/"))
        try:
            yield (path,)
        finally:
            self.delete(path)
            self.delete(FOLDER)


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
    """Return python.exe of the folders that installers use: for the user, for all users, and by hand."""
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
        told = machine.execute(line("reg.exe", "query", hive, "/s"), timeout_s=30.0)
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
