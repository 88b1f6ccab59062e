"""Which Python on a Windows machine answers, and what travels to it beside its command line, on its stdin."""

import base64
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from roosync_ops.remote_script.kept import packed
from roosync_ops.remote_script.on_common import PUSHED_NAME
from roosync_ops.remote_script.question import NO_PYTHON, Question, no_answer
from roosync_ops.transport import output, windows_link
from roosync_ops.transport.link import Finished
from roosync_ops.transport.windows_link import PYTHON, WindowsLink, places

from . import uv

#: What a Python says first: a place where this was not said ran nothing of ours, and the next one may be tried.
STARTED: Final = "roosync-python"
TOO_OLD: Final = "too-old"
STORE: Final = "store"
NOT_WINDOWS: Final = "not-windows"
_LOADER: Final = f"""\
import sys, binascii
said = "ok"
if sys.platform != "win32":
    said = {NOT_WINDOWS!r}
elif "\\\\windowsapps\\\\" in (sys.executable + sys.base_prefix + "\\\\").lower():
    said = {STORE!r}
elif sys.version_info < (3, 9):
    said = {TOO_OLD!r}
print("{STARTED}:" + said)
sys.stdout.flush()
if said != "ok":
    sys.exit(1)
import zlib
"""
_OURS: Final = re.compile(r"(python-[0-9a-f]{12}\.cmd|uv\.exe)(\.[0-9a-f]{8}\.part)?")
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


def answer(machine: WindowsLink, ask: Question, timeout_s: float | None) -> Finished:
    """Answer a request with the first Python that can, within `timeout_s` for all; it is remembered for the next one.

    Where there is none, the answer says so in on_machine's form. Raises what the connector's `execute` does.
    """
    end = None if timeout_s is None else time.monotonic() + timeout_s
    if ask.upload is not None:
        machine.put(ask.upload, f"{ask.request['localDir']}/{PUSHED_NAME}".replace("\\", "/"))
    tried: list[str] = []
    known: str | None = machine.memory.get(PYTHON)
    for place in [known] if known else places(machine, ask.python):
        if not windows_link.is_path(place) and not _is_windows(machine):
            break  # a name takes a launcher, and nothing is put on a machine of another kind
        try:
            done = _try(machine, place, ask, end)
        except windows_link.NotPlainError as error:
            tried.append(str(error))
            continue
        said = answered(done.out)
        if said == "ok":
            machine.memory[PYTHON] = place
            if ask.is_last:
                _sweep(machine)
            return done
        tried.append(f"{place}: {_why(machine, place, said, done)}")
    if not _is_windows(machine):
        return Finished(1, no_answer(NOT_WINDOWS, "; ".join(tried)))
    if not ask.bootstrap:
        return Finished(1, no_answer(NO_PYTHON, "; ".join(tried)))
    try:
        place = uv.bootstrap(machine)
    except uv.UvError as error:
        return Finished(1, no_answer(NO_PYTHON, f"{'; '.join(tried)}; {error}"))
    machine.memory[PYTHON] = place
    return _try(machine, place, ask, end)


def script(request: Mapping[str, Any]) -> bytes:
    """Return what Python reads from stdin to answer `request` (see on_machine): ASCII, whatever is in the request."""
    token = base64.b64encode(json.dumps(request).encode()).decode()
    payload = packed("windows", str(request.get("do")))
    body = f"exec(zlib.decompress(binascii.a2b_base64({payload!r})))\nsys.exit(main(['', {token!r}]))\n"
    return (_LOADER + body).encode()


def answered(output: bytes) -> str | None:
    """Return what Python said first (`ok`, or why it will not do); None where none of ours ran at all."""
    found = re.search(rb"^" + STARTED.encode() + rb":([a-z-]+)\s*$", output, re.MULTILINE)
    return found[1].decode() if found else None


def _try(machine: WindowsLink, place: str, ask: Question, end: float | None) -> Finished:
    """Have one Python answer, or see that it is not there."""
    ask.sent_ms = time.time_ns() // 1_000_000
    with machine.started_by(place) as words:
        left = None if end is None else max(1.0, end - time.monotonic())
        return machine.execute(windows_link.python_line(words), script(ask.request), left)


def _sweep(machine: WindowsLink) -> None:
    """Remove what a connection that was cut off left of ours, and our folder where nothing else is in it."""
    for name in machine.list_folder(windows_link.FOLDER) or ():
        if _OURS.fullmatch(name):
            machine.delete(f"{windows_link.FOLDER}\\{name}")
    machine.delete(windows_link.FOLDER, "rmdir")


def _why(machine: WindowsLink, place: str, said: str | None, done: Finished) -> str:
    if said is None and _STUB.search(done.out + done.err):
        return "the Microsoft Store's stub, which is no Python"
    if said is None and _is_alias(machine, place):
        return "an alias of the Microsoft Store or of Python's install manager, which an SSH session cannot start"
    return _WORDS.get(said, "no Python of ours")


def _is_alias(machine: WindowsLink, place: str) -> bool:
    """Tell, in any language, whether one of Windows' own aliases is at a path, or is what a name on PATH stands for."""
    if not windows_link.is_path(place):
        told = machine.execute(windows_link.line("where.exe", place.split(maxsplit=1)[0]), timeout_s=30.0)
        place = next(iter(output.lines(told.out, machine.code_pages())), "")
    return _ALIASES in place.lower()


def _is_windows(machine: WindowsLink) -> bool:
    """Ask, once a connection, what no shell but a Windows one knows."""
    known: dict[str, bool] = machine.memory
    if _SYSTEM not in known:
        known[_SYSTEM] = b"Windows" in machine.execute(windows_link.line("cmd.exe", "/c", "ver"), timeout_s=30.0).out
    return known[_SYSTEM]
