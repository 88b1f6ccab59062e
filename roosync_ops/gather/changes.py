"""What changed: the flips a watcher told on this computer, and the gaps in each machine's own record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.judge.report import Changes, changes

from .past import flips_told, is_watched, pasts

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.fleet import Fleet, Machine
    from roosync_ops.state import SharedState

_DAY_MS: Final = 86_400_000


def changed(  # noqa: PLR0913, PLR0917 - whose, as read and as told, and the window
    fleet: Fleet,
    chosen: tuple[Machine, ...] | None,
    state: SharedState | None,
    folder: Path | None,
    replica: tuple[str | None, str | None],
    to_ms: int,
    days: float,
) -> Changes:
    """Return what changed of `chosen` (None: all) in the last `days`; `replica` is what was read: (shared, via)."""
    from_ms = to_ms - round(days * _DAY_MS)
    machines = tuple(fleet) if chosen is None else chosen
    names = {None, *(machine.machine_id for machine in machines)}
    every = flips_told(folder, *replica) if any(replica) else []
    told = [flip for flip in every if flip.get("machineId") in names]
    found = [] if state is None else pasts(fleet, machines, state, told, from_ms)
    watched = any(replica) and is_watched(folder, *replica)
    return changes(told, found, from_ms, to_ms, watched=watched)
