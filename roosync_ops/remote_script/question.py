"""One request to a Python on a machine, whatever the machine is and however it is reached; and the document it answers.

On POSIX it is one `sh` command of characters no quoting rule can bite: paths and values travel inside one base64 token,
so spaces, quotes, `$`, and names in any script come out unchanged.
"""

import base64
import binascii
import functools
import json
import shlex
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from roosync_ops.transport import posix_files
from roosync_ops.transport.link import Finished, Link
from roosync_ops.transport.windows_link import WindowsLink

from .kept import kept, packed
from .on_common import MARKER, PRESSED

#: Where a CPython may be when the inventory names none: PATH first, then where installers leave it.
_PLACES = (
    "python3",
    *(f"python3.{minor}" for minor in range(14, 8, -1)),
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    "/opt/homebrew/bin/python3",
    "/usr/libexec/platform-python",
)
#: What a Python answers that is too old: the next place is tried.
_TOO_OLD = 99
#: -I -S: neither the user's environment nor site packages can change what runs.
#: One line: csh takes no line break within quotes.
_LOADER = (
    "import sys,binascii;"
    f"sys.version_info<(3,9) and sys.exit({_TOO_OLD});"
    "import zlib;"
    "p=sys.argv.pop(1);"
    "exec(zlib.decompress(binascii.a2b_base64(p)));"
    "sys.exit(main(sys.argv))"
)
NO_PYTHON = "no-python"
#: What is kept of words that are no answer, in bytes.
_TAIL: Final = 4096
#: A pressed answer has at most so many bytes when it no longer is, and every answer so many values.
MAX_BYTES: Final = 100_663_296
MAX_VALUES: Final = 8_000_000
#: What stands in the place of an answer where no agent is there to give one, to its code.
_SILENCES = {"no-python": "NO_PYTHON", "not-windows": "WRONG_SYSTEM", "too-much": "TOO_MUCH"}
_MAX_SAID = 600


@dataclass
class Question:
    """Has a Python on the machine answer `request` (see on_machine).

    `python` is tried alone where given; `bootstrap`: where there is none, one may be installed for the user (Windows).
    """

    request: Mapping[str, Any]
    python: str | None = None
    bootstrap: bool = False
    #: The agent, where a step puts it in place.
    upload: bytes | None = None
    #: Whether nothing of ours is to be left on the machine after this.
    is_last: bool = False
    #: When the attempt that was answered was sent, in ms since the epoch.
    sent_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    def ask(self, link: Link, timeout_s: float | None) -> Finished:
        """Return what of the machine's words can be its answer. Raises what the link does."""
        if isinstance(link, WindowsLink):
            from .windows import python  # noqa: PLC0415 - where no Windows machine is asked, nothing of it is loaded

            done = python.answer(link, self, timeout_s)
        else:
            stdin = b"" if self.upload is None else uploaded(self.upload).encode()
            self.sent_ms = time.time_ns() // 1_000_000
            done = link.execute(posix_files.shell(command(self.request, self.python)), stdin, timeout_s)
        return done._replace(out=_telling(done.out) or done.err[-_TAIL:], err=done.err[-_TAIL:])


def no_answer(error: str, said: str) -> bytes:
    """Return what stands in the place of an answer: `error` is a word that `unpacked` knows."""
    return f"{MARKER}{json.dumps({'error': error, 'said': said})}".encode()


def _telling(said: bytes) -> bytes:
    """Return what of `said` can be an answer: its last marked line, or else the end of what was said."""
    at = said.rfind(MARKER.encode())
    if at < 0:
        return said[-_TAIL:]
    end = said.find(b"\n", at)
    return said[said.rfind(b"\n", 0, at) + 1 : len(said) if end < 0 else end]


def command(request: Mapping[str, Any], python: str | None = None) -> str:
    """Return the shell command that answers `request` (see on_machine) with a Python found on the machine.

    `python` is tried alone where given. Where there is none the reply is `{"error": "no-python"}`.
    """
    places = " ".join(shlex.quote(place) for place in ([python] if python else _PLACES))
    missing = json.dumps({"error": NO_PYTHON})
    token = base64.b64encode(json.dumps(request).encode()).decode()
    return (
        f"for p in {places}; do "
        'command -v "$p" >/dev/null 2>&1 || continue; '
        f'"$p" -I -S -c {shlex.quote(_LOADER)} {packed("posix", str(request.get("do")))} {token}; '
        f"r=$?; [ $r -eq {_TOO_OLD} ] || exit $r; done; "
        f"echo {shlex.quote(MARKER + missing)}; exit 1"
    )


@functools.cache
def uploaded(data: bytes) -> str:
    """Return `data` as the one line of text that `push` takes from stdin. Packing it takes longer than a login."""
    return base64.b64encode(kept("upload", {"agent": data}, lambda: zlib.compress(data, 9))).decode()


class SilenceError(Exception):
    """A machine that gave no answer we can use. `code` is for programs."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)

    def to_json(self) -> Any:
        """As an answer's."""
        return {"code": self.code, "reason": self.reason}


def document_in(lines: list[str]) -> str:
    """Return the JSON behind the marker; whatever else a login shell prints is no answer. Raises SilenceError."""
    marked = [line.partition(MARKER)[2] for line in lines if MARKER in line]
    if not marked:
        said = " ".join(" ".join(lines).split())[-200:]
        raise SilenceError("NO_ANSWER", f"it said {said!r}" if said else "it said nothing")
    said = marked[-1]
    try:
        value = json.loads(_bounded(said))
        if isinstance(value, dict) and isinstance(value.get(PRESSED), str):
            said = _unpacked(value[PRESSED])
            value = json.loads(_bounded(said))
    except (ValueError, RecursionError) as error:
        raise SilenceError("NOT_UNDERSTOOD", f"its answer is not JSON: {error!s:.120}") from None
    if isinstance(value, dict) and value.get("error") is not None:
        error_text = str(value["error"])
        code = _SILENCES.get(error_text, "PROBE_FAILED")
        raise SilenceError(code, str(value.get("said") or error_text)[:_MAX_SAID])
    return said


def _unpacked(text: str) -> str:
    """Return what was pressed. Raises SilenceError where it is too long, ValueError where it is none."""
    press = zlib.decompressobj()
    try:
        raw = press.decompress(binascii.a2b_base64(text), MAX_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not press.eof:
        raise SilenceError("TOO_MUCH", f"cut short, or more than {MAX_BYTES >> 20} MiB")
    return raw.decode("ascii")


def _bounded(text: str) -> str:
    """Raise SilenceError where `text` holds more values than a machine has to tell: `[],` is 3 bytes there, 64 here."""
    if sum(map(text.count, "[{,")) > MAX_VALUES:
        raise SilenceError("TOO_MUCH", f"more than {MAX_VALUES} values")
    return text
