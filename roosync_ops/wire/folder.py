"""The shared folder, read safely: whatever lies in it, the answer is records and findings, never an exception.

Nothing here bounds time; callers put every call behind wire.deadline.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time

from . import findings as f
from .identity import machine_id_named
from .merge import CONFLICT, FILE, VIEW, Evidence
from .record import (
    MAX_RECORD_BYTES,
    MAX_VIEW_BYTES,
    MAX_VIEW_ENTRIES,
    NotUnderstoodError,
    is_too_deep,
    load,
    parse,
)
from .status import FUTURE_TOLERANCE_MS
from .times import to_iso

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HEARTBEATS = "heartbeats"
VIEW_NAME = "heartbeat.json"

#: What sync products append to a name they could not keep: ` (1)`, ` (HOST's conflicted copy DATE)`, ` - Copy`,
#: `.sync-conflict-DATE-TIME-ID`; Drive's localised `Copy of NAME` stands before it.
_CONFLICT = re.compile(
    r"(?:Copy of |Copie de )?([A-Za-z0-9-]{1,63}?)"
    r"(?: \(.{1,120}\)| - Cop(?:y|ie)(?: \(\d+\))?|\.sync-conflict-[\w-]{1,60})+",
    re.ASCII | re.DOTALL,
)
_COPY_OF = re.compile(r"Cop(?:y of|ie de) ([A-Za-z0-9-]{1,63})", re.ASCII)
#: Python on Windows opens in text mode unless told; elsewhere these do not exist.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


#: Windows lets nobody touch a file that another process replaces or holds open: for milliseconds (a scan, a sync).
RETRY_DELAYS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)

#: The older services empty a file before they write it (PROTOCOL.md: up to one reading in five saw 0 bytes): what was
#: changed so lately and is not whole is looked at once more, after so long.
SETTLE_S = 0.03
_JUST_NOW_MS = 2_000
_HALF_WRITTEN = (f.EMPTY, f.TRUNCATED)


class ShareUnavailableError(OSError):
    """The shared folder itself cannot be used: missing, not a folder, or not readable."""


class Snapshot:
    """All that one reading of the shared folder gave.

    `view` is the parsed `heartbeat.json` (None where there is none or it was not understood), `view_state` is
    "absent", "read" or the finding kind that kept it from being read. `seen` counts the heartbeat files met, readable
    or not, so that "nothing readable in it" can be told from a fresh, empty fleet.
    """

    __slots__ = ("evidence", "findings", "half_written", "read_at_ms", "seen", "view", "view_state")

    def __init__(self, read_at_ms: int) -> None:
        self.read_at_ms = read_at_ms
        #: What may be read again once it is whole; None where that is not asked for.
        self.half_written: list[Callable[[], None]] | None = None
        self.evidence: list[Evidence] = []
        self.findings: list[f.Finding] = []
        self.view: dict[str, Any] | None = None
        self.view_state = "absent"
        self.seen = 0

    def report(self, file: str, kind: str, detail: str) -> None:
        self.findings.append(f.Finding(file, kind, detail))

    def put_off(self, path: str, kind: str, again: Callable[[], None]) -> bool:
        """Have `again` called later where the file at `path` is being written in place right now; else False."""
        if self.half_written is None or kind not in _HALF_WRITTEN or not _is_new(path, self.read_at_ms):
            return False
        self.half_written.append(again)
        return True


def open_patiently(path: str, flags: int) -> int:
    """Open `path` as os.open does; on Windows a refusal is tried again for at most 1.6 s. OSError passes through."""
    if sys.platform == "win32":
        for delay in RETRY_DELAYS_S:
            try:
                return os.open(path, flags, 0o666)
            except PermissionError:
                time.sleep(delay)
    return os.open(path, flags, 0o666)


def read_file(path: str, limit: int) -> bytes:
    """Return a regular file's bytes. Raises NotUnderstoodError for links, non-files, and more than `limit` bytes.

    Never follows a symbolic link, never blocks on a pipe or a device. OSError passes through.
    """
    if sys.platform == "win32" and stat.S_ISLNK(os.lstat(path).st_mode):
        raise NotUnderstoodError(f.SYMLINK, "a symbolic link; never followed")  # there is no O_NOFOLLOW there
    try:
        descriptor = open_patiently(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotUnderstoodError(f.SYMLINK, "a symbolic link; never followed") from None
        if error.errno == errno.ENXIO:
            raise NotUnderstoodError(f.NOT_A_FILE, "a socket or a pipe") from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotUnderstoodError(f.NOT_A_FILE, "not a regular file")
        if status.st_size > limit:
            raise NotUnderstoodError(f.TOO_LARGE, f"{status.st_size} bytes; at most {limit} are read")
        chunks, left = [], limit + 1
        while left > 0:
            chunk = os.read(descriptor, min(left, 1 << 20))
            if not chunk:
                break
            chunks.append(chunk)
            left -= len(chunk)
        if left <= 0:
            raise NotUnderstoodError(f.TOO_LARGE, f"more than {limit} bytes; it grew while it was read")
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def read_shared(shared: str, now_ms: int, settle_s: float = 0.0) -> Snapshot:
    """Read every per-machine file and the view under `shared` at `now_ms` (ms since the epoch).

    With `settle_s`, files that an older service is writing in place at this moment are read again after so many
    seconds: its own machine may be told of nowhere else.

    Raises ShareUnavailableError where there is no folder to read, and nothing else.
    """
    try:
        names = set(os.listdir(shared))
    except OSError as error:
        raise ShareUnavailableError(error.errno, f"{error.strerror or error}", shared) from None
    snapshot = Snapshot(now_ms)
    if settle_s:
        snapshot.half_written = []
    if HEARTBEATS in names:
        _read_heartbeats(shared, snapshot)
    if VIEW_NAME in names:
        _read_view(shared, snapshot)
    if snapshot.half_written:
        time.sleep(settle_s)
        again, snapshot.half_written = snapshot.half_written, None
        for read in again:
            read()
    return snapshot


def _is_new(path: str, now_ms: int) -> bool:
    try:
        return abs(os.lstat(path).st_mtime * 1000 - now_ms) < _JUST_NOW_MS
    except OSError:
        return False


def _read_heartbeats(shared: str, snapshot: Snapshot) -> None:
    folder = os.path.join(shared, HEARTBEATS)
    try:
        if stat.S_ISLNK(os.lstat(folder).st_mode):
            snapshot.seen += 1
            snapshot.report(HEARTBEATS, f.SYMLINK, "a symbolic link; never followed")
            return
        names = sorted(os.listdir(folder))
    except OSError as error:
        snapshot.seen += 1
        snapshot.report(HEARTBEATS, f.UNREADABLE, _reason(error))
        return
    spelt: dict[str, str] = {}
    for name in names:
        target = owner_of(name)
        if target is None:
            _report_stranger(snapshot, name)
            continue
        machine_id, kind = target
        file = f"{HEARTBEATS}/{name}"
        snapshot.seen += 1
        if kind == CONFLICT:
            snapshot.report(file, f.CONFLICT_COPY, f"a conflict copy; evidence about {machine_id}")
        elif spelt.setdefault(machine_id, name) != name:
            snapshot.report(file, f.CASE_DOUBLE, f"the same machine as {spelt[machine_id]}")
        _read_one(os.path.join(folder, name), file, machine_id, kind, snapshot)


def owner_of(name: str) -> tuple[str, str] | None:
    """Tell whose evidence a file of `heartbeats/` is, and whether its FILE or a CONFLICT copy; None for neither."""
    if not name.endswith(".json") or name.startswith("."):
        return None
    stem = name[:-5]
    machine_id = machine_id_named(stem)
    if machine_id is not None:
        return machine_id, FILE
    match = _CONFLICT.fullmatch(stem) or _COPY_OF.fullmatch(stem)
    machine_id = machine_id_named(match.group(1)) if match is not None else None
    return None if machine_id is None else (machine_id, CONFLICT)


def _report_stranger(snapshot: Snapshot, name: str) -> None:
    """Temporary files and folders are no concern of a reader; a `.json` that names no machine is."""
    if name.endswith(".json") and not name.startswith("."):
        snapshot.report(f"{HEARTBEATS}/{name}", f.NOT_A_MACHINE, "the file's name is no machineId")


def _read_one(path: str, file: str, machine_id: str, kind: str, snapshot: Snapshot) -> None:
    try:
        data, bom = load(read_file(path, MAX_RECORD_BYTES))
        if bom:
            snapshot.report(file, f.BOM, "begins with a byte-order mark; read all the same")
        _accept(data, machine_id, kind, file, snapshot)
    except NotUnderstoodError as error:
        if not snapshot.put_off(path, error.kind, lambda: _read_one(path, file, machine_id, kind, snapshot)):
            snapshot.report(file, error.kind, error.detail)
    except FileNotFoundError:
        snapshot.report(file, f.VANISHED, "vanished between listing and reading")
    except OSError as error:
        snapshot.report(file, f.UNREADABLE, _reason(error))


def _accept(data: dict[str, Any], machine_id: str, kind: str, file: str, snapshot: Snapshot) -> None:
    record, found = parse(data, machine_id, file)
    whose = f"{machine_id}: " if kind == VIEW else ""  # one file, many machines
    for one in found:
        snapshot.report(one.file, one.kind, whose + one.detail)
    last = record.last_heartbeat_ms
    ahead = 0 if last is None else last - snapshot.read_at_ms
    if last is not None and ahead > FUTURE_TOLERANCE_MS:
        snapshot.report(file, f.FUTURE_HEARTBEAT, f"{whose}{to_iso(last)} lies {ahead // 1000} s ahead of the reader")
    snapshot.evidence.append(Evidence(record, kind, file))


def _read_view(shared: str, snapshot: Snapshot) -> None:
    """Read `heartbeat.json`; one entry that is wrong loses that entry alone."""
    path = os.path.join(shared, VIEW_NAME)
    try:
        view, bom = load(read_file(path, MAX_VIEW_BYTES))
        _check_view(view)
    except NotUnderstoodError as error:
        if snapshot.put_off(path, error.kind, lambda: _read_view(shared, snapshot)):
            return
        snapshot.view_state = error.kind
        snapshot.seen += error.kind != f.EMPTY
        snapshot.report(VIEW_NAME, error.kind, error.detail)
        return
    except FileNotFoundError:
        return
    except OSError as error:
        snapshot.view_state = f.UNREADABLE
        snapshot.seen += 1
        snapshot.report(VIEW_NAME, f.UNREADABLE, _reason(error))
        return
    snapshot.view, snapshot.view_state = view, "read"
    if bom:
        snapshot.report(VIEW_NAME, f.BOM, "begins with a byte-order mark; read all the same")
    entries = view.get("heartbeats")
    if not isinstance(entries, dict):
        snapshot.seen += 1
        snapshot.report(VIEW_NAME, f.WRONG_TYPE, f"heartbeats is a {type(entries).__name__}, not an object")
        return
    for key, entry in entries.items():
        _read_entry(key, entry, snapshot)


def _check_view(view: dict[str, Any]) -> None:
    """Raise NotUnderstoodError for a view that no heartbeat service wrote."""
    entries = view.get("heartbeats")
    if isinstance(entries, dict) and len(entries) > MAX_VIEW_ENTRIES:
        raise NotUnderstoodError(f.TOO_LARGE, f"{len(entries)} entries; at most {MAX_VIEW_ENTRIES} are read")
    if is_too_deep({key: value for key, value in view.items() if key != "heartbeats"}):
        raise NotUnderstoodError(f.WRONG_TYPE, "nested deeper than any view is")


def _read_entry(key: str, entry: Any, snapshot: Snapshot) -> None:
    machine_id = machine_id_named(key)
    if machine_id is None:
        snapshot.report(VIEW_NAME, f.NOT_A_MACHINE, f"{key!r:.80} is no machineId")
        return
    snapshot.seen += 1
    if not isinstance(entry, dict):
        snapshot.report(VIEW_NAME, f.NOT_AN_OBJECT, f"{machine_id}: a {type(entry).__name__}, not an object")
        return
    try:
        _accept(entry, machine_id, VIEW, VIEW_NAME, snapshot)
    except NotUnderstoodError as error:
        snapshot.report(VIEW_NAME, error.kind, f"{machine_id}: {error.detail}")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
