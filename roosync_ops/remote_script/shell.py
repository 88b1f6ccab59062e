"""How one request gets to a Python on a POSIX machine: one `sh` command of characters no quoting rule can bite.

Paths and values travel inside one base64 token, so spaces, quotes, `$`, and names in any script come out unchanged.
"""

from __future__ import annotations

import base64
import functools
import json
import shlex
import zlib
from typing import TYPE_CHECKING, Any

from . import travel
from .on_common import MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def command(request: Mapping[str, Any], python: str | None = None) -> str:
    """Return the shell command that answers `request` (see on_machine) with a Python found on the machine.

    `python` is tried alone where given. Where there is none the reply is `{"error": "no-python"}`.
    """
    places = " ".join(shlex.quote(place) for place in ([python] if python else _PLACES))
    missing = json.dumps({"error": NO_PYTHON})
    return (
        f"for p in {places}; do "
        'command -v "$p" >/dev/null 2>&1 || continue; '
        f'"$p" -I -S -c {shlex.quote(_LOADER)} {_payload(str(request.get("do")))} {_token(request)}; '
        f"r=$?; [ $r -eq {_TOO_OLD} ] || exit $r; done; "
        f"echo {shlex.quote(MARKER + missing)}; exit 1"
    )


@functools.cache
def upload(data: bytes) -> str:
    """Return `data` as the one line of text that `push` takes from stdin. Packing it takes longer than a login."""
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _token(request: Mapping[str, Any]) -> str:
    return base64.b64encode(json.dumps(request).encode()).decode()


@functools.cache
def _payload(do: str) -> str:
    return base64.b64encode(zlib.compress(travel.source("posix", do).encode(), 9)).decode()
