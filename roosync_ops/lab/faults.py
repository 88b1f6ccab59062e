"""Everything that a file-sync product, or the disk under it, does to one machine; each by a name that can be typed.

A fault belongs to one machine's link and is on until it is switched off. The replicator asks here what a fault means
for it.
"""

import errno
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from roosync_ops.errors import RoosyncError

from .replica import File, SyncLink, Version

#: By name: what it does to the machine, in one line. The source of each is lab/README.md, "Synced folders".
FAULTS: Final[dict[str, str]] = json.loads(Path(__file__).with_name("faults.json").read_text("utf-8"))

#: These are faults of the share as the machine's own programs meet it, and not of the sync client alone.
LOCAL: Final = frozenset({"read-only", "full", "unmounted", "hang", "cold"})
_NO_UPLOAD: Final = frozenset({"upload-stall", "away"})
_NO_DOWNLOAD: Final = frozenset({"download-stall", "away", "old-files"})
_CONFLICTS: Final = {
    "conflict-drive": "drive",
    "conflict-dropbox": "dropbox",
    "conflict-syncthing": "syncthing",
}
_DISGUISES: Final = ("placeholders", "reordered", "truncated", "zero-byte")

#: `slow`: how many times longer.
SLOW_FACTOR: Final = 20.0
#: Where no other machine had written, one upload in so many makes a conflict copy all the same: a repeated upload does.
SPURIOUS_CONFLICT_ONE_IN: Final = 2
#: `vanishing`: a file goes after so many delays, on average one of half as many.
VANISH_DELAYS: Final = 4.0


class LabError(RoosyncError):
    """The lab cannot do what was asked."""

    code = "LAB"
    hint = "roosync-ops lab up"


def check_name(name: str) -> None:
    """Raise ValueError where there is no fault of that name."""
    if name not in FAULTS:
        raise ValueError(f"{name!r} is no fault; there are {', '.join(FAULTS)}")


def goes_up(link: SyncLink) -> bool:
    """Return True if this machine's client uploads."""
    return link.up and not link.faults & _NO_UPLOAD


def comes_down(link: SyncLink) -> bool:
    """Return True if this machine's client downloads."""
    return link.down and not link.faults & _NO_DOWNLOAD


def check_mounted(link: SyncLink) -> None:
    """Raise OSError where the sync client itself cannot look at the replica."""
    if "hang" in link.faults:
        raise OSError(errno.ETIMEDOUT, "the share hangs")
    if "unmounted" in link.faults:
        raise _error(errno.ENOENT)


def check_space(link: SyncLink) -> None:
    """Raise OSError where nothing more fits into the replica."""
    if "full" in link.faults:
        raise _error(errno.ENOSPC)


def conflict_product(link: SyncLink, *, overwrites: bool) -> str | None:
    """Return the product in whose naming an upload keeps what it overwrites; None: nothing is kept.

    `overwrites` is whether the machine had not seen the version that its upload replaces.
    """
    products = sorted(link.faults & _CONFLICTS.keys())
    if not products:
        return None
    spurious = link.draw.randrange(SPURIOUS_CONFLICT_ONE_IN) == 0
    product = link.draw.choice(products)
    return _CONFLICTS[product] if overwrites or spurious else None


def disguise(link: SyncLink, version: Version, past: Iterable[Version]) -> File | None:
    """Return what arrives instead of `version` at first; None: the version itself arrives. `past` are earlier ones."""
    chosen = [name for name in _DISGUISES if name in link.faults]
    if not chosen or version.file is None:
        return None
    name = link.draw.choice(chosen)
    if name == "reordered":
        files = [old.file for old in past if old.number < version.number and old.file is not None]
        return link.draw.choice(files) if files and link.draw.random() < 0.5 else None  # noqa: PLR2004 - every other one
    return _spoilt(name, version.file, link)


def _spoilt(name: str, file: File, link: SyncLink) -> File:
    if name == "zero-byte":
        return File(b"", file.mtime_ns)
    if name == "placeholders":
        return File(bytes(len(file.content)), file.mtime_ns)
    return File(file.content[: link.draw.randrange(max(1, len(file.content)))], file.mtime_ns)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def fault_list() -> str:
    """Return each fault and what it does to its machine, a line each."""
    width = max(map(len, FAULTS))
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in FAULTS.items())


def fault_said(name: str, machine: str, *, on: bool, changed: bool) -> str:
    """Return the sentence about a fault that has been switched."""
    if not changed:
        return f"{machine}: {name} {'was on already' if on else 'was not on'}."
    return f"{machine}: {name}: {FAULTS[name]}." if on else f"{machine}: {name} is over."


def faults_text(active: Mapping[str, Sequence[str]]) -> str:
    """Return the faults that are on, a machine a line."""
    return "\n".join(f"{machine}: {', '.join(names)}" for machine, names in active.items()) or "No fault is on."
