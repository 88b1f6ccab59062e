"""The validation as OpenMetrics 1.0, for a Prometheus to scrape or a textfile collector to pick up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.judge.verdict import SILENCED, Basis
from roosync_ops.wire.status import LEFT, OFFLINE, ONLINE, UNKNOWN, WARNING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from roosync_ops.judge import Validation

#: What it is served as.
TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_STATES: Final = (ONLINE, WARNING, OFFLINE, LEFT, UNKNOWN)


def openmetrics(validation: Validation) -> str:
    """Return one exposition. A machineId holds nothing that a label would have to escape."""
    rows = {f'machine="{row.machine_id}"': row for row in validation.verdicts}
    expected = [(name, int(row.ok)) for name, row in rows.items()]
    silenced = [(name, int(row.reason is not None and row.reason.kind == SILENCED)) for name, row in rows.items()]
    ages = [(name, row.age_ms / 1000) for name, row in rows.items() if row.age_ms is not None]
    observed = {name: row.observed for name, row in rows.items()}
    basis = {name: row.rests_on for name, row in rows.items()}
    checked = [("", validation.checked_at_ms / 1000)]
    lines = [
        *_family("machines", "gauge", "Machines of the inventory.", [("", validation.total)]),
        *_family("machines_online", "gauge", "Those seen online.", [("", validation.online)]),
        *_family("machine_as_expected", "gauge", "Whether a machine is what the inventory expects.", expected),
        *_family("machine_silenced", "gauge", "Whether a maintenance window is open for a machine.", silenced),
        *_states("machine_observed", "What a machine is seen as.", _STATES, observed),
        *_states("machine_basis", "What that rests on.", tuple(Basis), basis),
        *_family("machine_heartbeat_age_seconds", "gauge", "How old a machine's last heartbeat is.", ages),
        *_family("checked_timestamp_seconds", "gauge", "When this was looked at.", checked),
        "# EOF",
    ]
    return "\n".join(lines)


def _states(name: str, told: str, states: Sequence[str], rows: Mapping[str, str]) -> list[str]:
    samples = (
        (f'{machine},roosync_{name}="{state}"', int(now == state)) for machine, now in rows.items() for state in states
    )
    return _family(name, "stateset", told, samples)


def _family(name: str, kind: str, told: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    unit = [f"# UNIT roosync_{name} seconds"] if name.endswith("_seconds") else []
    lines = [
        f"roosync_{name}{{{labels}}} {value}" if labels else f"roosync_{name} {value}" for labels, value in samples
    ]
    return [f"# TYPE roosync_{name} {kind}", *unit, f"# HELP roosync_{name} {told}", *lines]
