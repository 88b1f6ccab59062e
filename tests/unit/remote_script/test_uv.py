"""A Windows machine without a Python gets one by uv: what is sent to it, in which order, and what is said if not."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.remote_script.windows import uv
from roosync_ops.remote_script.windows.uv import WHEEL_VARIABLE, Wheel
from roosync_ops.transport.link import Finished
from roosync_ops.transport.windows_link import WindowsLink
from tests.integration.remote_script.test_uv_wheel import PROGRAM, packed

if TYPE_CHECKING:
    from pathlib import Path

PYTHON_EXE = "C:\\Users\\Élodie Dupont\\AppData\\Roaming\\uv\\python\\cpython-3.13.18-windows-x86_64-none\\python.exe"
UPLOADED = "AppData/Local/roosync-ops/uv.exe"
WHEEL = Wheel("1.2.3", hashlib.sha256(packed()).hexdigest())
FAILED = """Downloading cpython-3.13.18-windows-x86_64-none (download) (8.4MiB)
error: Failed to install cpython-3.13.18-windows-x86_64-none
  cause: Request failed after 3 retries in 12.9s
  cause: Host not found. (os error 11001)
"""


class Machine(WindowsLink):
    """A machine that has uv.exe, or not, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.files: dict[str, bytes] = {}
        self.version = "1.2.3"
        self.installed = False
        self.install_fails = ""
        self.forgets = False

    def put(self, data: bytes, path: str) -> None:
        self.files[path] = data
        self.version = "1.2.3"

    def get(self, path: str) -> bytes:
        return self.files[path]

    def code_pages(self) -> tuple[str, ...]:
        return ("cp850", "cp1252")

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:  # noqa: ARG002 - a link's
        code, out, err = self.run(line)
        return Finished(code, out.encode(), err.encode())

    def run(self, line: str) -> tuple[int, str, str]:
        self.lines.append(line)
        program, *words = line.split(" ")
        if program == "mkdir":
            return 0, "", ""
        assert program == "AppData\\Local\\roosync-ops\\uv.exe"
        if UPLOADED not in self.files:
            return 1, "", "'AppData\\Local\\roosync-ops\\uv.exe' is not recognized\r\n"
        if words == ["--version"]:
            return 0, f"uv {self.version} (6b2d39dcc 2026-11-17 x86_64-pc-windows-msvc)\r\n", ""
        return self.install() if words[1] == "install" else self.find()

    def install(self) -> tuple[int, str, str]:
        if self.install_fails:
            return 1, "", self.install_fails
        self.installed = not self.forgets
        return 0, "", "Installed Python 3.13.18 in 886ms\n"

    def find(self) -> tuple[int, str, str]:
        if self.installed:
            return 0, f"{PYTHON_EXE}\n", ""
        return 2, "", "error: No interpreter found for CPython 3.13 in managed installations\n"

    @property
    def verbs(self) -> list[str]:
        return [re.sub(r"^\S+uv\.exe (python )?(\S+).*", r"\2", line) for line in self.lines]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "uv.whl").write_bytes(packed())
    return {WHEEL_VARIABLE: str(tmp_path / "uv.whl")}


def bootstrap(machine: Machine, environment: dict[str, str]) -> str:
    return uv.bootstrap(machine, wheel=WHEEL, environment=environment)


def test_uv_is_pushed_installs_a_python_and_says_where(environment: dict[str, str]) -> None:
    machine = Machine()
    assert bootstrap(machine, environment) == PYTHON_EXE
    assert machine.files == {UPLOADED: PROGRAM}
    assert machine.verbs == [
        "find",
        "--version",
        "mkdir AppData\\Local\\roosync-ops",
        "--version",
        "install",
        "find",
    ]


def test_a_second_time_nothing_is_pushed_and_nothing_installed(environment: dict[str, str]) -> None:
    machine = Machine()
    bootstrap(machine, environment)
    machine.lines.clear()
    machine.files[UPLOADED] = b"nothing else comes here"
    assert uv.bootstrap(machine, wheel=WHEEL, environment={}) == PYTHON_EXE
    assert machine.verbs == ["find"]
    assert machine.files == {UPLOADED: b"nothing else comes here"}


def test_the_uv_that_is_pinned_is_not_pushed_again_and_an_older_one_is_replaced(environment: dict[str, str]) -> None:
    machine = Machine()
    machine.files[UPLOADED] = b"there already"
    bootstrap(machine, environment)
    assert machine.files == {UPLOADED: b"there already"}
    older = Machine()
    older.files[UPLOADED], older.version = b"older", "1.2.2"
    bootstrap(older, environment)
    assert older.files == {UPLOADED: PROGRAM}


def test_a_uv_that_does_not_run_there_is_told(environment: dict[str, str]) -> None:
    class Older(Machine):
        def run(self, line: str) -> tuple[int, str, str]:  # noqa: ARG002 - as above
            return 216, "", "This version of uv.exe is not compatible with the version of Windows you're running.\r\n"

    with pytest.raises(uv.UvError, match=r"does not run there: exit code 216: This version of uv\.exe"):
        bootstrap(Older(), environment)


def test_a_machine_without_a_way_out_gets_uvs_own_reason_and_the_way_out(environment: dict[str, str]) -> None:
    machine = Machine()
    machine.install_fails = FAILED
    reason = r"error: Failed to install .* / cause: Host not found\. \(os error 11001\); a mirror .*"
    with pytest.raises(uv.UvError, match=reason + uv.MIRROR_VARIABLE):
        bootstrap(machine, environment)


def test_an_installation_that_left_no_python_is_no_success(environment: dict[str, str]) -> None:
    machine = Machine()
    machine.forgets = True
    with pytest.raises(uv.UvError, match="finds none"):
        bootstrap(machine, environment)


def test_the_operators_mirror_is_passed_on(environment: dict[str, str]) -> None:
    machine = Machine()
    mirrors = {uv.MIRROR_VARIABLE: "file:///C:/mirror", uv.DOWNLOADS_VARIABLE: "C:\\mirror\\downloads.json"}
    bootstrap(machine, {**environment, **mirrors})
    [line] = [line for line in machine.lines if " install " in line]
    assert " --mirror file:///C:/mirror --python-downloads-json-url C:\\mirror\\downloads.json " in line


@given(st.text(min_size=1).filter(lambda text: re.search(r"[^A-Za-z0-9_.:\\=+/-]|\\$", text)))
def test_a_mirror_that_a_shell_could_read_as_its_own_travels_nowhere(value: str) -> None:
    machine = Machine()
    with pytest.raises(uv.UvError, match=uv.MIRROR_VARIABLE):
        bootstrap(machine, {uv.MIRROR_VARIABLE: value})
    assert (machine.lines, machine.files) == ([], {})


def test_every_line_is_plain(environment: dict[str, str]) -> None:
    machine = Machine()
    bootstrap(machine, environment)
    assert all(re.fullmatch(r"[A-Za-z0-9_.:\\=+/-]+( [A-Za-z0-9_.:\\=+/-]+)*", line) for line in machine.lines)
