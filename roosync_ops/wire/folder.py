"""The shared folder, read safely: whatever lies in it, the answer is records and findings, never an exception.

Nothing here bounds time; callers put every call behind wire.deadline.
"""

from __future__ import annotations

import os
import stat
import time

from . import findings as f
from .bounds import Bounds
from .files import ASIDE, SPARE, read_file
from .identity import machine_id_named
from .merge import CONFLICT, FILE, VIEW, Snapshot, Source
from .names import HEARTBEATS, LEFT_ENDING, VIEW_NAME, owner_of
from .record import BEFORE, KNOWS, MAX_KNOWS, is_too_deep, object_in
from .text import Members, NotUnderstoodError, load
from .typed import Any, Callable, Json

#: The older services empty a file before they write it (up to one reading in five saw 0 bytes): what was
#: changed so lately and is not whole is looked at once more, after so long.
SETTLE_S = 0.03
_JUST_NOW_MS = 2_000
_HALF_WRITTEN = (f.EMPTY, f.TRUNCATED)


def read_shared(  # noqa: PLR0913, PLR0917 - what is read, when and how far
    shared: str,
    now_ms: int,
    settle_s: float = 0.0,
    bounds: Bounds | None = None,
    beside: Callable[[str, list[str], Snapshot], None] | None = None,
    into: Snapshot | None = None,
) -> Snapshot:
    """Read every per-machine file and the view under `shared` at `now_ms` (ms since the epoch).

    With `settle_s`, files that an older service is writing in place at this moment are read again after so many
    seconds: its own machine may be told of nowhere else. `beside` reads what else there is, by the names in
    `shared`. `into` is filled as it comes.

    Raises OSError where there is no folder to read, and nothing else.
    """
    names = os.listdir(shared)
    snapshot = into or Snapshot(now_ms, bounds)
    if settle_s:
        snapshot.half_written = []
    if HEARTBEATS in names:
        read_heartbeats(os.path.join(shared, HEARTBEATS), HEARTBEATS, snapshot)
    if VIEW_NAME in names:
        read_view(os.path.join(shared, VIEW_NAME), VIEW_NAME, snapshot)
    if beside is not None:
        beside(shared, names, snapshot)
    if snapshot.half_written:
        time.sleep(settle_s)
        again, snapshot.half_written = snapshot.half_written, None
        for read in again:
            read()
    return snapshot


def _put_off(snapshot: Snapshot, path: str, kind: str, again: Callable[[], None]) -> bool:
    """Have `again` called later where the file at `path` is being written in place right now; else False."""
    if snapshot.half_written is None or kind not in _HALF_WRITTEN:
        return False
    try:
        is_new = abs(os.lstat(path).st_mtime * 1000 - snapshot.read_at_ms) < _JUST_NOW_MS
    except OSError:
        return False
    if is_new:
        snapshot.half_written.append(again)
    return is_new


def read_heartbeats(folder: str, label: str, snapshot: Snapshot) -> None:
    """Read the records in `folder`; findings call it `label`. What is not in HEARTBEATS itself is a conflict copy."""
    bounds = snapshot.bounds
    try:
        if stat.S_ISLNK(os.lstat(folder).st_mode):
            snapshot.seen += 1
            Source(snapshot, label).report(f.SYMLINK, "a symbolic link; never followed")
            return
        names = bounds.names_in(folder)
    except OSError as error:
        snapshot.seen += 1
        Source(snapshot, label).report(f.UNREADABLE, _reason(error))
        return
    spelt: dict[str, str] = {}
    snapshot.left = [f"{label}/{name}" for name in reversed(names)]
    for number, name in enumerate(names):
        if number == bounds.files or (number and bounds.are_over()):
            return
        bounds.after = name
        _read_named(folder, label, name, spelt, snapshot)
        snapshot.left.pop()
        bounds.tell(number + 1, len(names))
    bounds.after = ""


def _read_named(folder: str, label: str, name: str, spelt: dict[str, str], snapshot: Snapshot) -> None:
    target = owner_of(name)
    if target is None:
        report_stranger(folder, f"{label}/", name, snapshot)
        return
    machine_id, kind = target
    source = Source(snapshot, f"{label}/{name}", machine_id)
    snapshot.seen += 1
    if kind == CONFLICT and not name.endswith(LEFT_ENDING):
        source.report(f.CONFLICT_COPY, f"a conflict copy; evidence about {machine_id}")
    elif kind == FILE and spelt.setdefault(machine_id, name) != name:
        source.report(f.CASE_DOUBLE, f"the same machine as {spelt[machine_id]}")
    _read_one(os.path.join(folder, name), machine_id, kind if label == HEARTBEATS else CONFLICT, source)


def report_stranger(folder: str, label: str, name: str, snapshot: Snapshot) -> None:
    """Temporary files are no concern of a reader; a `.json` that names no machine is, and what is in an agent's way."""
    source = Source(snapshot, label + name)
    if not name.startswith("."):
        if name.endswith(".json"):
            source.report(f.NOT_A_MACHINE, "the file's name is no machineId")
    elif name.endswith(ASIDE):
        source.report(f.SET_ASIDE, "was in an agent's way; look at it, and remove it")
    elif name.endswith((".tmp", SPARE)):
        try:
            litter = not stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode)
        except OSError:
            return
        if litter:
            source.report(f.NOT_A_FILE, "under an agent's temporary name; not followed, not opened")


def _read_one(path: str, machine_id: str, kind: str, source: Source) -> None:
    bounds = source.snapshot.bounds
    try:
        data, bom = load(read_file(path, bounds.record_bytes))
        if bom:
            source.report(f.BOM, "begins with a byte-order mark; read all the same")
        modified_ms = None if bounds.files is not None else os.lstat(path).st_mtime_ns // 1_000_000
        source.accept(data, machine_id, kind, modified_ms)
        _accept_before(data, machine_id, source)
    except NotUnderstoodError as error:
        if error.kind == f.ID_CONTRADICTS_NAME and _is_copy_of_another(data, machine_id, source, modified_ms):
            return
        if not _put_off(source.snapshot, path, error.kind, lambda: _read_one(path, machine_id, kind, source)):
            source.report(error.kind, error.detail)
    except FileNotFoundError:
        source.report(f.VANISHED, "vanished between listing and reading")
    except OSError as error:
        source.report(f.UNREADABLE, _reason(error))


def _is_copy_of_another(data: Json, machine_id: str, source: Source, modified_ms: int | None) -> bool:
    """Take `NAME-HOST.json`, which OneDrive makes of a second NAME.json, for the conflict copy it is; else False."""
    inner = machine_id_named(data.get("machineId"))
    if inner is None or not machine_id.startswith(f"{inner}-"):
        return False
    source.accept(data, inner, CONFLICT, modified_ms)
    source.report(f.CONFLICT_COPY, f"a conflict copy; evidence about {inner}")
    return True


def _accept_before(entry: Json, machine_id: str, source: Source) -> None:
    """Take in what an entry of the view, wherever it was migrated to, says that our agent wrote before.

    And what the record of the view's keeper says of machines whose own files were undone.
    """
    before = entry.get(BEFORE)
    if isinstance(before, dict):
        source.accept({**before, "machineId": machine_id}, machine_id, VIEW)
    for key, known in list(object_in(object_in(entry, "agent"), KNOWS).items())[:MAX_KNOWS]:
        if isinstance(known, dict) and KNOWS not in (known.get("agent") or ()):
            _read_entry(key, known, source)


def read_view(path: str, file: str, snapshot: Snapshot) -> None:
    """Read `heartbeat.json`; one entry that is wrong loses that entry alone. Of a second one only the entries count."""
    before = len(snapshot.evidence), len(snapshot.findings), snapshot.seen
    source = Source(snapshot, file)
    try:
        view = _scan_view(path, source)
    except NotUnderstoodError as error:
        del snapshot.evidence[before[0] :], snapshot.findings[before[1] :]
        snapshot.seen = before[2]
        if not _put_off(snapshot, path, error.kind, lambda: read_view(path, file, snapshot)):
            _view_is(error.kind, error.detail, source)
        return
    except FileNotFoundError:
        return
    except OSError as error:
        _view_is(f.UNREADABLE, _reason(error), source)
        return
    if file == VIEW_NAME:
        snapshot.view, snapshot.view_state = view, "read"
    entries = view.get("heartbeats")
    if not isinstance(entries, dict):
        snapshot.seen += 1
        source.report(f.WRONG_TYPE, f"heartbeats is a {type(entries).__name__}, not an object")


def _scan_view(path: str, source: Source) -> Json:
    """Take in entry by entry, and return what is kept of the view. Raises NotUnderstoodError, and OSError."""
    members = Members(read_file(path, source.snapshot.bounds.view_bytes))
    if members.bom:
        source.report(f.BOM, "begins with a byte-order mark; read all the same")
    view: Json = {}
    for key in members:
        is_object = key == "heartbeats" and members.is_next("{")
        view[key] = _scan_entries(members, source) if is_object else members.value()
    members.end()
    if is_too_deep({key: value for key, value in view.items() if key != "heartbeats"}):
        raise NotUnderstoodError(f.WRONG_TYPE, "nested deeper than any view is")
    return view


def _scan_entries(members: Members, source: Source) -> Json:
    kept: Json = {}
    bounds = source.snapshot.bounds
    for key in members:
        entry = members.value()
        if len(kept) == bounds.entries:
            raise NotUnderstoodError(f.TOO_LARGE, f"more than {bounds.entries} entries")
        _read_entry(key, entry, source)
        kept[key] = entry if bounds.entry is None else bounds.entry(entry)
    return kept


def _view_is(kind: str, detail: str, source: Source) -> None:
    if source.file == VIEW_NAME:
        source.snapshot.view_state = kind
    source.snapshot.seen += kind != f.EMPTY
    source.report(kind, detail)


def _read_entry(key: str, entry: Any, source: Source) -> None:
    machine_id = machine_id_named(key)
    if machine_id is None:
        source.report(f.NOT_A_MACHINE, f"{key!r:.80} is no machineId")
        return
    source.snapshot.seen += 1
    if not isinstance(entry, dict):
        source.report(f.NOT_AN_OBJECT, f"{machine_id}: a {type(entry).__name__}, not an object")
        return
    try:
        source.accept(entry, machine_id, VIEW)
        _accept_before(entry, machine_id, source)
    except NotUnderstoodError as error:
        source.report(error.kind, f"{machine_id}: {error.detail}")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
