"""Files to and from a Windows machine by its WinRS shell, which has no other way in than a command's stdin.

pypsrp's own `Client.copy` sends a PowerShell script and PSRP's objects. This takes Python where there is one: it
tries again where another process holds the file open, takes paths in any script, and could be tested. Without a Python
(uv is on its way) Windows' own findstr and certutil do it, for plain paths.

A file arrives under a temporary name beside its target, is verified by its SHA-256, and takes the target's place in one
step: whatever ends an upload early, the old file is there.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from . import output, windows_link
from .link import Finished, TransferError

Run = Callable[..., Finished]
#: What one Python, or one certutil, takes at a time: small enough for the memory that Windows grants a shell.
PIECE: Final = 4 * 2**20
#: One piece, and a Python that starts on a loaded machine, in s.
_PIECE_S: Final = 180.0
_STEP_S: Final = 60.0
_MARKER: Final = "roosync-file:"
#: What findstr reads as one line, with room to spare.
_LINE: Final = 4_000
#: Up to Windows 7 with blanks.
_HASH: Final = re.compile(r"(?:[0-9a-fA-F]{2} ?){32}")

#: What the machine's Python does. CPython 3.9, standard library, `request` and `data` come before it.
_PROGRAM: Final = """
import hashlib, os, time

def hashed(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()

def patiently(work):
    for wait in (0.1, 0.2, 0.5, 1, 2):
        try:
            return work()
        except PermissionError:  # another process has it open: Drive, a scanner, the agent itself
            time.sleep(wait)
    return work()

def put(temporary, target, start, sha256):
    if not start:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(temporary, "r+b" if start else "wb") as file:
        file.seek(start)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if sha256:
        found = hashed(temporary)
        if found != sha256:
            raise OSError("it arrived as another: SHA-256 " + found)
        patiently(lambda: os.replace(temporary, target))

def drop(temporary):
    if os.path.exists(temporary):
        patiently(lambda: os.remove(temporary))

def get(path, start, size):
    with open(path, "rb") as file:
        file.seek(start)
        piece = file.read(size)
        more = bool(file.read(1))
    return {"data": binascii.b2a_base64(piece).decode(), "sha256": None if more else hashed(path)}

try:
    answer = {"ok": {"put": put, "drop": drop, "get": get}[request.pop("do")](**request)}
except OSError as error:
    answer = {"problem": type(error).__name__ + ": " + (error.strerror or str(error))}
sys.stdout.write("\\n" + MARKER + json.dumps(answer) + "\\n")
"""


class UploadError(TransferError):
    """A file did not arrive, or not as it was sent; what was there before still is."""


def put_by_python(run: Run, words: tuple[str, ...], data: bytes, target: str) -> None:
    """Upload `data` to the path `target` through a Python. Raises TransferError and what `run` does."""
    temporary = f"{target}.part"  # one name, so that litter cannot pile up
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        for start, piece, last in pieces(data, PIECE):
            request = {"do": "put", "temporary": temporary, "target": target, "start": start}
            _ask(run, words, {**request, "sha256": sha256 if last else None}, piece)
    except UploadError as error:
        _ask(run, words, {"do": "drop", "temporary": temporary})
        raise UploadError(f"{target}: {error}") from None


def get_by_python(run: Run, words: tuple[str, ...], path: str) -> bytes:
    """Return what is in the file at `path`. Raises TransferError and what `run` does."""
    found = bytearray()
    sha256 = None
    while sha256 is None:
        answer = _ask(run, words, {"do": "get", "path": path, "start": len(found), "size": PIECE})
        found += base64.b64decode(answer["data"])
        sha256 = answer["sha256"]
    if hashlib.sha256(found).hexdigest() != sha256:
        raise UploadError(f"{path}: it changed while it was read")
    return bytes(found)


def put_by_tools(run: Run, data: bytes, target: str) -> None:
    """Upload `data` to the plain path `target` with findstr, certutil, copy and move, where there is no Python.

    Raises windows_link.NotPlainError, UploadError and what `run` does. An exit code proves nothing here; the hash does.
    """
    target = target.replace("/", "\\")
    temporary = f"{target}.part"  # as above
    windows_link.line("cmd.exe", "/c", "move", target)  # says so before anything is sent if the path is not plain
    _step(run, "cmd.exe", "/c", "mkdir", target.rpartition("\\")[0])
    try:
        if _is_text(data):
            _feed(run, data, temporary)
            found = _step(run, "cmd.exe", "/c", "type", temporary)
            problem = None if found.out == data else f"it arrived as another: {_said(found)}"
        else:
            _decode(run, data, temporary)
            problem = _same_hash(run, data, temporary)
        if problem is None:
            moved = _step(run, "cmd.exe", "/c", "move", "/Y", temporary, target)
            problem = None if moved.code == 0 else f"it could not take its place: {_said(moved)}"
    finally:
        _step(run, "cmd.exe", "/c", "del", "/q", temporary, f"{temporary}.64", f"{temporary}.1")
    if problem is not None:
        raise UploadError(f"{target}: {problem}")


def _step(run: Run, *words: str) -> Finished:
    return run(windows_link.line(*words), timeout_s=_STEP_S)


def _ask(run: Run, words: tuple[str, ...], request: dict[str, Any], data: bytes = b"") -> Any:
    token = base64.b64encode(json.dumps(request).encode())
    program = b"import sys, binascii, json\nMARKER = %r\nrequest = json.loads(binascii.a2b_base64(%r))\n" % (
        _MARKER,
        token,
    )
    program += b"data = binascii.a2b_base64(%r)\n" % base64.b64encode(data)
    done = run(windows_link.python_line(words), program + _PROGRAM.encode(), _PIECE_S)
    for line in output.lines(done.out):
        if line.startswith(_MARKER):
            answer = json.loads(line.removeprefix(_MARKER))
            if "problem" in answer:
                raise UploadError(answer["problem"])
            return answer["ok"]
    raise TransferError(f"{' '.join(words)}: no Python answered: {_said(done)}")


def pieces(data: bytes, size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Cut `data` into what goes at a time: where each piece begins, and whether it is the last."""
    for start in range(0, max(len(data), 1), size):
        yield start, data[start : start + size], start + size >= len(data)


def _is_text(data: bytes) -> bool:
    """Return True if findstr passes `data` on as it is: lines that end in CRLF, none of them empty or very long."""
    lines = data.split(b"\r\n")
    clean = not any(byte in data for byte in (b"\0", b"\x1a"))
    return len(lines) > 1 and not lines.pop() and clean and all(line and len(line) < _LINE for line in lines)


def _feed(run: Run, text: bytes, path: str) -> None:
    """Write stdin to a file. `>` is no plain character, but this line goes to WinRS's own cmd.exe alone."""
    run(windows_link.line("findstr.exe", "/R", ".") + " >" + path, text, _PIECE_S)


def _decode(run: Run, data: bytes, temporary: str) -> None:
    for start, piece, _ in pieces(data, PIECE):
        coded = base64.b64encode(piece)
        text = b"".join(coded[at : at + 64] + b"\r\n" for at in range(0, len(coded), 64))
        _feed(run, text, f"{temporary}.64")
        decoded = f"{temporary}.1" if start else temporary
        _step(run, "certutil.exe", "-f", "-decode", f"{temporary}.64", decoded)
        if start:
            _step(run, "cmd.exe", "/c", "copy", "/Y", "/b", f"{temporary}+{decoded}", temporary)


def _same_hash(run: Run, data: bytes, path: str) -> str | None:
    """Look for the hash that certutil prints: a line of its own among words in any language."""
    done = _step(run, "certutil.exe", "-hashfile", path, "SHA256")
    for line in output.lines(done.out):
        if _HASH.fullmatch(line.strip()):
            found = line.replace(" ", "").strip().lower()
            same = found == hashlib.sha256(data).hexdigest()
            return None if same else f"it arrived as another: SHA-256 {found}"
    return f"certutil told no hash: {_said(done)}"


def _said(done: Finished) -> str:
    said = " ".join(output.text(done.err or done.out).split())
    return f"exit code {done.code}" + (f": {said[-200:]}" if said else "")
