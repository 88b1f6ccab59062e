"""Keeping the view: one machine at a time rebuilds `heartbeat.json` for readers of the old generation.

Which one needs no lock across machines: the smallest machineId that, in this replica, beats with view keeping on.
When it is gone the next one finds itself smallest. Two at once (replicas differ) do the same work twice, no harm.
"""

from __future__ import annotations

import zlib

from roosync_ops.wire import findings as f
from roosync_ops.wire.merge import FILE, VIEW, Evidence, Snapshot, merge
from roosync_ops.wire.names import VIEW_NAME
from roosync_ops.wire.record import KNOWS, MAX_KNOWS, RUNNING_STATE, Record, born_ms, dump, object_in, parse, pressed
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS, LEFT, OFFLINE, ONLINE, status
from roosync_ops.wire.text import Members, NotUnderstoodError, load
from roosync_ops.wire.times import to_iso
from roosync_ops.wire.typed import Callable, Json
from roosync_ops.wire.view import build, carried, needs_write, reading, text

from . import flips
from .config import Config
from .publisher import HeartbeatPublisher
from .share import MAX_FILES, MAX_VIEW_BYTES, FolderShare, bounds_from

#: An unreadable view may be one that is just arriving: so many checks later it is set aside and rebuilt.
PATIENCE = 3
#: So many machines are kept in the view where there are more files than are read at once: those that live, and then
#: those heard last. What is no longer written could be any number.
MAX_MACHINES = 32
#: And so many that do not beat have their past in it beside what their own files say.
MAX_PASTS = 32
#: What a record is kept for between two readings: its times, and what its machine says of its view keeping.
_METADATA = ("firstSeen", "lastUpdated", "version")
#: So much of that is in its keeper's own record too, where only the view tells of a machine: each beat uploads it.
MAX_KNOWS_BYTES = 16_384
#: So much of what the view holds is in the journal as well, beside a whole record.
MAX_REMEMBERED_BYTES = 49_152
#: An older service's record keeps what others put there up to so many bytes.
_MAX_LEGACY_BYTES = 2_048
#: Findings about the view that lose nothing when it is rebuilt.
_HARMLESS = (f.BOM, f.FUTURE_HEARTBEAT)


def can_keep(record: Record, now_ms: int) -> bool:
    """Return True if `record`'s machine keeps the view at `now_ms`, by its own interval and timeout."""
    if record.agent.get("state") != RUNNING_STATE or record.agent.get("autoSyncEnabled") is not True:
        return False
    # a clock hours ahead would keep the office hours after its machine died
    is_ahead = (record.last_heartbeat_ms or 0) > now_ms + FUTURE_TOLERANCE_MS
    return not is_ahead and status(record, now_ms, record.thresholds) == ONLINE


class ViewWriter:
    """Rebuilds the view when it is this machine's turn. Raises ShareTroubleError, and LocalError."""

    def __init__(self, publisher: HeartbeatPublisher) -> None:
        self._publisher = publisher
        self._config: Config = publisher.config
        self._unreadable = 0
        #: The view as last written, compressed: should it be lost, nothing is.
        self._written = b""
        #: The live machine before us in order that was found last, and behind which name looking for one goes on.
        self._live: str | None = None
        self._looked_to = ""
        #: The same for reading all; what was read of it before, where it takes more than one check.
        self._read_to = ""
        self._known: dict[str, Evidence] = {}

    def tend(self, now_ms: int) -> bool:
        """Look after the view at `now_ms`; True when it was written. A folder alone has one."""
        notes, folder = self._publisher.notes["view"], self._publisher.share
        if not (self._config.auto_sync and isinstance(folder, FolderShare)):
            notes["keeper"] = None
            return False
        notes["keeper"] = self._elect(folder, now_ms)
        if notes["keeper"] != self._config.machine_id:
            if notes["wrote"] is None:  # one beat longer than it keeps the view: its successor's first tells nothing
                self._publisher.extra = {}
            notes["wrote"] = None
            self._written, self._known, self._unreadable = b"", {}, 0
            return False
        counted: dict[tuple[str, int | None], tuple[int, int]] = {}
        pasts = 0

        def slim(record: Record, kind: str) -> bool:
            nonlocal pasts
            beat = (-1 if record.sequence is None else record.sequence, record.last_heartbeat_ms or 0)
            who = record.machine_id, born_ms(record)  # what lies in its own file may be another's
            if kind == VIEW and beat[0] >= 0 and beat <= counted.get(who, (-1, 0)):
                return False  # its machine's own file says as much
            if kind == FILE:
                counted[who] = beat
            pasts += _slim(record, now_ms, past=kind == VIEW or pasts < MAX_PASTS)
            return True

        bounds = bounds_from(self._read_to, slim=slim)
        return self._keep(folder, folder.read_all(now_ms, bounds), now_ms, slim)

    def _elect(self, folder: FolderShare, now_ms: int) -> str:
        """Return the smallest live machine that is known; of very many files some are looked at at each check."""
        me = self._config.machine_id
        bounds = bounds_from(self._looked_to, f"{me}.json")
        self._live = folder.find_record(lambda record: can_keep(record, now_ms), bounds, self._live)
        self._looked_to = bounds.after
        return self._live or me

    def _keep(self, folder: FolderShare, snapshot: Snapshot, now_ms: int, slim: Callable[[Record, str], bool]) -> bool:
        is_whole = not (self._read_to or snapshot.bounds.after)
        self._read_to = snapshot.bounds.after
        if not self._understood(snapshot):
            return False
        notes = self._publisher.notes
        if snapshot.view_state == "read":
            self._notice_erasure(snapshot, now_ms)
        old = snapshot.view if _is_view(snapshot) else None
        merged = merge([*snapshot.evidence, *self._before(is_whole), *self._remembered(slim)], now_ms)
        merged = self._newest(merged, is_whole, now_ms)
        flips.note(notes["flips"], merged, self._config.machine_id, now_ms)
        thresholds = self._config.thresholds
        self._publisher.extra["late"] = flips.late(notes["flips"], now_ms, thresholds.interval_ms)
        for carried_along in (old, None):
            view = build(merged, carried_along, now_ms, thresholds, reading)
            self._remember(view, merged, now_ms)
            is_due = needs_write(old, view, now_ms, thresholds.interval_ms, thresholds)
            if self._written and not is_due:
                return False
            raw = text(view, merged, now_ms, thresholds)
            if len(raw) <= MAX_VIEW_BYTES:
                break
            for piece in merged.values():  # what older services carry along, and what we could not read again
                piece.record.keep(_bare(piece.record.data))
        self._written = pressed(raw)
        if not is_due:
            return False
        # something in the view was not understood, and so would be gone from a rebuilt one
        if any(found.file == VIEW_NAME and found.kind not in _HARMLESS for found in snapshot.findings):
            self._publisher.set_aside(VIEW_NAME)
        folder.write_view(raw)
        notes["view"]["wrote"] = {key: at for key, (at, _) in view["heartbeats"].items()}
        return True

    def _understood(self, snapshot: Snapshot) -> bool:
        """Bear with a view that cannot be read for a few checks, then set it aside. False while bearing."""
        if snapshot.view_state == "absent" or _is_view(snapshot):
            self._unreadable = 0
            return True
        self._unreadable += 1
        if self._unreadable <= PATIENCE:
            return False
        self._publisher.set_aside(VIEW_NAME)
        return True

    def _before(self, is_whole: bool) -> list[Evidence]:
        """What earlier checks read of files that this one did not come to; our own record is always there."""
        if is_whole:
            return []
        try:
            own, _ = parse(self._publisher.notes["record"] or {}, self._config.machine_id)
        except NotUnderstoodError:
            return list(self._known.values())
        _slim(own, 0, past=False)
        return [*self._known.values(), Evidence(own, FILE, "")]

    def _rank(self, record: Record, now_ms: int) -> tuple[bool, bool, int]:
        lives = status(record, now_ms, record.thresholds) == ONLINE
        is_new = record.machine_id not in (self._publisher.notes["view"]["wrote"] or ())
        return not lives, is_new, -(record.last_heartbeat_ms or 0)

    def _newest(self, merged: dict[str, Evidence], is_whole: bool, now_ms: int) -> dict[str, Evidence]:
        """Return the machines heard last, and remember what their own files say."""
        if not is_whole or len(merged) > 2 * MAX_FILES:
            kept = {*sorted(merged, key=lambda name: self._rank(merged[name].record, now_ms))[:MAX_MACHINES]}
            kept.add(self._config.machine_id)
            merged = {name: piece for name, piece in merged.items() if name in kept}
        self._known = {name: piece for name, piece in merged.items() if piece.kind != VIEW} if not is_whole else {}
        return merged

    def _remembered(self, slim: Callable[[Record, str], bool]) -> list[Evidence]:
        """Return what the journal, and then what the view as last written, tells that files do not."""
        found: list[Evidence] = []

        def take(machine_id: str, entry: Json) -> None:
            try:
                record, _ = parse(entry, machine_id)
            except NotUnderstoodError:
                return
            if slim(record, VIEW):
                found.append(Evidence(record, VIEW, VIEW_NAME))

        for raw in (bytes.fromhex(self._publisher.notes["remembered"] or ""), self._written):
            members = Members(zlib.decompress(raw) if raw else b"{}")
            if next(iter(members), None) == "heartbeats":
                for machine_id in members:
                    take(machine_id, members.value())
        return found

    def _remember(self, view: Json, merged: dict[str, Evidence], now_ms: int) -> None:
        """Keep in the journal what no other machine would write again: so much as has room."""
        silent = set(view["offlineMachines"])
        latest = sorted(view["heartbeats"], key=lambda name: -(merged[name].record.last_heartbeat_ms or 0))
        kept = [name for name in latest if name in silent or merged[name].kind != FILE]
        raw = text({"heartbeats": kept}, merged, now_ms, self._config.thresholds, MAX_REMEMBERED_BYTES)
        self._publisher.notes["remembered"] = pressed(raw).hex()
        self._publisher.extra[KNOWS] = self._undone([name for name in latest if name in silent], merged, now_ms)

    def _undone(self, silent: list[str], merged: dict[str, Evidence], now_ms: int) -> Json:
        """Return the entries of our agents' machines that only the view holds: in our own file they are left alone."""
        once = self._publisher.extra.get(KNOWS, {})  # what was undone once is undone again: several services do it
        names = [name for name in silent if merged[name].kind != FILE or name in once]
        names = [name for name in names if merged[name].record.sequence is not None]
        raw = text({"heartbeats": names[:MAX_KNOWS]}, merged, now_ms, self._config.thresholds, MAX_KNOWS_BYTES)
        return object_in(load(raw)[0], "heartbeats")

    def _notice_erasure(self, snapshot: Snapshot, now_ms: int) -> None:
        """An older service rewrote the view from its stale memory: machines we had put in are gone."""
        notes = self._publisher.notes["view"]
        wrote: dict[str, int] | None = notes["wrote"]
        entries = snapshot.view.get("heartbeats") if snapshot.view else None
        if not wrote or not isinstance(entries, dict):
            return
        there = {str(key).lower() for key in entries}
        if all(machine_id in there for machine_id in wrote):
            return
        notes["erasures"] += 1
        notes["erasedAt"] = to_iso(now_ms)
        notes["erasedBy"] = _newest_stranger(entries, wrote)


def _slim(record: Record, now_ms: int, *, past: bool) -> bool:
    """Keep of a record what the view and the choice of its keeper need; True where its `past` is: it does not beat."""
    data = record.data
    if record.sequence is None and not record.doubted:
        record.keep(_bare(data) if len(dump(data)) > _MAX_LEGACY_BYTES else data)
        return False
    past = past and status(record, now_ms, record.thresholds) in (LEFT, OFFLINE)
    record.keep({**_bare(data), "agent": carried(record, past=past)})
    return past


def _bare(data: Json) -> Json:
    metadata = object_in(data, "metadata")
    kept = {key: metadata[key] for key in _METADATA if isinstance(metadata.get(key), str)}
    return {"metadata": {key: value for key, value in kept.items() if len(value) < 64}}  # noqa: PLR2004 - a time, a version


def _newest_stranger(entries: Json, wrote: dict[str, int]) -> str | None:
    """The best guess at a view's writer: the newest entry that is not as we left it, for it beat as it wrote."""
    heard: dict[str, int] = {key.lower(): at for key, (at, _) in entries.items() if at is not None}
    strange = {key: at for key, at in heard.items() if at != wrote.get(key)} or heard
    return max(strange, key=lambda key: strange[key]) if strange else None


def _is_view(snapshot: Snapshot) -> bool:
    return snapshot.view is not None and isinstance(snapshot.view.get("heartbeats"), dict)
