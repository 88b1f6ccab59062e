"""Whether this replica, and not a machine, may be the silent one: what one reading of it says about its own age.

A reader that has one look and nobody to ask has the view as a second witness: one machine of the fleet wrote into it
what it had heard by then. Times are compared only where one clock wrote both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.folder import VIEW_NAME
from roosync_ops.wire.status import ONLINE
from roosync_ops.wire.times import BadTimeError, from_iso

from . import verdict as v

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roosync_ops.state import SharedState
    from roosync_ops.wire.record import Record
    from roosync_ops.wire.status import Thresholds

#: Another machine takes the view over after the timeout, within one interval, and its view takes another to arrive.
_TAKEOVER_INTERVALS: Final = 2


def behind(
    row: v.Observation, rows: Iterable[v.Observation], state: SharedState, thresholds: Thresholds
) -> v.Reason | None:
    """Return why `row`'s silence may be this replica's; None where nothing in it says so.

    Nothing says so where the machine was silent for its whole timeout already when the view was written: then two
    replicas agree.
    """
    checked = _checked_ms(state)
    if checked is None or row.last_heartbeat_ms is None or checked - row.last_heartbeat_ms > thresholds.timeout_ms:
        return None
    own = state.own_files.get(row.machine_id)
    if row.file == VIEW_NAME and own is not None and own.sequence is not None:
        newer = row.last_heartbeat_ms - (own.last_heartbeat_ms or 0)
        return v.Reason(v.FILE_BEHIND, row.machine_id, {"age": row.age_ms, "newer": newer})
    keeper = _keeper(rows, state)
    lag = 0 if keeper is None else (keeper.last_heartbeat_ms or 0) - checked
    if keeper is None or lag <= thresholds.timeout_ms + _TAKEOVER_INTERVALS * thresholds.interval_ms:
        return None
    return v.Reason(v.VIEW_BEHIND, row.machine_id, {"age": row.age_ms, "lag": lag, "keeper": keeper.machine_id})


def _keeper(rows: Iterable[v.Observation], state: SharedState) -> Record | None:
    """Return the record of the machine that keeps the view, as far as this replica shows: see agent.keeper."""
    names = sorted(row.machine_id for row in rows if row.observed == ONLINE)
    records = (state.machines[name].record for name in names)
    return next((record for record in records if _keeps_views(record.data.get("agent"))), None)


def _keeps_views(agent: Any) -> bool:
    return isinstance(agent, dict) and agent.get("autoSyncEnabled") is True


def _checked_ms(state: SharedState) -> int | None:
    """Return when the view was written, on its writer's clock, in ms; None where it does not say."""
    statistics = None if state.view is None else state.view.get("statistics")
    try:
        return from_iso(statistics.get("lastHeartbeatCheck")) if isinstance(statistics, dict) else None
    except BadTimeError:
        return None
