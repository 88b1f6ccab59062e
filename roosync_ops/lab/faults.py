"""What one machine's sync client does to its replica by itself, faults included; each fault by a name to be typed.

A fault, of a file-sync product or of the disk under it, belongs to one machine's link and is on until it is switched
off. The replicator asks here what a fault means for it. Nothing here is a change of the machine's own: the client
remembers the stamp of what it puts, so it is not uploaded. All raise OSError with the replica. What products call the
file that they keep beside the one that won: lab/README.md, "Synced folders".
"""

import base64
import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from roosync_ops.errors import RoosyncError

from .replica import File, FileVersions, SyncLink, Version

#: By name: what it does to the machine, in one line. The source of each is lab/README.md, "Synced folders".
FAULTS: Final[dict[str, str]] = json.loads(Path(__file__).with_name("faults.json").read_text("utf-8"))

#: These are faults of the share as the machine's own programs meet it, and not of the sync client alone.
LOCAL: Final = frozenset({"read-only", "full", "unmounted", "hang", "cold"})
_NO_UPLOAD: Final = frozenset({"upload-stall", "away"})
_NO_DOWNLOAD: Final = frozenset({"download-stall", "away", "old-files"})
_CONFLICT: Final = "conflict-"
_DISGUISES: Final = ("placeholders", "reordered", "truncated", "zero-byte")

#: `slow`: how many times longer.
SLOW_FACTOR: Final = 20.0
#: Where no other machine had written, one upload in so many makes a conflict copy all the same: a repeated upload does.
SPURIOUS_CONFLICT_ONE_IN: Final = 2
#: `vanishing`: a file goes after so many delays, on average one of half as many.
VANISH_DELAYS: Final = 4.0
TWINS = "duplicate-names"
#: A file that has this many copies gets no more. Products go on; a month's simulation has better things to keep.
COPIES_MAX: Final = 5


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


def conflict_product(link: SyncLink, *, overwrites: bool) -> str | None:
    """Return the product in whose naming an upload keeps what it overwrites; None: nothing is kept.

    `overwrites` is whether the machine had not seen the version that its upload replaces.
    """
    products = sorted(fault.removeprefix(_CONFLICT) for fault in link.faults if fault.startswith(_CONFLICT))
    if not products:
        return None
    spurious = link.draw.randrange(SPURIOUS_CONFLICT_ONE_IN) == 0
    product = link.draw.choice(products)
    return product if overwrites or spurious else None


def disguise(link: SyncLink, version: Version, past: Iterable[Version]) -> File | None:
    """Return what arrives instead of `version` at first; None: the version itself arrives. `past` are earlier ones."""
    chosen = [name for name in _DISGUISES if name in link.faults]
    if not chosen or version.file is None:
        return None
    name = link.draw.choice(chosen)
    if name == "reordered":
        files = [old.file for old in past if old.number < version.number and old.file is not None]
        return link.draw.choice(files) if files and link.draw.random() < 0.5 else None  # noqa: PLR2004 - every other one
    content = version.file.content
    if name == "truncated":
        content = content[: link.draw.randrange(max(1, len(content)))]
    else:
        content = bytes(len(content)) if name == "placeholders" else b""
    return File(content, version.file.mtime_ns)


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


def put(link: SyncLink, name: str, version: Version) -> None:
    """Make the replica show this version, and remember that it does."""
    _show(link, name, version.file)
    link.held[name] = version


def _show(link: SyncLink, name: str, file: File | None) -> None:
    if file is None:
        link.replica.remove(name)
        link.known.pop(name, None)
    elif "full" in link.faults:
        raise _error(errno.ENOSPC)
    else:
        link.known[name] = link.replica.deliver(name, file)


def is_untouched(link: SyncLink, name: str) -> bool:
    """Return True if the file is as the client left it: the machine has not changed it since."""
    return name not in link.uploads and link.replica.stamp(name) == link.known.get(name)


def shows_twin(link: SyncLink, name: str, version: Version) -> bool:
    """Return True if this version is to be shown under another name: the file of this name is another one."""
    held = link.held.get(name)
    has_both = held is not None and held.file is not None and version.file is not None
    return TWINS in link.faults and has_both and (name in link.twins or name not in link.twins.values())


def show_twin(link: SyncLink, name: str, version: Version, cloud: Mapping[str, Version]) -> None:
    """Put the newest version beside the frozen one; a conflict copy has no twin, and stays as it is."""
    taken = cloud.keys() | link.known.keys()
    twin = link.twins.get(name) or copy_name("drive", name, link.name, 0, taken)
    if twin is None:
        return
    if twin not in link.held and is_untouched(link, twin):
        _show(link, twin, version.file)
    link.twins[name] = twin


def tidy_twins(link: SyncLink) -> None:
    """Take the twins away once the fault has ended, but those that are real files or the machine's own by now."""
    if TWINS in link.faults:
        return
    for name, twin in list(link.twins.items()):
        if twin not in link.held and is_untouched(link, twin):
            _show(link, twin, None)
        del link.twins[name]


def rewind(link: SyncLink, past: Mapping[str, FileVersions]) -> list[str]:
    """Put the oldest known version of every file there, once for each old-files. Returns which were put back.

    What the machine has written and not uploaded stays: that is what it writes after it came back.
    """
    if "old-files" not in link.faults or link.is_old:
        link.is_old = "old-files" in link.faults
        return []
    rewound = []
    for name in sorted(past.keys() & link.held.keys()):
        oldest = past[name].oldest
        if is_untouched(link, name) and oldest.file is not None and oldest.number != link.held[name].number:
            put(link, name, Version(oldest.number, oldest.file, whole=False))
            rewound.append(name)
    link.is_old = True
    return rewound


def vanish(link: SyncLink, cloud: Mapping[str, Version], now: float, delay: Callable[[], float]) -> list[str]:
    """Take one file away that the product can bring back, where files vanish and it is time to. Returns its name."""
    if "vanishing" not in link.faults or not comes_down(link):
        link.vanish_at = None
    elif link.vanish_at is None:
        link.vanish_at = now + link.draw.uniform(0.0, VANISH_DELAYS) * delay()
    if link.vanish_at is None or now < link.vanish_at:
        return []
    link.vanish_at = None
    names = [
        name
        for name, held in sorted(link.held.items())
        if held is cloud.get(name) and held.file is not None and is_untouched(link, name)
    ]
    if not names:
        return []
    name = link.draw.choice(names)
    put(link, name, Version(link.held[name].number, None, whole=False))
    return [name]


def overdue(link: SyncLink, cloud: Mapping[str, Version]) -> list[str]:
    """Return the files of which the replica does not show the newest version and nothing is on its way."""
    if TWINS in link.faults:
        return []
    return [
        name
        for name, version in cloud.items()
        if link.held.get(name) is not version and name not in link.downloads and name not in link.uploads
    ]


#: What each product calls a copy. Dropbox counts the second one of a day; the end of Syncthing's is a device's ID.
NAMINGS: Final = {
    "drive": "{stem} ({number}){suffix}",
    "dropbox": "{stem} ({host}'s conflicted copy {at:%Y-%m-%d}{more}){suffix}",
    "syncthing": "{stem}.sync-conflict-{at:%Y%m%d-%H%M%S}-{device}{suffix}",
}


def copy_name(product: str, name: str, host: str, mtime_ns: int, taken: Collection[str]) -> str | None:
    """Return a free name for a copy of `name`, which `product` blames on `host`; None for a copy, or one too many."""
    if is_copy(name):
        return None
    folder, slash, leaf = name.rpartition("/")
    stem, dot, suffix = leaf.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem else (leaf, "")
    path = folder + slash + stem
    copies = [one for one in taken if one.startswith((f"{path} ", f"{path}.")) and is_copy(one)]
    if len(copies) >= COPIES_MAX:
        return None  # names that carry a day or a second are never used up
    at = datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC)
    for number in range(1, COPIES_MAX + 1):
        device = base64.b32encode(hashlib.sha256(f"{host} {number}".encode()).digest()).decode("ascii")[:7]
        parts = {"host": host.replace("/", "-"), "more": f" ({number - 1})" * (number > 1), "device": device}
        copy = folder + slash + NAMINGS[product].format(stem=stem, suffix=suffix, at=at, number=number, **parts)
        if copy not in taken:
            return copy
    return None


def is_copy(name: str) -> bool:
    """Return True if a product gave the file this name."""
    return _COPY.search(name) is not None


_COPY = re.compile(r" \(\d+\)(?=\.[^.]*$|$)|'s conflicted copy \d{4}-\d\d-\d\d|\.sync-conflict-\d{8}-\d{6}-[A-Z2-7]{7}")
