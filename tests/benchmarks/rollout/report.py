"""What was measured, as a Markdown table with everything a reader needs to judge it."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.benchmarks.rollout.meter import Sample

FIRST = "first"
NO_OP = "no-op"
_SIDES = {"ours": "roosync-ops", "ansible": "Ansible", "mitogen": "with Mitogen", "bare": "bare ssh"}
_COLUMNS = ("hosts", "run", *(f"{side} s" for side in _SIDES.values()), "Ansible / ours", "Mitogen / ours",
            *(f"{side}: processor s, admin + hosts" for side in _SIDES.values()), "runs")  # fmt: skip
_HEAD = (f"| {' | '.join(_COLUMNS)} |", f"|---:|---|{'---:|' * (len(_COLUMNS) - 2)}")


@dataclass(frozen=True)
class Row:
    """One line of the table: each side's samples for `hosts` machines and one kind of run."""

    hosts: int
    run: str
    samples: Mapping[str, Sequence[Sample]]


def environment(versions: Mapping[str, str]) -> str:
    cores = len(os.sched_getaffinity(0))
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {cores} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {told}; load average before: {os.getloadavg()[0]:.2f}"
    )


def table(rows: Sequence[Row]) -> str:
    """Return the Markdown table: medians of wall seconds, and whose processor seconds they were."""
    return "\n".join([*_HEAD, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    sides = [row.samples.get(side, []) for side in _SIDES]
    ours, ansible, mitogen, bare = walls = [_median(one, lambda sample: sample.wall_s) for one in sides]
    del bare
    ratios = [f"{other / ours:.1f}" if ours and other else "-" for other in (ansible, mitogen)]
    runs = str(max(map(len, sides)))
    cells = [str(row.hosts), row.run, *map(_seconds, walls), *ratios, *map(_processor, sides), runs]
    return f"| {' | '.join(cells)} |"


def _processor(samples: Sequence[Sample]) -> str:
    admin, hosts = _median(samples, lambda one: one.admin_cpu_s), _median(samples, lambda one: one.hosts_cpu_s)
    return f"{_seconds(admin)} + {_seconds(hosts)}"


def _median(samples: Sequence[Sample], value: Callable[[Sample], float | None]) -> float | None:
    values = [one for one in map(value, samples) if one is not None]
    return statistics.median(values) if values else None


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
