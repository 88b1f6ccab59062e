"""When each machine was up, and what changed: its own record, and the flips that a watcher told on this computer."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from roosync_ops import judge
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge.flip import rows_of
from roosync_ops.judge.history import UptimeHistory, history
from roosync_ops.judge.reports import changes
from roosync_ops.judge.verdict import Doubt
from roosync_ops.state import SharedState
from roosync_ops.state.memory import default_folder
from roosync_ops.watch.memory import WatchMemory
from roosync_ops.wire.record import Record


def memory_name(shared: str | None, via: str | None) -> str:
    """Return what a watcher's memory goes by: the replica that is read, however it is named."""
    return f"{via.lower()}:" if via else os.path.abspath(str(shared))  # noqa: PTH100 - resolve() touches the share


def flips_told(folder: Path | None, shared: str | None, via: str | None) -> list[dict[str, Any]]:
    """Return the flips that watchers of this replica told on this computer, oldest first."""
    return WatchMemory(folder or default_folder(), memory_name(shared, via)).history()


def pasts(  # noqa: PLR0913, PLR0917 - a fleet, what is known of it, and a window
    fleet: Fleet,
    chosen: tuple[Machine, ...],
    state: SharedState,
    flips: list[dict[str, Any]],
    from_ms: int,
    validation: judge.Validation | None = None,
) -> list[UptimeHistory]:
    """Return the history of the chosen, from `from_ms` to when `state` was read.

    The whole fleet is judged, so that a stale observer is known for one, unless it has been: `validation`.
    """
    validation = validation or judge.validate(fleet, state, state.read_at_ms)
    reasons = {row.machine_id: row.reason for row in validation.verdicts}
    rows = {row.machine_id: row for row in rows_of(validation, state, fleet)}
    suspect = any(row.doubt == Doubt.OBSERVER for row in rows.values())
    found = []
    for machine in chosen:
        row = rows[machine.machine_id]
        doubt = suspect or row.doubt is not None
        name = machine.machine_id
        record = state.record_of(name)
        past = history(name, record, row.status, doubt, flips, from_ms, state.read_at_ms, _others(name, state))
        reason = reasons[name]
        found.append(replace(past, undone=reason) if reason is not None and "undone" in reason.facts else past)
    return found


def _others(machine_id: str, state: SharedState) -> list[Record]:
    """Return what is known of a machine beside its best record: what an older service wrote hides none of that."""
    piece, own = state.machines.get(machine_id), state.own_files.get(machine_id)
    before = None if piece is None or piece.before is None else piece.before.record
    return [record for record in (before, own) if record is not None]


def changed(  # noqa: PLR0913, PLR0917 - whose, as read and as told, and the window
    fleet: Fleet,
    chosen: tuple[Machine, ...] | None,
    state: SharedState | None,
    folder: Path | None,
    replica: tuple[str | None, str | None],
    to_ms: int,
    days: float,
) -> dict[str, Any]:
    """Return what changed of `chosen` (None: all) in the last `days`; `replica` is what was read: (shared, via)."""
    from_ms = to_ms - round(days * 86_400_000)
    machines = tuple(fleet) if chosen is None else chosen
    names = {None, *(machine.machine_id for machine in machines)}
    every = flips_told(folder, *replica) if any(replica) else []
    told = [flip for flip in every if flip.get("machineId") in names]
    found = [] if state is None else pasts(fleet, machines, state, told, from_ms)
    watched = any(replica) and WatchMemory(folder or default_folder(), memory_name(*replica)).is_used()
    return changes(told, found, from_ms, to_ms, watched=watched)
