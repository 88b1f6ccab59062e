"""What one reading of the shared state gave, merged: the best evidence for each machine, and the findings."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from roosync_ops import typed
from roosync_ops.errors import UNAVAILABLE, RoosyncError
from roosync_ops.wire import findings as f
from roosync_ops.wire.findings import Finding
from roosync_ops.wire.identity import machine_id_named
from roosync_ops.wire.merge import FILE, VIEW, Evidence, Snapshot, merge
from roosync_ops.wire.names import OUR_WORKSPACE, file_of
from roosync_ops.wire.record import LEFT_STATE, RUNNING_STATE, Record, object_in
from roosync_ops.wire.signs import MAX_FILES
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS
from roosync_ops.wire.text import NotUnderstoodError, load
from roosync_ops.wire.times import time_or_none

#: One broken record is told in a few words, however much of it is broken.
_MAX_WRONG: Final = 3
#: Fields that no verdict rests on, so that wire.record takes whatever is there: what each is, where it is there.
_FIELDS: Final[dict[str, dict[str, Callable[[Any], bool]]]] = {
    "": {"offlineSince": lambda value: time_or_none(value) is not None},
    "metadata": dict.fromkeys(
        ("firstSeen", "lastUpdated", "version", "hostname", "platform", "registeredBy", "registeredAt"),
        lambda value: isinstance(value, str),
    ),
    "agent": {
        **dict.fromkeys(("version", "buildId", "bootId", "sessionId"), lambda value: isinstance(value, str)),
        **dict.fromkeys(
            ("sequence", "heartbeatInterval", "offlineTimeout"), lambda value: type(value) is int and value >= 0
        ),
        "startedAt": lambda value: time_or_none(value) is not None,
        "state": (RUNNING_STATE, LEFT_STATE).__contains__,
        "autoSyncEnabled": lambda value: isinstance(value, bool),
        "upIntervals": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    },
}
#: A second folder or view, as sync products make of two of one name: what lies in it is evidence.
DOUBLED: Final = "doubled-by-sync"
#: What sync products make many of, and how many of those are named.
_COPIES: Final = (f.CONFLICT_COPY, f.CASE_DOUBLE, DOUBLED)
_MAX_NAMED: Final = 4

#: A file that was written so long after the beat in it was not written by its machine, in ms.
_BEHIND_MS: Final = 60_000
#: What an older service does to a machine's own file, as what was written twice still tells.
ROLLED_BACK: Final = "older-record-written-back"
FILE_DELETED: Final = "own-file-deleted"
#: Findings about a file that was read all the same: they explain no silence.
READ_ALL_THE_SAME: Final = frozenset(
    [f.BOM, f.CASE_DOUBLE, f.CONFLICT_COPY, f.FUTURE_HEARTBEAT, f.IMPOSSIBLE_SEQUENCE, f.OF_ANOTHER]
) | {ROLLED_BACK, FILE_DELETED}
_SAID: Final = {
    ROLLED_BACK: "an older service wrote an older record back; what was known before is kept elsewhere in the share",
    FILE_DELETED: "its file is gone, which its agent never removes; what was known before is kept in the share",
}
#: When, in ms since the epoch, and where from.
Sign = tuple[int, str]
_SOURCES: Final = {"listener-heartbeats": "listener", "worker-heartbeats": "worker"}
_MAX_MACHINES: Final = 1_000
_LINE: Final = re.compile(r"^### \[([0-9TZ:.+-]{10,40})\] ([A-Za-z0-9-]{1,63})\|([^\r\n]{0,200})", re.MULTILINE)


class StateUnavailableError(RoosyncError):
    """The shared state is missing, hung, or holds nothing readable: no verdict about any machine can rest on it."""

    code = "SHARED_STATE_UNAVAILABLE"
    exit_code = UNAVAILABLE
    hint: str


@dataclass(frozen=True)
class SharedState:
    """The shared state at `read_at_ms` (ms since the epoch), as the reader of `shared` saw it.

    `machines` holds the best evidence for each machineId. `seen` counts the heartbeats met, readable or not: 0 is a
    fresh fleet. `view` is `heartbeat.json` as it was read, or None. `own_files` are the records in the machines' own
    files, whether or not they are the best evidence. `signs` are what newer services left of machines: no heartbeats.
    """

    shared: str
    read_at_ms: int
    machines: dict[str, Evidence]
    findings: tuple[Finding, ...]
    view: dict[str, Any] | None
    view_state: str
    seen: int
    _by_machine: dict[str | None, list[Finding]] = field(default_factory=dict, repr=False)
    own_files: dict[str, Record] = field(default_factory=dict, repr=False)
    signs: dict[str, Sign] = field(default_factory=dict, repr=False)

    def record_of(self, machine_id: str) -> Record | None:
        """Return the best record of a machine, None where there is none."""
        piece = self.machines.get(machine_id)
        return None if piece is None else piece.record

    def findings_about(self, machine_id: str) -> Sequence[Finding]:
        """Return the findings about this machine's own files, conflict copies included."""
        return self._by_machine.get(machine_id, ())


def assemble(shared: str, read: Snapshot, signs: object = None) -> SharedState:
    """Merge what was read, and the `signs` that wire.signs gave.

    Raises StateUnavailableError where heartbeats were met and none of them was readable.
    """
    pieces, found, read_at_ms = read.evidence, list(read.findings), read.read_at_ms
    machines = merge(pieces, read_at_ms, found)
    of_another = {item.file for item in found if item.kind == f.OF_ANOTHER}
    own = {piece.record.machine_id: piece for piece in pieces if piece.kind == FILE}
    found += _mark_undone(machines, own, of_another, read)
    if read.seen and not machines:
        said = f"nothing readable in the shared state {shared}: {_first(found)}"
        raise StateUnavailableError(said, typed.ours("matrix"))
    for piece in machines.values():
        found += islice(_wrong_fields(piece), _MAX_WRONG)
    by_machine: dict[str | None, list[Finding]] = {}
    for item in found:
        by_machine.setdefault(item.machine_id, []).append(item)
    own_files = {name: piece.record for name, piece in own.items() if piece.file not in of_another}
    return SharedState(
        shared,
        read_at_ms,
        machines,
        _counted(found),
        read.view,
        read.view_state,
        read.seen,
        by_machine,
        own_files,
        signs_in(signs, read_at_ms),
    )


def _counted(found: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings with all copies of a kind in one: a sync product makes them by the hundred."""
    result = [item for item in found if item.kind not in _COPIES]
    for kind in _COPIES:
        items = [item for item in found if item.kind == kind]
        if len(items) > 1:
            names = ", ".join(item.file.rpartition("/")[2] for item in items[1:_MAX_NAMED])
            more = ", ..." if len(items) > _MAX_NAMED else ""
            detail = f"{items[0].detail}; {len(items)} such files: also {names}{more}"
            items = [f.Finding(items[0].file, kind, detail, items[0].machine_id)]
        result += items
    return tuple(result)


def _first(found: list[Finding]) -> str:
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0].file}: {found[0].detail}{more}" if found else "no file in it is a heartbeat"


def _wrong_fields(piece: Evidence) -> Iterator[Finding]:
    record = piece.record
    for part, fields in _FIELDS.items():
        values = object_in(record.data, part) if part else record.data
        for name, is_right in fields.items():
            if values.get(name) is not None and not is_right(values[name]):
                said = f"{record.machine_id}: {f'{part}.' if part else ''}{name}: not {values[name]!r:.40}"
                yield f.Finding(piece.file, f.WRONG_TYPE, said, piece.machine_id)


def _mark_undone(
    machines: Mapping[str, Evidence], own: Mapping[str, Evidence], of_another: set[str], read: Snapshot
) -> list[f.Finding]:
    """Mark each best record that contradicts its machine's own file: what older services did to it; return that.

    A file that cannot be read is told as that, and was not deleted.
    """
    broken = {item.file.lower() for item in read.findings if item.kind != f.VANISHED}
    found = []
    for name, best in machines.items():
        file = file_of(name)
        if name in own and own[name].file in of_another:
            best.undone = f.OF_ANOTHER, own[name].modified_ms
        elif name in own or file not in broken:
            best.undone = _undone(best, own.get(name), read.read_at_ms)
        if best.undone is not None and best.undone[0] != f.OF_ANOTHER:
            found.append(f.Finding(file, best.undone[0], _SAID[best.undone[0]], name))
    return found


def _undone(best: Evidence, own: Evidence | None, now_ms: int) -> tuple[str, int | None] | None:
    """Return (finding, when), None for nothing.

    A file that is merely behind in this replica was written when its record says; one that was written back, later.
    """
    record = best.record
    if best.kind == FILE or record.sequence is None or (best.kind != VIEW and not record.has_left):
        return None
    if own is None:
        silent = now_ms - (record.last_heartbeat_ms or 0) > _BEHIND_MS
        return (FILE_DELETED, None) if record.has_left or silent else None
    ended = (record.left_at_ms or 0) if record.has_left else (own.record.last_heartbeat_ms or 0) + _BEHIND_MS
    if (own.record.sequence or 0) >= record.sequence or (own.modified_ms or 0) <= ended:
        return None
    return ROLLED_BACK, own.modified_ms


def signs_in(raw: object, now_ms: int) -> dict[str, Sign]:
    """Return the last sign of life of each machine in what wire.signs gave, here or as a machine tells it.

    wire/README.md: `listener-heartbeats/`, `worker-heartbeats/` hold a bare UTC time each, `presence/` a JSON object
    with `lastSeen`; a line `### [time] machineId|workspace` in any Markdown of `dashboards/` was written by that
    machine. All is hostile: nothing of it is shown but a time and a machine's name. No sign is ever a heartbeat.
    """
    found: dict[str, Sign] = {}
    for name, at, source in _all(raw):
        machine_id, at_ms = machine_id_named(name), time_or_none(at)
        if machine_id is None or at_ms is None or at_ms > now_ms + FUTURE_TOLERANCE_MS:
            continue
        known = found.get(machine_id)
        if at_ms > (known[0] if known else -1) and (known is not None or len(found) < _MAX_MACHINES):
            found[machine_id] = at_ms, source
    return found


def _all(raw: object) -> Iterator[tuple[str, object, str]]:
    """Yield (machine, when, source) of every sign, none of them checked."""
    for item in raw[: 4 * MAX_FILES] if isinstance(raw, list) else ():
        match item:
            case [str(file), str(text)]:
                folder, _, name = file.partition("/")
            case _:
                continue
        if folder in _SOURCES:
            yield name.removesuffix(".heartbeat"), text[:64].strip(), _SOURCES[folder]
        elif folder == "presence":
            with suppress(NotUnderstoodError):
                yield name.removesuffix(".json"), load(text.encode("utf-8", "replace"))[0].get("lastSeen"), folder
        elif folder == "dashboards":
            for at, name, workspace in _LINE.findall(text):
                if workspace.strip() != OUR_WORKSPACE:
                    yield name, at, "dashboard"
