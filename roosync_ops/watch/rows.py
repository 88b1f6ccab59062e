"""From a validation to the rows that flips are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.judge import flip
from roosync_ops.judge.flip import Row
from roosync_ops.judge.verdict import AGENT_GONE, MACHINE_OFF, NO_AGENT, OLDER_SILENT
from roosync_ops.wire.status import OFFLINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.fleet import Fleet
    from roosync_ops.judge import Validation, Verdict
    from roosync_ops.state import SharedState


_DEATHS: Final = {AGENT_GONE: flip.AGENT_GONE, NO_AGENT: flip.AGENT_GONE, MACHINE_OFF: flip.UNREACHABLE}


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
            _death(verdict, machine.thresholds.timeout_ms, validation.checked_at_ms),
            older=verdict.reason is not None and verdict.reason.kind == OLDER_SILENT,
            here_ms=None if piece is None else piece.record.last_heartbeat_ms,
        )


def _death(verdict: Verdict, timeout_ms: int, now_ms: int) -> str | None:
    """Return why a machine that is silent for its timeout is dead for certain; None where it may be its silence alone.

    That its agent is gone is for certain no sooner: it may just be starting again. Of when it last beat its own word
    counts first: that beat may be on its way.
    """
    if verdict.observed != OFFLINE or verdict.reason is None:
        return None
    said = None if verdict.probe is None else verdict.probe.agent.since_ms
    silent_ms = verdict.age_ms if said is None else now_ms - said
    if silent_ms is not None and 0 <= silent_ms <= timeout_ms:
        return None
    return _DEATHS.get(verdict.reason.kind)
