"""From a validation to the rows that flips are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roosync_ops.judge.flip import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.fleet import Fleet
    from roosync_ops.judge import Validation
    from roosync_ops.state import SharedState


def rows_of(validation: Validation, state: SharedState, fleet: Fleet) -> Iterator[Row]:
    """Yield a row for each machine of the inventory: strangers in the share raise no alarm (field note 10).

    What patience the validation had, the flips have too: a burst of delays is no event either.
    """
    patience_ms = validation.patience_ms or 0
    for verdict in validation.verdicts:
        machine, piece = fleet.get(verdict.machine_id), state.machines.get(verdict.machine_id)
        if machine is None:
            continue
        yield Row(
            verdict.machine_id,
            verdict.observed,
            verdict.last_heartbeat_ms,
            None if piece is None else piece.record.sequence,
            None if verdict.reason is None else verdict.reason.doubt,
            machine.thresholds.interval_ms,
            machine.thresholds.timeout_ms + patience_ms,
        )
