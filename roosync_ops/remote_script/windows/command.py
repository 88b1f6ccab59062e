"""What travels to a Python on Windows beside its command line, on its stdin."""

from __future__ import annotations

import base64
import functools
import json
import re
import zlib
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.remote_script import travel

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a Python says first: a place where this was not said ran nothing of ours, and the next one may be tried.
STARTED: Final = "roosync-python"
TOO_OLD: Final = "too-old"
STORE: Final = "store"
NOT_WINDOWS: Final = "not-windows"


def script(request: Mapping[str, Any]) -> bytes:
    """Return what Python reads from stdin to answer `request` (see on_machine): ASCII, whatever is in the request."""
    token = base64.b64encode(json.dumps(request).encode()).decode()
    payload = _payload(str(request.get("do")))
    body = f"exec(zlib.decompress(binascii.a2b_base64({payload!r})))\nsys.exit(main(['', {token!r}]))\n"
    return (_LOADER + body).encode()


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


@functools.cache
def _payload(do: str) -> str:
    return base64.b64encode(zlib.compress(travel.source("windows", do).encode(), 9)).decode()


def answered(output: bytes) -> str | None:
    """Return what Python said first (`ok`, or why it will not do); None where none of ours ran at all."""
    found = re.search(rb"^" + STARTED.encode() + rb":([a-z-]+)\s*$", output, re.MULTILINE)
    return found[1].decode() if found else None
