"""Which Python on a Windows machine answers: the inventory's, `py`, `python`, the usual folders, the registry."""

from __future__ import annotations

import json
import re
import time
from typing import IO, TYPE_CHECKING, Final

from roosync_ops.remote_script.on_common import MARKER, PUSHED_NAME
from roosync_ops.transport import output, windows_line
from roosync_ops.transport.link import Finished
from roosync_ops.transport.windows_link import PYTHON

from . import command, uv
from .command import NOT_WINDOWS, STORE, TOO_OLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from roosync_ops.remote_script.question import Question
    from roosync_ops.transport.windows_link import WindowsLink

NO_PYTHON: Final = "no-python"
WRONG_SYSTEM: Final = "not-windows"
_OURS: Final = re.compile(r"(python-[0-9a-f]{12}\.cmd|uv\.exe)(\.[0-9a-f]{8}\.part)?")

#: How each place without a Python of use is told, by what its Python, or the shell, said.
_WORDS: Final = {
    None: "not there",
    STORE: "the Microsoft Store's, which keeps files where nobody else finds them",
    TOO_OLD: "older than 3.9",
    NOT_WINDOWS: "not on Windows",
}
#: The stub that opens the Store says so, and ends with what cmd.exe has for an unknown command.
_STUB: Final = re.compile(rb"Microsoft Store|microsoft store")
_STUB_CODE: Final = 9009
_FOLDER: Final = re.compile(r"python3(\d*)(?:-(?:32|64|arm64))?", re.IGNORECASE)
_HIVES: Final = (r"HKCU\Software\Python", r"HKLM\Software\Python", r"HKLM\Software\WOW6432Node\Python")
#: PEP 514: Python\<company>\<tag>\InstallPath. python.org's company is PythonCore, uv's is Astral.
_KEY_NAME: Final = re.compile(r"HKEY.*\\Python\\([^\\]+)\\[^\\]*?(\d+)\.(\d+)[^\\]*\\InstallPath\s*", re.IGNORECASE)
_PYTHON_ORG: Final = "pythoncore"
#: Whether it is python.org's, and its version.
_Rank = tuple[bool, int, int]
_VALUE: Final = re.compile(r"\s+(.+?)\s+REG_(?:EXPAND_)?SZ\s+([A-Za-z]:\\.*\S)\s*")
#: uv downloads a Python on the machine.
_INSTALL_S: Final = 900.0


def answer(machine: WindowsLink, ask: Question, timeout_s: float | None) -> Finished:
    """Answer a request with the first Python that can, within `timeout_s` for all; it is remembered for the next one.

    Where there is none, the answer says so in on_machine's form. Raises what the connector's `execute` does.
    """
    end = None if timeout_s is None else time.monotonic() + timeout_s
    if ask.upload is not None:
        machine.put(ask.upload, f"{ask.request['localDir']}/{PUSHED_NAME}".replace("\\", "/"))
    tried: list[str] = []
    known: str | None = machine.memory.get(PYTHON)
    for place in [known] if known else _places(machine, ask.python):
        try:
            done = _try(machine, place, ask, end)
        except windows_line.NotPlainError as error:
            tried.append(str(error))
            continue
        said = command.answered(done.out)
        if said == "ok":
            machine.memory[PYTHON] = place
            if ask.is_last:
                _sweep(machine)
            return done
        tried.append(f"{place}: {_why(said, done)}")
    if not _is_windows(machine):
        return _silent(WRONG_SYSTEM, "; ".join(tried))
    if not ask.bootstrap:
        return _silent(NO_PYTHON, "; ".join(tried))
    try:
        place = install(machine)
    except uv.UvError as error:
        return _silent(NO_PYTHON, f"{'; '.join(tried)}; {error}")
    machine.memory[PYTHON] = place
    return _try(machine, place, ask, end)


def install(machine: WindowsLink) -> str:
    """Have uv install a Python for the user, and return its path. Raises UvError or OSError."""

    def put_file(stream: IO[bytes], path: str) -> None:
        machine.put(stream.read(), path)

    def run(line: str) -> tuple[int, str, str]:
        done = machine.execute(line, timeout_s=_INSTALL_S)
        pages = machine.code_pages()
        return done.code, output.text(done.out, pages), output.text(done.err, pages)

    return uv.bootstrap(put_file, run)


def _places(machine: WindowsLink, named: str | None) -> Iterator[str]:
    """Yield where a Python may be, in the order of trust; each is asked for only when those before had none."""
    if named:
        yield named
        return
    yield "py -3"
    yield "python"
    seen: set[str] = set()
    for path in (*_in_folders(machine), *_in_registry(machine)):
        if path.lower() not in seen:
            seen.add(path.lower())
            if machine.exists(path):
                yield path


def _in_folders(machine: WindowsLink) -> list[str]:
    """Return python.exe of the folders that installers use: for the user, for everybody, and by hand."""
    local = f"{machine.profile()}\\AppData\\Local\\Programs\\Python"
    found = []
    for folder in (local, "C:\\Program Files", "C:"):
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


def _try(machine: WindowsLink, place: str, ask: Question, end: float | None) -> Finished:
    """Have one Python answer, or see that it is not there."""
    ask.sent_ms = time.time_ns() // 1_000_000
    with machine.started_by(place) as words:
        left = None if end is None else max(1.0, end - time.monotonic())
        return machine.execute(windows_line.python_line(words), command.script(ask.request), left)


def _sweep(machine: WindowsLink) -> None:
    """Remove what a connection that was cut off left of ours, and our folder where nothing else is in it."""
    for name in machine.list_folder(windows_line.FOLDER) or ():
        if _OURS.fullmatch(name):
            machine.delete(f"{windows_line.FOLDER}\\{name}")
    machine.delete(windows_line.FOLDER)


def _why(said: str | None, done: Finished) -> str:
    if said is None and (done.code == _STUB_CODE or _STUB.search(done.out + done.err)):
        return "the Microsoft Store's stub, which is no Python"
    return _WORDS.get(said, "no Python of ours")


def _is_windows(machine: WindowsLink) -> bool:
    """Ask what no shell but a Windows one knows."""
    done = machine.execute(windows_line.line("cmd.exe", "/c", "ver"), timeout_s=30.0)
    return b"Windows" in done.out


def _silent(error: str, said: str) -> Finished:
    return Finished(1, f"{MARKER}{json.dumps({'error': error, 'said': said})}\n".encode())
