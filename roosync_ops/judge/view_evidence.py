"""The view as a second witness: one machine of the fleet wrote into it what it had heard by then.

Each thing is worked out once, and only when it is asked for: most tables need none of it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from roosync_ops.wire.status import DEFAULT_TIMEOUT_MS, ONLINE
from roosync_ops.wire.times import BadTimeError, from_iso

if TYPE_CHECKING:
    from roosync_ops.state import SharedState
    from roosync_ops.wire.record import Record

    from .verdict import Observation


class ViewEvidence:
    """What one reading's view testifies. `rows` are what the reading shows of each machine. Times are in ms."""

    def __init__(self, state: SharedState, rows: tuple[Observation, ...]) -> None:
        self._state = state
        self._rows = rows

    @cached_property
    def checked_ms(self) -> int | None:
        """When the view was written, on its writer's clock; None where it does not say."""
        return _time(None if self._state.view is None else self._state.view.get("statistics"), "lastHeartbeatCheck")

    @cached_property
    def heard_ms(self) -> dict[str, int]:
        """Each machine's last heartbeat as the view has it, on the machine's own clock."""
        entries = None if self._state.view is None else self._state.view.get("heartbeats")
        if not isinstance(entries, dict):
            return {}
        times = {str(key).lower(): _time(entry, "lastHeartbeat") for key, entry in entries.items()}
        return {machine_id: at for machine_id, at in times.items() if at is not None}

    @cached_property
    def heard_lately(self) -> int:
        """How many machines the view's writer had heard within the protocol's timeout, itself perhaps among them."""
        checked = self.checked_ms
        return 0 if checked is None else sum(abs(checked - at) <= DEFAULT_TIMEOUT_MS for at in self.heard_ms.values())

    @cached_property
    def keeper(self) -> Record | None:
        """The record of the machine that keeps the view, as far as this replica shows: see agent.view_writer."""
        names = sorted(row.machine_id for row in self._rows if row.observed == ONLINE)
        records = (self._state.machines[name].record for name in names)
        return next((record for record in records if record.agent.get("autoSyncEnabled") is True), None)

    def own(self, machine_id: str) -> Record | None:
        """Return the record in a machine's own file, as our agent wrote it; None where there is none of that kind."""
        record = self._state.own_files.get(machine_id)
        return None if record is None or record.sequence is None else record


def _time(part: object, key: str) -> int | None:
    try:
        return from_iso(part.get(key)) if isinstance(part, dict) else None
    except BadTimeError:
        return None
