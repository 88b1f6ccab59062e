"""What file-sync products call the file they keep beside the one that won: lab/README.md, "Synced folders"."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

#: A file that has this many copies gets no more. Products go on; a month's simulation has better things to keep.
COPIES_MAX: Final = 5


def drive(stem: str, suffix: str, host: str, at: datetime, number: int) -> str:  # noqa: ARG001 - one shape for all
    """`name (1).json`."""
    return f"{stem} ({number}){suffix}"


def dropbox(stem: str, suffix: str, host: str, at: datetime, number: int) -> str:
    """`name (HOST's conflicted copy 2026-02-12).json`, the next one of that day with ` (1)` behind the date."""
    more = f" ({number - 1})" if number > 1 else ""
    return f"{stem} ({host.replace('/', '-')}'s conflicted copy {at:%Y-%m-%d}{more}){suffix}"


def syncthing(stem: str, suffix: str, host: str, at: datetime, number: int) -> str:
    """`name.sync-conflict-20260212-101530-ABCDEFG.json`: the end is the first part of the device's ID."""
    device = base64.b32encode(hashlib.sha256(f"{host} {number}".encode()).digest()).decode("ascii")[:7]
    return f"{stem}.sync-conflict-{at:%Y%m%d-%H%M%S}-{device}{suffix}"


#: By the product's name.
NAMINGS: Final[dict[str, Callable[[str, str, str, datetime, int], str]]] = {
    "drive": drive,
    "dropbox": dropbox,
    "syncthing": syncthing,
}


def copy_name(product: str, name: str, host: str, mtime_ns: int, taken: Collection[str]) -> str | None:
    """Return a free name for a copy of `name`, which `product` blames on `host`; None for a copy, or one too many."""
    if is_copy(name):
        return None
    folder, slash, leaf = name.rpartition("/")
    stem, dot, suffix = leaf.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem else (leaf, "")
    if sum(_is_copy_of(folder + slash + stem, one) for one in taken) >= COPIES_MAX:
        return None  # names that carry a day or a second are never used up
    at = datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC)
    for number in range(1, COPIES_MAX + 1):
        copy = f"{folder}{slash}{NAMINGS[product](stem, suffix, host, at, number)}"
        if copy not in taken:
            return copy
    return None


def is_copy(name: str) -> bool:
    """Return True if a product gave the file this name."""
    return _COPY.search(name) is not None


def _is_copy_of(path: str, name: str) -> bool:
    """Return True if `name` is a copy of the file whose name without its suffix is `path`."""
    return name.startswith(path) and name[len(path) : len(path) + 1] in (" ", ".") and is_copy(name)


_COPY = re.compile(r" \(\d+\)(?=\.[^.]*$|$)|'s conflicted copy \d{4}-\d\d-\d\d|\.sync-conflict-\d{8}-\d{6}-[A-Z2-7]{7}")
