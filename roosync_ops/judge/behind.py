"""Whether this replica, and not a machine, may be the silent one: what one reading of it says about its own age.

A reader that has one look and nobody to ask has the view as a second witness. Ages are compared only where one clock
wrote both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.wire.names import VIEW_NAME

from . import verdict as v

if TYPE_CHECKING:
    from roosync_ops.wire.status import Thresholds

    from .view_evidence import ViewEvidence

#: Another machine takes the view over after the timeout, within one interval, and its view takes another to arrive.
_TAKEOVER_INTERVALS: Final = 2


def behind(row: v.Observation, witness: ViewEvidence, thresholds: Thresholds) -> v.Reason | None:
    """Return why `row`'s silence may be this replica's; None where nothing in it says so.

    Nothing says so where the machine was silent for its whole timeout already when the view was written: then two
    replicas agree.
    """
    checked = witness.checked_ms
    if checked is None or row.last_heartbeat_ms is None or checked - row.last_heartbeat_ms > thresholds.timeout_ms:
        return None
    own = witness.own(row.machine_id)
    if row.file == VIEW_NAME and own is not None:
        newer = row.last_heartbeat_ms - (own.last_heartbeat_ms or 0)
        return v.Reason(v.FILE_BEHIND, row.machine_id, {"age": row.age_ms, "newer": newer})
    keeper = witness.keeper
    lag = 0 if keeper is None else (keeper.last_heartbeat_ms or 0) - checked
    if keeper is None or lag <= thresholds.timeout_ms + _TAKEOVER_INTERVALS * thresholds.interval_ms:
        return None
    return v.Reason(v.VIEW_BEHIND, row.machine_id, {"age": row.age_ms, "lag": lag, "keeper": keeper.machine_id})
