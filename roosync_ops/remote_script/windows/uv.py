"""A Python for a Windows machine that has none: uv is pushed from here, and installs one for the user.

uv.exe is out of the Windows wheel of one pinned version of uv, whose hash stands here. The wheel comes from wherever
this computer's pip is set up to look, or from the file that ROOSYNC_UV_WHEEL names.
Seen with the real uv.exe under Wine alone; never on real Windows.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roosync_ops.remote_script.kept import cache_folder
from roosync_ops.transport import output
from roosync_ops.transport.windows_link import FOLDER, NotPlainError, WindowsLink, line
from roosync_ops.wire.child import run
from roosync_ops.wire.local import sha256_of

#: The series that is installed: supported on every Windows of the fleet (Windows 10 and Server 2019 included).
PYTHON: Final = "3.13"
PROGRAM: Final = f"{FOLDER}\\uv.exe"
_VERSION: Final = line(PROGRAM, "--version")
#: For machines that cannot reach uv's own downloads: an address or folder *as the machine sees it*, for
#: `uv python install --mirror`, and one for its `--python-downloads-json-url`.
MIRROR_VARIABLE: Final = "ROOSYNC_UV_PYTHON_MIRROR"
DOWNLOADS_VARIABLE: Final = "ROOSYNC_UV_PYTHON_DOWNLOADS"
_SOURCES: Final = {MIRROR_VARIABLE: "--mirror", DOWNLOADS_VARIABLE: "--python-downloads-json-url"}
_PYTHON_EXE: Final = re.compile(r"[A-Za-z]:\\[^\ufffd]*\.exe", re.IGNORECASE)
#: Names a wheel on the admin machine, for one whose pip cannot get it. It is held to the same hash.
WHEEL_VARIABLE: Final = "ROOSYNC_UV_WHEEL"
_OTHERWISE: Final = f"one fetched by other means is named in {WHEEL_VARIABLE}"
#: 16 MB over a slow line, with pip's own retries.
DOWNLOAD_DEADLINE_S: Final = 600
#: One command of uv: it downloads some 25 MB *on the machine*, in s.
_COMMAND_S: Final = 900.0


class UvError(Exception):
    """A machine did not get a Python from uv: one sentence, and what else could give it one."""


@dataclass(frozen=True)
class Wheel:
    """One release of uv for 64-bit Windows; `sha256` is the wheel's, in hex."""

    version: str
    sha256: str

    @property
    def name(self) -> str:
        return f"uv-{self.version}-py3-none-win_amd64.whl"

    @property
    def member(self) -> str:
        """Where uv.exe lies in the wheel (maturin puts programs among the wheel's scripts)."""
        return f"uv-{self.version}.data/scripts/uv.exe"


#: Raised by hand, with the hash of the new wheel: what runs on every machine is what was looked at here.
PINNED: Final = Wheel("0.13.9", "6a44b2ed8111d2f60d2b92627c5dccda3f7ed7570b18ce115e569cd68c28246b")


def bootstrap(
    machine: WindowsLink,
    *,
    python: str = PYTHON,
    wheel: Wheel = PINNED,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Return the path of a Python that uv installed for the user on the machine, now or before.

    Only what is missing is done: a second call runs one command and uploads nothing. Raises UvError or OSError.
    """
    install = _install_line(python, environment)
    found = _find(machine, python)
    if found is None:
        _push(machine, wheel, environment)
        code, _, said = _run(machine, install)
        if code != 0:
            other = f"a mirror that the machine can reach is named in {MIRROR_VARIABLE}"
            raise UvError(f"uv could not install a Python on the machine: {_cause(said)}; {other}")
        found = _find(machine, python)
    if found is None:
        raise UvError(f"uv says that it installed Python {python}, and finds none")
    return found


def _push(machine: WindowsLink, wheel: Wheel, environment: Mapping[str, str]) -> None:
    """Have the pinned uv.exe on the machine. Raises UvError if it does not run there."""
    if _runs(machine, wheel):
        return
    _run(machine, line("mkdir", FOLDER))  # a failure means that it is there, or is told by the upload
    machine.put(executable(wheel, environment), PROGRAM.replace("\\", "/"))
    if not _runs(machine, wheel):
        code, _, said = _run(machine, _VERSION)
        raise UvError(f"uv.exe was pushed and does not run there: exit code {code}: {_cause(said)}")


def _runs(machine: WindowsLink, wheel: Wheel) -> bool:
    """Return True if uv.exe is there in the pinned version: one cut short or swapped for an older one is not."""
    code, out, _ = _run(machine, _VERSION)
    return code == 0 and out.split()[:2] == ["uv", wheel.version]


def _find(machine: WindowsLink, python: str) -> str | None:
    """Return the python.exe that uv installed; None where it, or uv, is not there.

    Only uv's own are asked for: any other is for the discovery that came before, which had its reasons.
    """
    ours = ("--system", "--managed-python", "--no-python-downloads", "--no-project")
    code, out, _ = _run(machine, line(PROGRAM, "python", "find", *ours, f"cpython{python}"))
    paths = [each for each in _lines(out) if _PYTHON_EXE.fullmatch(each)]
    return paths[-1] if code == 0 and paths else None


def _run(machine: WindowsLink, command: str) -> tuple[int, str, str]:
    """Return a line's exit code, stdout and stderr."""
    done = machine.execute(command, timeout_s=_COMMAND_S)
    pages = machine.code_pages()
    return done.code, output.text(done.out, pages), output.text(done.err, pages)


def _install_line(python: str, environment: Mapping[str, str]) -> str:
    """Return the command: no link on the user's PATH; the registry entry (PEP 514) stays, for others to find it."""
    words = ["--no-bin", "--no-progress", "--color", "never"]
    for variable, option in _SOURCES.items():
        if value := environment.get(variable):
            try:
                line("uv.exe", value)
            except NotPlainError as error:
                raise UvError(f"{variable}: {error}") from None
            words += [option, value]
    return line(PROGRAM, "python", "install", *words, f"cpython{python}")


def _cause(said: str) -> str:
    """Return uv's own reason, from `error: ...` on: the chain of causes, in one line."""
    lines = _lines(said)
    starts = [number for number, each in enumerate(lines) if each.startswith("error:")]
    return " / ".join(lines[starts[0] :] if starts else lines[-1:]) or "it gave no reason"


def _lines(said: str) -> list[str]:
    return [each.strip() for each in said.splitlines() if each.strip()]


def executable(wheel: Wheel, environment: Mapping[str, str]) -> bytes:
    """Return uv.exe, downloading its wheel first where it is not here yet. Raises UvError."""
    path = locate(wheel, environment)
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(wheel.member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise UvError(f"{path}: no uv.exe can be read from it: {error}") from None


def locate(wheel: Wheel, environment: Mapping[str, str]) -> Path:
    """Return the wheel with the pinned hash: the operator's, the cached one, or one that pip gets. Raises UvError."""
    given = environment.get(WHEEL_VARIABLE)
    if given:
        _check(Path(given), wheel)
        return Path(given)
    cached = cache_folder(environment) / wheel.name
    if sha256_of(str(cached)) != wheel.sha256:
        _download(wheel, cached)
    return cached


def _download(wheel: Wheel, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A folder of its own: two machines bootstrapped at once never see each other's half of a file.
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            _run_pip(wheel, folder)
            downloaded = Path(folder, wheel.name)
            _check(downloaded, wheel)
            downloaded.replace(target)
    except OSError as error:
        raise UvError(f"{target}: the wheel of uv cannot be kept there: {error}") from None


def _run_pip(wheel: Wheel, folder: str) -> None:
    command = [sys.executable, "-m", "pip", "--no-input", "download", "--quiet", "--no-deps", "--dest", folder]
    command += ["--only-binary=:all:", "--platform", "win_amd64", f"uv=={wheel.version}"]
    try:
        done = run(command, DOWNLOAD_DEADLINE_S)
    except subprocess.TimeoutExpired:
        raise UvError(f"pip did not get {wheel.name} in {DOWNLOAD_DEADLINE_S} s; {_OTHERWISE}") from None
    if done.returncode != 0:
        said = [f"exit code {done.returncode}", *_lines(done.stderr.decode("utf-8", "replace"))]
        raise UvError(f"pip on this machine does not get {wheel.name}: {said[-1]}; {_OTHERWISE}")


def _check(path: Path, wheel: Wheel) -> None:
    """Refuse any other file: what is in it will run on every machine that has no Python."""
    found = sha256_of(str(path))
    if found is None:
        raise UvError(f"{path}: not a file that can be read")
    if found != wheel.sha256:
        said = f"not the wheel that is pinned: sha256 {found}, not {wheel.sha256}"
        raise UvError(f"{path}: {said}; {_OTHERWISE}")
