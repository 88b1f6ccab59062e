"""What takes longer to make than a login does, kept on this computer in a folder of its user's alone."""

import base64
import functools
import hashlib
import os
import threading
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from roosync_ops import __version__
from roosync_ops.wire import local

System = Literal["posix", "windows"]
#: Each takes a part more, which the many other requests need not carry.
ON_REQUEST: Final = ("knock", "logs")
OF_SHARES: Final = ("verify", "tidy", "tend")
#: CPython 3.11 confuses trees that two threads make at once (gh-106905); a thread that makes one holds this.
AST_LOCK: Final = threading.RLock()


def kept(name: str, made_of: Mapping[str, bytes], make: Callable[[], bytes], cache: Path | None = None) -> bytes:
    """Return what `make` makes of these; believed where they, this version and its own hash are the same."""
    path = (cache or cache_folder(os.environ)) / name
    made_by = digest({**made_of, "by": __version__.encode()})
    with suppress(OSError):
        local.make_folder(str(path.parent))
        head, _, data = path.read_bytes().partition(b"\n")
        if head.decode("ascii", "replace") == f"{made_by} {hashlib.sha256(data).hexdigest()}":
            return data
    data = make()
    with suppress(OSError):
        local.make_folder(str(path.parent))
        local.write(str(path), f"{made_by} {hashlib.sha256(data).hexdigest()}\n".encode() + data)
    return data


def digest(files: Mapping[str, bytes]) -> str:
    """Names and lengths are hashed with the contents, so no two sets of files can run together."""
    found = hashlib.sha256()
    for name, data in sorted(files.items()):
        found.update(f"{name}\0{len(data)}\0".encode() + data)
    return found.hexdigest()


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return this user's folder for what can be downloaded again."""
    named = environment.get("XDG_CACHE_HOME") or environment.get("LOCALAPPDATA")
    return (Path(named) if named else Path.home() / ".cache") / "roosync-ops"


def packed(system: System, do: str) -> str:
    """Return what answers a request to `do` something there (travel.source), as one word of a line."""
    with AST_LOCK:  # many ask at once for the first time
        return _packed(system, do if do in (*ON_REQUEST, *OF_SHARES) else "probe")


@functools.cache
def _packed(system: System, do: str) -> str:
    def make() -> bytes:
        from .travel import source  # noqa: PLC0415 - it loads every part of what travels

        return zlib.compress(source(system, do).encode(), 9)

    folders = [Path(__file__).parent, *(Path(__file__).parents[1] / room for room in ("agent", "wire"))]
    made_of = {str(file): file.read_bytes() for folder in folders for file in folder.glob("*.py")}
    return base64.b64encode(kept(f"script-{system}-{do}", made_of, make)).decode()
