"""The validation as OpenMetrics 1.0, for a Prometheus to scrape or a textfile collector to pick up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.judge.verdict import SILENCED
from roosync_ops.wire.status import LEFT, OFFLINE, ONLINE, UNKNOWN, WARNING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roosync_ops.judge import Validation

#: What it is served as.
TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_STATES: Final = (ONLINE, WARNING, OFFLINE, LEFT, UNKNOWN)


def openmetrics(validation: Validation) -> str:
    """Return one exposition. A machineId holds nothing that a label would have to escape."""
    rows = validation.verdicts
    states = ((row, state) for row in rows for state in _STATES)
    lines = [
        *_family("machines", "gauge", "Machines of the inventory.", [("", validation.total)]),
        *_family("machines_online", "gauge", "Those seen online.", [("", validation.online)]),
        *_family(
            "machine_as_expected",
            "gauge",
            "Whether a machine is what the inventory expects.",
            [(f'machine="{row.machine_id}"', int(row.ok)) for row in rows],
        ),
        *_family(
            "machine_silenced",
            "gauge",
            "Whether a maintenance window is open for a machine.",
            [
                (f'machine="{row.machine_id}"', int(row.reason is not None and row.reason.kind == SILENCED))
                for row in rows
            ],
        ),
        *_family(
            "machine_observed",
            "stateset",
            "What a machine is seen as.",
            [
                (f'machine="{row.machine_id}",roosync_machine_observed="{state}"', int(row.observed == state))
                for row, state in states
            ],
        ),
        *_family(
            "machine_heartbeat_age_seconds",
            "gauge",
            "How old a machine's last heartbeat is.",
            [(f'machine="{row.machine_id}"', row.age_ms / 1000) for row in rows if row.age_ms is not None],
        ),
        *_family(
            "checked_timestamp_seconds", "gauge", "When this was looked at.", [("", validation.checked_at_ms / 1000)]
        ),
        "# EOF",
    ]
    return "\n".join(lines)


def _family(name: str, kind: str, told: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    unit = [f"# UNIT roosync_{name} seconds"] if name.endswith("_seconds") else []
    lines = [
        f"roosync_{name}{{{labels}}} {value}" if labels else f"roosync_{name} {value}" for labels, value in samples
    ]
    return [f"# TYPE roosync_{name} {kind}", *unit, f"# HELP roosync_{name} {told}", *lines]
