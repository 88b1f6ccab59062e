"""One request to a Python on a machine, whatever the machine is and however it is reached.

On POSIX it is one `sh` command of characters no quoting rule can bite: paths and values travel inside one base64 token,
so spaces, quotes, `$`, and names in any script come out unchanged.
"""

import base64
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

from . import travel
from .on_common import MARKER

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
        done = self._asked(link, timeout_s)
        return done._replace(out=_telling(done.out) or done.err[-_TAIL:], err=done.err[-_TAIL:])

    def _asked(self, link: Link, timeout_s: float | None) -> Finished:
        if isinstance(link, WindowsLink):
            from .windows import python  # noqa: PLC0415 - where no Windows machine is asked, nothing of it is loaded

            return python.answer(link, self, timeout_s)
        stdin = b"" if self.upload is None else packed(self.upload).encode()
        self.sent_ms = time.time_ns() // 1_000_000
        return link.execute(posix_files.shell(command(self.request, self.python)), stdin, timeout_s)


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
        f'"$p" -I -S -c {shlex.quote(_LOADER)} {travel.packed("posix", str(request.get("do")))} {token}; '
        f"r=$?; [ $r -eq {_TOO_OLD} ] || exit $r; done; "
        f"echo {shlex.quote(MARKER + missing)}; exit 1"
    )


@functools.cache
def packed(data: bytes) -> str:
    """Return `data` as the one line of text that `push` takes from stdin. Packing it takes longer than a login."""
    return base64.b64encode(zlib.compress(data, 9)).decode()
