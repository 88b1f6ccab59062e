"""The view as a second witness: one machine of the fleet wrote into it what it had heard by then.

Of use to a reader that has one look and nobody to ask. Ages are compared only where one clock wrote both.
Each thing is worked out once, and only when it is asked for: most tables need none of it.
"""

from functools import cached_property
from typing import Final

from roosync_ops.state import SharedState
from roosync_ops.wire.names import VIEW_NAME
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import DEFAULT_TIMEOUT_MS, OFFLINE, ONLINE, Thresholds
from roosync_ops.wire.times import time_or_none

from . import verdict as v
from .patience import AUTO_MOST_MS

#: Another machine takes the view over after the timeout, within one interval, and its view takes another to arrive.
_TAKEOVER_INTERVALS: Final = 2
#: The view's writer is a witness where it had heard so many machines lately, of which one may be itself.
_HEARD: Final = 2


class ViewEvidence:
    """What one reading's view testifies. `rows` are what the reading shows of each machine. Times are in ms."""

    def __init__(self, state: SharedState, rows: tuple[v.Observation, ...]) -> None:
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
    def keeper(self) -> Record | None:
        """The record of the machine that keeps the view, as far as this replica shows: see agent.view_writer."""
        names = sorted(row.machine_id for row in self._rows if row.observed == ONLINE)
        records = (self._state.machines[name].record for name in names)
        return next((record for record in records if record.agent.get("autoSyncEnabled") is True), None)

    def own(self, machine_id: str) -> Record | None:
        """Return the record in a machine's own file, as our agent wrote it; None where there is none of that kind."""
        record = self._state.own_files.get(machine_id)
        return None if record is None or record.sequence is None else record

    def behind(self, row: v.Observation, thresholds: Thresholds) -> v.Reason | None:
        """Return why `row`'s silence may be this replica's, and not the machine's; None where nothing in it says so.

        Nothing says so where the machine was silent for its whole timeout already when the view was written: then two
        replicas agree.
        """
        checked, own = self.checked_ms, self.own(row.machine_id)
        if row.observed != OFFLINE or checked is None or row.last_heartbeat_ms is None:
            return None
        if checked - row.last_heartbeat_ms > thresholds.timeout_ms:
            return None
        if row.file == VIEW_NAME and own is not None:
            newer = row.last_heartbeat_ms - (own.last_heartbeat_ms or 0)
            return v.Reason(v.FILE_BEHIND, row.machine_id, {"age": row.age_ms, "newer": newer})
        keeper = self.keeper
        lag = 0 if keeper is None else (keeper.last_heartbeat_ms or 0) - checked
        if keeper is None or lag <= thresholds.timeout_ms + _TAKEOVER_INTERVALS * thresholds.interval_ms:
            return None
        return v.Reason(v.VIEW_BEHIND, row.machine_id, {"age": row.age_ms, "lag": lag, "keeper": keeper.machine_id})

    def unheard_ms(self, machine_id: str, timeout_ms: int) -> int | None:
        """Return how old a machine's own beat would have been, by its stamp, when the view was written without it.

        None where that is no longer than a delay may be, AUTO_MOST_MS beyond the timeout; or where the view's writer
        had heard too few others lately to be a witness.
        """
        own, checked, known = self.own(machine_id), self.checked_ms, self.heard_ms.get(machine_id)
        if own is None or own.last_heartbeat_ms is None or checked is None or known is None:
            return None
        unheard = checked - own.last_heartbeat_ms
        if own.last_heartbeat_ms <= known or unheard <= timeout_ms + AUTO_MOST_MS:
            return None
        # Within the protocol's timeout; the writer itself is perhaps among them.
        heard = sum(abs(checked - at) <= DEFAULT_TIMEOUT_MS for at in self.heard_ms.values())
        return unheard if heard >= _HEARD else None


def _time(part: object, key: str) -> int | None:
    return time_or_none(part.get(key)) if isinstance(part, dict) else None
