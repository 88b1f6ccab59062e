"""Which Python on a Windows machine answers: the inventory's, the usual folders, the registry, `py`, `python`."""

from __future__ import annotations

import json
import re
import secrets
import time
from contextlib import contextmanager
from io import BytesIO
from typing import IO, TYPE_CHECKING, Final, cast

from roosync_ops.remote_script.bounded import TOO_MUCH
from roosync_ops.remote_script.on_common import MARKER, PUSHED_NAME
from roosync_ops.transport import output

from . import command, uv
from .command import NOT_WINDOWS, STORE, TOO_OLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import IOBase

    from roosync_ops.pyinfra_ops.ask import Ask
    from roosync_ops.pyinfra_ops.connector import Finished, Windows

NO_PYTHON: Final = "no-python"
WRONG_SYSTEM: Final = "not-windows"
_OURS: Final = re.compile(r"(python-[0-9a-f]{12}\.cmd|uv\.exe)(\.[0-9a-f]{8}\.part)?")
KEY: Final = "roosync-python"
_SYSTEM: Final = "roosync-is-windows"

#: How each place without a Python of use is told, by what its Python, or the shell, said.
_WORDS: Final = {
    None: "not there",
    STORE: "the Microsoft Store's, which keeps files where nobody else finds them",
    TOO_OLD: "older than 3.9",
    NOT_WINDOWS: "not on Windows",
}
#: The stub that opens the Store says so.
_STUB: Final = re.compile(rb"Microsoft Store|microsoft store")
#: Where Windows keeps its aliases: no files that an SSH session could start, the install manager's `py` among them.
_ALIASES: Final = "\\microsoft\\windowsapps\\"
#: The installers' folders, and the install manager's (`pythoncore-3.14-64`).
_FOLDER: Final = re.compile(r"python(?:core-3\.|3)(\d*)(?:-(?:32|64|arm64))?", re.IGNORECASE)
_HIVES: Final = (r"HKCU\Software\Python", r"HKLM\Software\Python", r"HKLM\Software\WOW6432Node\Python")
#: PEP 514: Python\<company>\<tag>\InstallPath. python.org's company is PythonCore, uv's is Astral.
_KEY_NAME: Final = re.compile(r"HKEY.*\\Python\\([^\\]+)\\[^\\]*?(\d+)\.(\d+)[^\\]*\\InstallPath\s*", re.IGNORECASE)
_PYTHON_ORG: Final = "pythoncore"
#: Whether it is python.org's, and its version.
_Rank = tuple[bool, int, int]
_VALUE: Final = re.compile(r"\s+(.+?)\s+REG_(?:EXPAND_)?SZ\s+([A-Za-z]:\\.*\S)\s*")
#: uv downloads a Python on the machine.
_INSTALL_S: Final = 900.0


def answer(machine: Windows, ask: Ask, timeout_s: float | None) -> Finished:
    """Answer a request with the first Python that can, within `timeout_s` for all; it is remembered for the next one.

    Where there is none, the answer says so in on_machine's form. Raises what the connector's `execute` does.
    """
    end = None if timeout_s is None else time.monotonic() + timeout_s
    if ask.upload is not None:
        machine.put_file(BytesIO(ask.upload), f"{ask.request['localDir']}/{PUSHED_NAME}".replace("\\", "/"))
    tried: list[str] = []
    known: str | None = machine.host.connector_data.get(KEY)
    for place in [known] if known else places(machine, ask.python):
        if not command.is_path(place) and not _is_windows(machine):
            break  # a name takes a launcher, and nothing is put on a machine of another kind
        try:
            done = _try(machine, place, ask, end)
        except command.NotPlainError as error:
            tried.append(str(error))
            continue
        said = command.answered(done.out)
        if said == "ok" or done.out == TOO_MUCH:
            machine.host.connector_data[KEY] = place
            if ask.is_last:
                _sweep(machine)
            return done
        tried.append(f"{place}: {_why(machine, place, said, done)}")
    if not _is_windows(machine):
        return _silent(WRONG_SYSTEM, "; ".join(tried))
    if not ask.bootstrap:
        return _silent(NO_PYTHON, "; ".join(tried))
    try:
        place = install(machine)
    except uv.UvError as error:
        return _silent(NO_PYTHON, f"{'; '.join(tried)}; {error}")
    machine.host.connector_data[KEY] = place
    return _try(machine, place, ask, end)


def install(machine: Windows) -> str:
    """Have uv install a Python for the user, and return its path. Raises UvError or OSError."""

    def put_file(stream: IO[bytes], path: str) -> None:
        machine.put_file(cast("IOBase", stream), path)

    def run(line: str) -> tuple[int, str, str]:
        done = machine.execute(line, timeout_s=_INSTALL_S)
        pages = machine.code_pages()
        return done.code, output.text(done.out, pages), output.text(done.err, pages)

    return uv.bootstrap(put_file, run)


def places(machine: Windows, named: str | None) -> Iterator[str]:
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


def _in_folders(machine: Windows) -> list[str]:
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


def _in_registry(machine: Windows) -> list[str]:
    """Return python.exe as installers that keep to PEP 514 note it: python.org's first, the newest first."""
    found: list[tuple[_Rank, str]] = []
    for hive in _HIVES:
        told = machine.execute(command.line("reg.exe", "query", hive, "/s"), timeout_s=30.0)
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


def _try(machine: Windows, place: str, ask: Ask, end: float | None) -> Finished:
    """Have one Python answer, or see that it is not there."""
    ask.sent_ms = time.time_ns() // 1_000_000
    with started_by(machine, place) as words:
        left = None if end is None else max(1.0, end - time.monotonic())
        return machine.execute(command.python_line(words), command.script(ask.request), left)


@contextmanager
def started_by(machine: Windows, place: str) -> Iterator[tuple[str, ...]]:
    """Yield the words that start the Python at `place`: its path, or a launcher that is there for this long."""
    is_path = command.is_path(place)
    words = command.words_of(place) if is_path else None
    if words is not None:
        yield words
        return
    if is_path:
        text = command.launcher(place, machine.profile(), machine.code_pages()[0])
    else:
        text = command.launcher_of_name(place)
    path = f"{command.FOLDER}\\python-{secrets.token_hex(6)}.cmd"
    machine.put_file(BytesIO(text), path.replace("\\", "/"))
    try:
        yield (path,)
    finally:
        machine.delete(path)
        machine.delete(command.FOLDER)


def _sweep(machine: Windows) -> None:
    """Remove what a connection that was cut off left of ours, and our folder where nothing else is in it."""
    for name in machine.list_folder(command.FOLDER) or ():
        if _OURS.fullmatch(name):
            machine.delete(f"{command.FOLDER}\\{name}")
    machine.delete(command.FOLDER)


def _why(machine: Windows, place: str, said: str | None, done: Finished) -> str:
    if said is None and _STUB.search(done.out + done.err):
        return "the Microsoft Store's stub, which is no Python"
    if said is None and _is_alias(machine, place):
        return "an alias of the Microsoft Store or of Python's install manager, which an SSH session cannot start"
    return _WORDS.get(said, "no Python of ours")


def _is_alias(machine: Windows, place: str) -> bool:
    """Tell, in any language, whether one of Windows' own aliases is at a path, or is what a name on PATH stands for."""
    if not command.is_path(place):
        told = machine.execute(command.line("where.exe", place.split(maxsplit=1)[0]), timeout_s=30.0)
        place = next(iter(output.lines(told.out, machine.code_pages())), "")
    return _ALIASES in place.lower()


def _is_windows(machine: Windows) -> bool:
    """Ask, once a connection, what no shell but a Windows one knows."""
    known: dict[str, bool] = machine.host.connector_data
    if _SYSTEM not in known:
        known[_SYSTEM] = b"Windows" in machine.execute(command.line("cmd.exe", "/c", "ver"), timeout_s=30.0).out
    return known[_SYSTEM]


def _silent(error: str, said: str) -> Finished:
    from roosync_ops.pyinfra_ops.connector import Finished  # noqa: PLC0415 - it is made of this module

    return Finished(1, f"{MARKER}{json.dumps({'error': error, 'said': said})}\n".encode())
