"""The shared state in a synced folder, read with a deadline; and where it is if the folder that is named is none."""

import errno
import os
import re
import sys
import threading
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from roosync_ops import typed
from roosync_ops.wire import findings as f
from roosync_ops.wire.bounds import Bounds
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, FIRST_READING_S, BoundedShare, ShareHungError
from roosync_ops.wire.folder import (
    SETTLE_S,
    read_heartbeats,
    read_shared,
    read_view,
    report_stranger,
)
from roosync_ops.wire.merge import Snapshot, Source
from roosync_ops.wire.names import HEARTBEATS, USUAL_NAME, VIEW_NAME, copies_of, machine_of
from roosync_ops.wire.signs import FOLDERS, SIGNS_S, signs_within
from roosync_ops.wire.times import now_ms

from .shared import DOUBLED, SharedState, StateUnavailableError, assemble

_REASONS: Final = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "is not a folder",
    errno.EACCES: "may not be read by this user",
    errno.EPERM: "may not be read by this user",
}
#: What other services of the fleet keep in the shared state: with one of these it is one, even without a heartbeat.
_ITS_OWN: Final = frozenset([*FOLDERS, ".machine-registry.json", ".identity-registry.json"])
#: So many folders are looked into for the right one.
_MAX_CHILDREN: Final = 64
_EMPTY: Final = "it is empty"
_QUOTES: Final = "\"'\u201c\u201d\u2018\u2019«»"
#: How a second folder or view of one name is shown beside the first. The copy of a whole share is told by number alone:
#: a backup under another name is none.
_COPIES: Final = {HEARTBEATS: copies_of("(?i:heartbeats)"), VIEW_NAME: copies_of("heartbeat", r"\.json")}
_NUMBERED: Final = re.compile(r"(.+?)(?: ?\(\d{1,3}\))*", re.DOTALL)


class FolderSource:
    """The folder `path`, read by one call at a time: however long it hangs, however often it is asked: one thread."""

    def __init__(self, path: str, deadline_s: float | None = None) -> None:
        self._path = path
        self._bounded = BoundedShare(deadline_s or (FIRST_READING_S if sys.platform == "win32" else DEFAULT_DEADLINE_S))
        self._turn = threading.Lock()

    def __call__(self) -> SharedState:
        # The time before the reading: a slow share must not make what is read from it look older than it is.
        with self._turn:
            return read_folder(self._path, now_ms(), self._bounded)


def read_folder(path: str | Path, now_ms: int, bounded: BoundedShare | None = None) -> SharedState:
    """Read the shared folder `path` at `now_ms` (ms since the epoch), which hangs where `bounded` sees no progress.

    A long reading says on stderr how far it is. Raises StateUnavailableError: missing, no folder, no shared state,
    hung, or nothing readable in it.
    """
    shared, bounded = str(path), bounded or BoundedShare(DEFAULT_DEADLINE_S)
    read = Snapshot(now_ms, Bounds(named=shared))
    try:
        snapshot = bounded.call(
            lambda: read_shared(shared, now_ms, SETTLE_S, read.bounds, read_doubles, read),
            f"reading {shared}",
            lambda: read.bounds.count,
        )
        if not snapshot.seen:
            _check_place(shared, bounded)
    except ShareHungError as error:
        if not read.evidence:
            said = f"the shared state {shared} hangs: no answer within {error.deadline_s:g} s"
            raise StateUnavailableError(said, typed.ours("matrix")) from None
        snapshot = _what_came(read, f"no answer within {error.deadline_s:g} s")
    except OSError as error:
        why = _REASONS.get(error.errno or 0, f"cannot be read: {error.strerror}")
        raise _unavailable(shared, why, bounded.call(lambda: meant(shared), f"looking for {shared}")) from None
    except ValueError as error:  # a NUL in the path
        raise StateUnavailableError(f"the shared state {shared!r} is no path: {error}", typed.ours("matrix")) from None
    return assemble(shared, snapshot, signs_within(bounded.aside(SIGNS_S), shared))


def _what_came(read: Snapshot, why: str) -> Snapshot:
    """Return what a reading that hangs in one file came to: those that did not come are there, and cannot be read."""
    came, left = copy(read), [*reversed(read.left)]
    came.evidence, came.findings = read.evidence[:], read.findings[:]  # the reading that hangs may go on
    if came.view_state == "absent":
        came.view_state = f.UNREADABLE
        left.append(VIEW_NAME)
    for file in left:
        Source(came, file, machine_of(file)).report(f.UNREADABLE, why)
    return came


def _check_place(shared: str, bounded: BoundedShare) -> None:
    """Raise StateUnavailableError for a folder without heartbeats that is no shared state."""
    with suppress(OSError):
        wrong = bounded.call(lambda: wrong_place(shared), f"looking at {shared}")
        if wrong is not None:
            new = "" if wrong[1] else "; where the fleet is new, the first rollout makes it"
            raise _unavailable(shared, f"is no shared state: {wrong[0]}{new}", wrong[1])


def _unavailable(shared: str, why: str, right: str | None) -> StateUnavailableError:
    named = shared if shared.isprintable() and shared == shared.strip().strip("\"'") else repr(shared)
    hint = typed.ours("rollout", "--dry") if _EMPTY in why else typed.elsewhere("validate", "--probe")
    hint = hint if right is None else typed.ours("status", "--shared", right)
    return StateUnavailableError(f"the shared state {named} {why}", hint)


def wrong_place(shared: str) -> tuple[str, str | None] | None:
    """Tell why `shared` is no shared state, and where one is; None where it is one. OSError passes through."""
    place = Path(shared).absolute()
    names = [item.name for item in place.iterdir()]
    if any(name in (HEARTBEATS, VIEW_NAME) or double_of(name) for name in names):
        return None
    if place.name == HEARTBEATS or double_of(place.name) == HEARTBEATS:
        return f"it is the {HEARTBEATS} folder of one", str(place.parent)
    for name in [USUAL_NAME, *sorted(names)[:_MAX_CHILDREN]]:
        for within in (place / name, place / name / USUAL_NAME):
            if _is_shared_state(within):
                return "the right one lies in it", str(within)
    if _ITS_OWN.intersection(names):
        return None
    if _is_shared_state(place.parent):
        return "it lies in the right one", str(place.parent)
    return ("nothing in it is RooSync's" if names else _EMPTY), None


def meant(shared: str) -> str | None:
    """Return the folder that a setting means: what a shell would read, without quotes, `;` or `file://`; or None.

    What names a file of the shared state means its folder.
    """
    said = shared.removeprefix("export ").removeprefix("ROOSYNC_SHARED_PATH=")
    bare = "".join(char for char in said if char.isprintable()).strip().rstrip(";,").strip(_QUOTES).strip()
    if bare.startswith("file://"):
        bare = unquote(bare[len("file://") :])
    with suppress(OSError, RuntimeError, ValueError):  # no home, no such user, a NUL
        place = Path(os.path.expandvars(bare)).expanduser()
        if bare and place.is_file():
            place = next((folder for folder in place.absolute().parents[:2] if _is_shared_state(folder)), place)
        return str(place) if bare and str(place) != shared and place.is_dir() else None
    return None


def _is_shared_state(place: Path) -> bool:
    try:
        return not place.is_symlink() and any(item.name in (HEARTBEATS, VIEW_NAME) for item in place.iterdir())
    except OSError:
        return False


def read_doubles(shared: str, names: list[str], snapshot: Snapshot) -> None:
    """Add what lies in the doubles of folder and view in `shared`, and of `shared` itself: evidence, and told.

    Drive keeps two folders of one name, and shows the second as `NAME (1)`. Machines that made `heartbeats/` before
    they saw each other's get one each: to some of them the second is the first.
    """
    place = Path(shared).absolute()
    _within(place, "", names, snapshot)
    try:
        for twin in sorted(beside for beside in place.parent.iterdir() if is_twin(beside.name, place.name)):
            if not twin.is_symlink():
                _twin(twin, f"../{twin.name}", snapshot)
    except OSError:
        return  # what lies beside the share is no part of it


def _twin(place: Path, label: str, snapshot: Snapshot) -> None:
    names = [item.name for item in place.iterdir()] if place.is_dir() else []
    if not {HEARTBEATS, VIEW_NAME}.isdisjoint(names):
        Source(snapshot, label).report(DOUBLED, "a second shared state of this name; the records in it are evidence")
        if HEARTBEATS in names:
            read_heartbeats(str(place / HEARTBEATS), f"{label}/{HEARTBEATS}", snapshot)
        if VIEW_NAME in names:
            read_view(str(place / VIEW_NAME), f"{label}/{VIEW_NAME}", snapshot)
        _within(place, f"{label}/", names, snapshot)


def _within(place: Path, label: str, names: list[str], snapshot: Snapshot) -> None:
    for name in sorted(names):
        which, path, source = double_of(name), place / name, Source(snapshot, label + name)
        if which == HEARTBEATS and not path.is_symlink() and path.is_dir():
            source.report(DOUBLED, f"a second {HEARTBEATS} folder; the records in it are evidence")
            read_heartbeats(str(path), label + name, snapshot)
        elif which == VIEW_NAME:
            source.report(DOUBLED, f"a second {VIEW_NAME}; its entries are evidence")
            read_view(str(path), label + name, snapshot)
        elif name in (USUAL_NAME, place.name) and HEARTBEATS in names and not (label or path.is_symlink()):
            _twin(path, name, snapshot)
        elif name.startswith(".heartbeat"):
            report_stranger(str(place), label, name, snapshot)


def double_of(name: str) -> str | None:
    """Return which of HEARTBEATS and VIEW_NAME a name is the second of, None for neither."""
    return next((first for first, copies in _COPIES.items() if name != first and copies.fullmatch(name)), None)


def is_twin(name: str, of: str) -> bool:
    """Return True if two folders beside each other are one that a sync product holds twice: `NAME` and `NAME (1)`."""
    first, second = _NUMBERED.fullmatch(name), _NUMBERED.fullmatch(of)
    return name != of and first is not None and second is not None and first.group(1) == second.group(1)
