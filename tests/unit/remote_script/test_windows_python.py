"""A Python is found in the order that was promised, and what only looks like one is told for what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from roosync_ops.remote_script.on_common import MARKER
from roosync_ops.remote_script.question import Question
from roosync_ops.remote_script.windows import python
from roosync_ops.transport import windows_link
from roosync_ops.transport import windows_link as windows_pythons
from roosync_ops.transport.link import Finished
from roosync_ops.transport.windows_link import PYTHON, WindowsLink

HOME = r"C:\Users\Élodie Dupont"
STUB = Finished(9009, b"", b"Python was not found; run without arguments to install from the Microsoft Store\r\n")
OK = Finished(0, b"roosync-python:ok\r\n\r\n" + MARKER.encode() + b"{}\r\n")


class Machine(WindowsLink):
    """A machine that has what it is told, and remembers what it was asked."""

    def __init__(self, answers: dict[str, Finished], folders: dict[str, list[str]] | None = None) -> None:
        self.answers = answers
        self.folders = folders or {}
        self.lines: list[str] = []
        self.started: list[str] = []
        self.launchers: list[bytes] = []
        self.deleted: list[str] = []
        super().__init__()

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        assert timeout_s is not None
        del stdin
        self.lines.append(line)
        if line == "cmd.exe /c ver":
            return self.answers.get("ver", Finished(0, b"Microsoft Windows [Version 10.0.19045]\r\n"))
        started = line.removesuffix(" -I -S -")
        if started.endswith(".cmd"):
            [call] = [each for each in self.launchers[-1].split(b"\r\n") if each.endswith(b" %*")]
            started = call[1:-3].strip(b'"').decode("cp850")
        if started != line:
            self.started.append(started)
        return self.answers.get(started, Finished(1, b"", b"'x' is not recognized\r\n"))

    def put(self, data: bytes, path: str) -> None:
        del path
        self.launchers.append(data)

    def get(self, path: str) -> bytes:
        raise NotImplementedError(path)

    def delete(self, path: str, verb: str = "del") -> None:
        assert verb == ("rmdir" if path == windows_link.FOLDER else "del"), "each is taken away as what it is"
        self.deleted.append(path)

    def list_folder(self, path: str) -> list[str]:
        return self.folders.get(path, [])

    def exists(self, path: str) -> bool:
        del path
        return True

    def profile(self) -> str:
        return HOME

    def code_pages(self) -> tuple[str, ...]:
        return "cp850", "cp1252"


def answer(machine: Machine, named: str | None = None) -> dict[str, Any]:
    """Ask; return what the Python, or we in its place, answered."""
    done = python.answer(machine, Question({"do": "probe"}, named), 60)
    document: dict[str, Any] = json.loads(done.out.partition(MARKER.encode())[2])
    return document


def test_the_inventory_s_python_is_asked_alone() -> None:
    machine = Machine({"py -3": OK})
    assert answer(machine, "python3.12")["error"] == "no-python"
    assert machine.started == ["python3.12"]


def test_a_python_that_is_found_comes_before_names_and_the_one_that_answered_is_remembered() -> None:
    machine = Machine({"python": OK}, {"C:\\": ["Python38"]})
    assert (answer(machine), answer(machine)) == ({}, {})
    assert machine.started == [r"C:\Python38\python.exe", "py -3", "python", "python"]


@pytest.mark.parametrize("named", [None, "py -3.14", "python3.14"])
def test_a_look_installs_nothing(named: str | None) -> None:
    machine = Machine({})
    answer(machine, named)
    assert machine.launchers
    for launcher in machine.launchers:
        before, _, _ = launcher.partition(b" %*")
        assert b"@set PYTHON_MANAGER_AUTOMATIC_INSTALL=false\r\n" in before
        assert b"@set PYLAUNCHER_ALLOW_INSTALL=\r\n" in before
        assert b"@set PYLAUNCHER_ALWAYS_INSTALL=\r\n" in before


def test_the_install_manager_s_pythons_are_found_where_it_keeps_them() -> None:
    folder = f"{HOME}\\AppData\\Local\\Python"
    newest = r"%USERPROFILE%\AppData\Local\Python\pythoncore-3.14-64\python.exe"
    machine = Machine({newest: OK}, {f"{folder}\\": ["bin", "_cache", "pythoncore-3.9-64", "pythoncore-3.14-64"]})
    assert answer(machine) == {}
    assert machine.memory[PYTHON] == f"{folder}\\pythoncore-3.14-64\\python.exe"
    assert machine.started == [newest]


@pytest.mark.parametrize(
    "said", ["The system cannot execute the specified program.", "L\u2019acc\u00e8s est refus\u00e9."]
)
def test_an_alias_that_ssh_cannot_start_is_told_as_that_in_any_language(said: str) -> None:
    alias = f"{HOME}\\AppData\\Local\\Microsoft\\WindowsApps\\py.exe\r\n".encode("cp850")
    failed = Finished(1, b"", said.encode("cp1252"))
    machine = Machine({"py -3": failed, "where.exe py": Finished(0, alias)})
    assert answer(machine)["said"] == (
        "py -3: an alias of the Microsoft Store or of Python's install manager, which an SSH session cannot start; "
        "python: not there"
    )


def test_an_alias_that_the_registry_names_is_told_as_that() -> None:
    store = f"{HOME}\\AppData\\Local\\Microsoft\\WindowsApps\\PythonSoftwareFoundation.Python.3.12_x\\python.exe"
    key = "HKEY_CURRENT_USER\\Software\\Python\\PythonCore\\3.12\\InstallPath"
    listing = f"{key}\r\n    ExecutablePath    REG_SZ    {store}\r\n".encode("cp850")
    machine = Machine({r"reg.exe query HKCU\Software\Python /s": Finished(0, listing)})
    assert answer(machine)["said"].startswith(f"{store}: an alias of the Microsoft Store")


def test_nothing_is_put_on_a_machine_that_is_no_windows() -> None:
    machine = Machine({"ver": Finished(127, b"", b"sh: 1: cmd.exe: not found\n")})
    assert answer(machine, "py -3")["error"] == answer(machine)["error"] == "not-windows"
    assert machine.launchers == []


def test_a_store_stub_is_passed_over_for_what_lies_in_the_usual_folders() -> None:
    local = f"{HOME}\\AppData\\Local\\Programs\\Python"
    machine = Machine(
        {"python": STUB, r"%USERPROFILE%\AppData\Local\Programs\Python\Python39\python.exe": OK},
        {f"{local}\\": ["Python39", "Launcher", "Python313"]},
    )
    assert answer(machine) == {}
    assert machine.memory[PYTHON] == f"{local}\\Python39\\python.exe"
    assert b"Python313" in machine.launchers[0], "the newest first"


def test_what_was_put_on_the_machine_to_start_a_python_is_taken_away_again() -> None:
    machine = Machine({}, {"C:\\Program Files\\": ["Python312"]})
    answer(machine)
    assert machine.started == [r"C:\Program Files\Python312\python.exe", "py -3", "python"]
    assert len(machine.launchers) == 3
    assert machine.deleted[0].startswith(windows_link.FOLDER + "\\python-")
    assert machine.deleted[1] == windows_link.FOLDER


def test_a_folder_that_a_plain_word_can_name_takes_no_launcher() -> None:
    machine = Machine({r"C:\Python311\python.exe": OK}, {"C:\\": ["Python27", "Python311", "Windows"]})
    assert answer(machine) == {}
    assert machine.launchers == []


def test_then_the_registry_is_asked_the_newest_first() -> None:
    listing = (
        "HKEY_LOCAL_MACHINE\\Software\\Python\\PythonCore\\3.9\\InstallPath\r\n"
        "    (par d\u00e9faut)    REG_SZ    D:\\Py39\\\r\n"
        "HKEY_LOCAL_MACHINE\\Software\\Python\\PythonCore\\3.12\\InstallPath\r\n"
        "    ExecutablePath    REG_SZ    D:\\Py312\\python.exe\r\n"
    ).encode("cp850")
    machine = Machine({r"reg.exe query HKLM\Software\Python /s": Finished(0, listing), r"D:\Py39\python.exe": OK})
    assert answer(machine) == {}
    assert [line for line in machine.lines if "Py3" in line] == [
        r"D:\Py312\python.exe -I -S -",
        r"D:\Py39\python.exe -I -S -",
    ]


def test_without_one_it_is_told_what_each_place_had() -> None:
    machine = Machine({"py -3": Finished(1, b"roosync-python:too-old\r\n"), "python": STUB})
    assert answer(machine) == {
        "error": "no-python",
        "said": "py -3: older than 3.9; python: the Microsoft Store's stub, which is no Python",
    }


def test_a_machine_that_knows_no_cmd_exe_is_no_windows() -> None:
    machine = Machine({"ver": Finished(127, b"", b"sh: 1: cmd.exe: not found\n")})
    assert answer(machine)["error"] == "not-windows"


def test_the_registry_s_listing_is_read_in_any_language() -> None:
    listing = r"""
HKEY_CURRENT_USER\Software\Python\PythonCore
    DisplayName    REG_SZ    Python Software Foundation

HKEY_CURRENT_USER\Software\Python\PythonCore\3.13\InstallPath
    (Standard)    REG_SZ    C:\Users\Élodie Dupont\AppData\Local\Programs\Python\Python313\
    ExecutablePath    REG_SZ    C:\Users\Élodie Dupont\AppData\Local\Programs\Python\Python313\python.exe
    WindowedExecutablePath    REG_SZ    C:\Users\Élodie Dupont\AppData\Local\Programs\Python\Python313\pythonw.exe

HKEY_CURRENT_USER\Software\Python\PythonCore\3.8-32\InstallPath
    (Default)    REG_EXPAND_SZ    C:\Py38
HKEY_CURRENT_USER\Software\Python\PythonCore\3.8-32\Help
    (Default)    REG_SZ    C:\Py38\Doc
HKEY_CURRENT_USER\Software\Python\Astral\CPython3.13.1\InstallPath
    ExecutablePath    REG_SZ    C:\Users\Élodie Dupont\AppData\Roaming\uv\python\cpython-3.13.1\python.exe
"""
    assert windows_pythons.installed(listing.split("\n")) == [
        ((True, 3, 13), r"C:\Users\Élodie Dupont\AppData\Local\Programs\Python\Python313\python.exe"),
        ((True, 3, 8), r"C:\Py38\python.exe"),
        ((False, 3, 13), r"C:\Users\Élodie Dupont\AppData\Roaming\uv\python\cpython-3.13.1\python.exe"),
    ]


@pytest.mark.parametrize("listing", [[], ["ERROR: The system was unable to find the specified registry key or value."]])
def test_a_registry_without_python_has_none(listing: list[str]) -> None:
    assert windows_pythons.installed(listing) == []
