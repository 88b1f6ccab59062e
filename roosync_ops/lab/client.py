"""What one machine's sync client does to its replica by itself: deliveries, twins, vanishing files, a restored image.

Nothing here is a change of the machine's own: the client remembers the stamp of what it puts, so it is not uploaded.
All raise OSError with the replica. What products call the file that they keep beside the one that won: lab/README.md,
"Synced folders".
"""

import base64
import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from . import faults
from .replica import FileVersions, SyncLink, Version

TWINS = "duplicate-names"
#: A file that has this many copies gets no more. Products go on; a month's simulation has better things to keep.
COPIES_MAX: Final = 5


def put(link: SyncLink, name: str, version: Version) -> None:
    """Make the replica show this version, and remember that it does."""
    if version.file is None:
        link.replica.remove(name)
        link.known.pop(name, None)
    else:
        faults.check_space(link)
        link.known[name] = link.replica.deliver(name, version.file)
    link.held[name] = version


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
    if version.file is None:
        raise ValueError(f"{name}: a deleted file has no twin")
    taken = cloud.keys() | link.known.keys()
    twin = link.twins.get(name) or copy_name("drive", name, link.name, 0, taken)
    if twin is None:
        return
    if twin not in link.held and is_untouched(link, twin):
        faults.check_space(link)
        link.known[twin] = link.replica.deliver(twin, version.file)
    link.twins[name] = twin


def tidy_twins(link: SyncLink) -> None:
    """Take the twins away once the fault has ended, but those that are real files or the machine's own by now."""
    if TWINS in link.faults:
        return
    for name, twin in list(link.twins.items()):
        if twin not in link.held and is_untouched(link, twin):
            link.replica.remove(twin)
            link.known.pop(twin, None)
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


def plan_vanishing(link: SyncLink, now: float, delay: Callable[[], float]) -> None:
    """Decide when the next file goes, where files vanish."""
    if "vanishing" not in link.faults or not faults.comes_down(link):
        link.vanish_at = None
    elif link.vanish_at is None:
        link.vanish_at = now + link.draw.uniform(0.0, faults.VANISH_DELAYS) * delay()


def vanish(link: SyncLink, cloud: Mapping[str, Version], now: float) -> list[str]:
    """Take one file away that the product can bring back, where it is time to. Returns its name."""
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
    path = folder + slash + stem
    copies = [one for one in taken if one.startswith((f"{path} ", f"{path}.")) and is_copy(one)]
    if len(copies) >= COPIES_MAX:
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


_COPY = re.compile(r" \(\d+\)(?=\.[^.]*$|$)|'s conflicted copy \d{4}-\d\d-\d\d|\.sync-conflict-\d{8}-\d{6}-[A-Z2-7]{7}")
