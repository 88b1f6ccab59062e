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
        piece, own = state.machines.get(name), state.own_files.get(name)
        before = None if piece is None or piece.before is None else piece.before.record
        others = [record for record in (before, own) if record is not None]  # an older service's hides none of that
        record = None if piece is None else piece.record
        past = history(name, record, row.status, doubt, flips, from_ms, state.read_at_ms, others)
        reason = reasons[name]
        found.append(replace(past, undone=reason) if reason is not None and "undone" in reason.facts else past)
    return found


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
    memory = WatchMemory(folder or default_folder(), memory_name(*replica)) if any(replica) else None
    told = [] if memory is None else [flip for flip in memory.history() if flip.get("machineId") in names]
    found = [] if state is None else pasts(fleet, machines, state, told, from_ms)
    return changes(told, found, from_ms, to_ms, watched=memory is not None and memory.is_used())
