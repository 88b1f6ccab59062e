"""What a second opinion costs: `validate` of a fleet with machines that are dead and machines that are late.

    python tests/benchmarks/second_opinion.py [--fleet 100] [--dead 10] [--late 5] [--runs 3]

Those that are late are real OpenSSH servers on loopback with agents that beat; of those that are dead the ports take no
connection (half of them refuse it); of the others the shared folder alone tells, and nobody asks them.
"""

# ruff: noqa: T201 - a script's business

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from roosync_ops.wire.times import now_ms
from tests.kits.hosts import free_ports
from tests.kits.product import roosync_ops
from tests.kits.shares import ours, put
from tests.kits.sshd import Fleet, deaf_port

LIMIT_S = 6.0


def main() -> None:
    """Print the wall and processor time of each case, and what was said of whom."""
    parser = argparse.ArgumentParser()
    for name, default in (("fleet", 100), ("dead", 10), ("late", 5), ("runs", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    chosen = parser.parse_args()
    late = [f"late-{at}" for at in range(chosen.late)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder)
        (root / "kit").mkdir()
        fleet = stack.enter_context(Fleet(root / "kit", late, keys=""))
        done = roosync_ops("rollout", "-i", fleet.inventory(root / "late.py"), timeout=600)
        assert done.code == 0, done
        refused = chosen.dead // 2
        ports = free_ports(refused) + [stack.enter_context(deaf_port()) for _ in range(chosen.dead - refused)]
        dead = {f"dead-{at}": port for at, port in enumerate(ports)}
        well = [f"well-{at}" for at in range(chosen.fleet - chosen.dead - chosen.late)]
        inventory, shared = root / "inventory.py", root / "shared"
        lines = [f"machine({host.machine_id!r}, **{fleet.fields(host)!r})" for host in fleet]
        lines += [f"machine({name!r}, host='127.0.0.1', port={port})" for name, port in dead.items()]
        lines += [f"machine({name!r}, host='127.0.0.1', port=1)" for name in well]
        inventory.write_text(f"from roosync_ops.fleet import machine\nlab = [{', '.join(lines)}]\n", "utf-8")
        shared.mkdir()
        for title, ages in {
            "as expected": {},
            f"{chosen.dead} dead, {chosen.late} late": dict.fromkeys(dead, 200_000) | dict.fromkeys(late, 214_000),
        }.items():
            show(title, [once(inventory, shared, [*late, *dead, *well], ages) for _ in range(chosen.runs)])


def once(inventory: Path, shared: Path, names: list[str], ages: dict[str, int]) -> tuple[float, float, dict[str, int]]:
    """Return wall and processor time in s, and how many verdicts rest on what."""
    now = now_ms()
    for name in names:
        put(shared, ours(name, ages.get(name, 0), now, sequence=1))
    before, began = os.times(), time.monotonic()
    done = roosync_ops("validate", "--json", "-i", inventory, "--shared", shared)
    wall, after = time.monotonic() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    said: dict[str, int] = {}
    for row in done.document["machines"]:
        key = f"{row['observed']}, {row['basis']}"
        said[key] = said.get(key, 0) + 1
    return wall, used, said


def show(title: str, runs: list[tuple[float, float, dict[str, int]]]) -> None:
    walls = [wall for wall, _, _ in runs]
    print(f"{title}: wall {median(walls):.2f} s (most {max(walls):.2f}, limit {LIMIT_S:g} s and a start), ", end="")
    print(f"processor {min(used for _, used, _ in runs):.2f} s; {runs[-1][2]}; load {os.getloadavg()[0]:.0f}")


if __name__ == "__main__":
    main()
