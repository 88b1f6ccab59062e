"""A Python for a Windows machine that has none: uv is pushed from here, and installs one for the user.

Seen with the real uv.exe under Wine alone; never on real Windows.
"""

from __future__ import annotations

import os
import re
from typing import IO, TYPE_CHECKING, Final

from roosync_ops.transport.windows_line import FOLDER, NotPlainError, line

from .uv_wheel import PINNED, UvError, Wheel, executable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    PutFile = Callable[[IO[bytes], str], None]
    Run = Callable[[str], tuple[int, str, str]]

__all__ = ["UvError", "bootstrap"]

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
_BY_HAND: Final = 'install Python on the machine and name it in the inventory: python="C:/.../python.exe"'


def bootstrap(
    put_file: PutFile,
    run: Run,
    *,
    python: str = PYTHON,
    wheel: Wheel = PINNED,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Return the path of a Python that uv installed for the user on the machine, now or before. Raises UvError.

    `put_file(stream, path)` uploads and verifies; `run(line)` runs a line of plain characters there and returns
    exit code, stdout and stderr. Only what is missing is done: a second call runs one command and uploads nothing.
    The installation downloads some 25 MB *on the machine*, so `run` must allow it minutes.
    """
    install = _install_line(python, environment)
    found = _find(run, python)
    if found is None:
        _push(put_file, run, wheel, environment)
        code, _, said = run(install)
        if code != 0:
            raise _not_installed(said)
        found = _find(run, python)
    if found is None:
        raise UvError(f"uv says that it installed Python {python}, and finds none", _BY_HAND)
    return found


def _push(put_file: PutFile, run: Run, wheel: Wheel, environment: Mapping[str, str]) -> None:
    """Have the pinned uv.exe on the machine. Raises UvError if it does not run there."""
    if _runs(run, wheel):
        return
    run(line("mkdir", FOLDER))  # a failure means that it is there, or is told by the upload
    with executable(wheel, environment) as program:
        put_file(program, PROGRAM.replace("\\", "/"))
    if not _runs(run, wheel):
        code, _, said = run(_VERSION)
        raise UvError(f"uv.exe was pushed and does not run there: exit code {code}: {_cause(said)}", _BY_HAND)


def _runs(run: Run, wheel: Wheel) -> bool:
    """Return True if uv.exe is there in the pinned version: one cut short or swapped for an older one is not."""
    code, out, _ = run(_VERSION)
    return code == 0 and out.split()[:2] == ["uv", wheel.version]


def _find(run: Run, python: str) -> str | None:
    """Return the python.exe that uv installed; None where it, or uv, is not there.

    Only uv's own are asked for: any other is for the discovery that came before, which had its reasons.
    """
    ours = ("--system", "--managed-python", "--no-python-downloads", "--no-project")
    code, out, _ = run(line(PROGRAM, "python", "find", *ours, f"cpython{python}"))
    paths = [each for each in _lines(out) if _PYTHON_EXE.fullmatch(each)]
    return paths[-1] if code == 0 and paths else None


def _install_line(python: str, environment: Mapping[str, str]) -> str:
    """Return the command: no link on the user's PATH; the registry entry (PEP 514) stays, for others to find it."""
    words = ["--no-bin", "--no-progress", "--color", "never"]
    for variable, option in _SOURCES.items():
        value = environment.get(variable)
        if value:
            words += [option, _plain(variable, value)]
    return line(PROGRAM, "python", "install", *words, f"cpython{python}")


def _plain(variable: str, value: str) -> str:
    """Return a value that the operator gave, if it can travel. Raises UvError."""
    try:
        line("uv.exe", value)
    except NotPlainError as error:
        hint = "only letters, digits and _ . : \\ = + / - can travel to a Windows command line, and no \\ at the end"
        raise UvError(f"{variable}: {error}", hint) from None
    return value


def _not_installed(said: str) -> UvError:
    hint = (
        f"if the machine has no way to uv's downloads, name a mirror that it can reach in {MIRROR_VARIABLE} "
        f"(what `uv python install --mirror` takes), or {_BY_HAND}"
    )
    return UvError(f"uv could not install a Python on the machine: {_cause(said)}", hint)


def _cause(said: str) -> str:
    """Return uv's own reason, from `error: ...` on: the chain of causes, in one line."""
    lines = _lines(said)
    starts = [number for number, each in enumerate(lines) if each.startswith("error:")]
    return " / ".join(lines[starts[0] :] if starts else lines[-1:]) or "it gave no reason"


def _lines(said: str) -> list[str]:
    return [each.strip() for each in said.splitlines() if each.strip()]
