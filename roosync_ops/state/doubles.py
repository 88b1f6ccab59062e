"""What a sync product made two of: Drive keeps two folders of one name, and shows the second as `NAME (1)`.

Machines that made `heartbeats/` before they saw each other's get one each: to some of them the second is the first.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roosync_ops.wire.folder import read_heartbeats, read_view, report_stranger
from roosync_ops.wire.names import HEARTBEATS, VIEW_NAME, copies_of

if TYPE_CHECKING:
    from roosync_ops.wire.folder import Snapshot

#: A second folder or view, as sync products make of two of one name: what lies in it is evidence.
DOUBLED: Final = "doubled-by-sync"

#: How a second folder or view of one name is shown beside the first. The copy of a whole share is told by number alone:
#: a backup that somebody named otherwise is none.
_COPIES: Final = {HEARTBEATS: copies_of("heartbeats"), VIEW_NAME: copies_of("heartbeat", r"\.json")}
_NUMBERED: Final = re.compile(r"(.+?)(?: ?\(\d{1,3}\))*", re.DOTALL)


def read_doubles(shared: str, names: list[str], snapshot: Snapshot) -> None:
    """Add what lies in the doubles of folder and view in `shared`, and of `shared` itself: evidence, and told."""
    place = Path(shared).absolute()
    _within(place, "", names, snapshot)
    try:
        for twin in sorted(beside for beside in place.parent.iterdir() if is_twin(beside.name, place.name)):
            if not twin.is_symlink() and twin.is_dir():
                _twin(twin, f"../{twin.name}", snapshot)
    except OSError:
        return  # what lies beside the share is no part of it


def _twin(place: Path, label: str, snapshot: Snapshot) -> None:
    names = [item.name for item in place.iterdir()]
    if not {HEARTBEATS, VIEW_NAME}.isdisjoint(names):
        snapshot.report(label, DOUBLED, "a second shared state of this name; the records in it are evidence")
        if HEARTBEATS in names:
            read_heartbeats(str(place / HEARTBEATS), f"{label}/{HEARTBEATS}", snapshot)
        if VIEW_NAME in names:
            read_view(str(place / VIEW_NAME), f"{label}/{VIEW_NAME}", snapshot)
        _within(place, f"{label}/", names, snapshot)


def _within(place: Path, label: str, names: list[str], snapshot: Snapshot) -> None:
    for name in sorted(names):
        which, path = double_of(name), place / name
        if which == HEARTBEATS and not path.is_symlink() and path.is_dir():
            snapshot.report(label + name, DOUBLED, f"a second {HEARTBEATS} folder; the records in it are evidence")
            read_heartbeats(str(path), label + name, snapshot)
        elif which == VIEW_NAME:
            snapshot.report(label + name, DOUBLED, f"a second {VIEW_NAME}; its entries are evidence")
            read_view(str(path), label + name, snapshot)
        elif name.startswith(".heartbeat"):
            report_stranger(str(place), label, name, snapshot)


def double_of(name: str) -> str | None:
    """Return which of HEARTBEATS and VIEW_NAME a name is the second of, None for neither."""
    return next((first for first, copies in _COPIES.items() if name != first and copies.fullmatch(name)), None)


def is_twin(name: str, of: str) -> bool:
    """Return True if two folders beside each other are one that a sync product holds twice: `NAME` and `NAME (1)`."""
    first, second = _NUMBERED.fullmatch(name), _NUMBERED.fullmatch(of)
    return name != of and first is not None and second is not None and first.group(1) == second.group(1)
