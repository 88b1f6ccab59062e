"""How often a living machine is shown offline, and how soon a dead one: run me, and I print Markdown tables.

python tests/benchmarks/false_offline.py [--hours 48 | --month] [--seeds 1,2,3] [--only ordinary|faults|clocks]

The shipped agent, wire, patience and flips run under virtual time over the lab's sync product; the two old services
are models of what wire/README.md says of them, under the same schedule.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.simulation.report import HEAD, notes, rows  # noqa: E402 - after the path to it
from tests.simulation.world import OURS, SELDOM, V30, V31, Plan, simulate  # noqa: E402 - as above

HOUR_MS = 3_600_000
TITLES = {
    "ordinary": "Ordinary days: delays of 5 to 60 s, bursts of minutes; power cuts, crashes, restarts, stops",
    "faults": "The same, and every fault of the sync product and the share, at the machines and at the reader",
    "clocks": "Ordinary days, one clock an hour ahead, one an hour behind, one stepped by ten minutes in mid-run",
}


def plan(name: str, hours: float, seed: int) -> Plan:
    """Return one of the three plans."""
    if name != "clocks":
        return Plan(hours, seed, with_faults=name == "faults")
    return Plan(
        hours,
        seed,
        with_faults=False,
        ahead_ms={"myia-po-2023": HOUR_MS, "myia-po-2024": -HOUR_MS},
        stepped={"myia-po-2025": (hours * 1800, 600_000)},
    )


def main() -> None:
    """Print the tables, each row as soon as its protocol is through."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=48)
    parser.add_argument("--month", action="store_true", help="30 days")
    parser.add_argument("--seeds", type=seeds, default=(1,), metavar="N[,N...]", help="one table with the sums")
    parser.add_argument("--only", choices=TITLES)
    chosen = parser.parse_args()
    hours = 720.0 if chosen.month else chosen.hours
    day = datetime.now(UTC).date()
    named = ", ".join(str(seed) for seed in chosen.seeds)
    say(f"{hours:g} h, seed {named}; {day}, CPython {platform.python_version()}, {os.cpu_count()} cores")
    for name in [chosen.only] if chosen.only else TITLES:
        table(name, hours, chosen.seeds)


def table(name: str, hours: float, chosen: tuple[int, ...]) -> None:
    """Simulate one plan with every seed, and print its table."""
    wall, processor = time.perf_counter(), time.process_time()
    say(f"\n### {TITLES[name]}\n\n{HEAD}")
    told: list[str] = []
    for protocol in (OURS,) if name == "clocks" else (OURS, V30, V31, SELDOM):
        outcomes = [simulate(protocol, plan(name, hours, seed)) for seed in chosen]
        say(rows(outcomes))
        told += [notes(outcome) for outcome in outcomes] if protocol == OURS else []
    took = f"Took {time.perf_counter() - wall:.0f} s, {time.process_time() - processor:.0f} s of the processor."
    say("\n" + "\n".join([*told, "", took]))


def seeds(text: str) -> tuple[int, ...]:
    """Read `1,2,3`. Raises ValueError for what is no number."""
    return tuple(int(part) for part in text.split(","))


def say(text: str) -> None:
    """Print at once: a month takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
