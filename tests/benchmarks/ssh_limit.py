"""What asking machines costs beside the limit: as many bare `ssh NAME true` in parallel, in one run.

    python tests/benchmarks/ssh_limit.py [--hosts 3] [--runs 3]

Machines are real OpenSSH servers on loopback. Processor times are those of this side, its ssh processes included; the
machines' own (sshd, Python, the agent) are in neither. OpenSSH's default key exchange (sntrup761) is measured beside
curve25519; ours takes what the user's configuration says, which is none here.
"""

# ruff: noqa: T201 - a script's business

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.kits.product import ROOSYNC_OPS
from tests.kits.sshd import Fleet


class Cost(NamedTuple):
    """Of one run, in s."""

    processor: float
    wall: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # bytecode is kept, as whoever installed it has it
    os.environ["PYTHONPYCACHEPREFIX"] = tempfile.mkdtemp()
    with tempfile.TemporaryDirectory() as folder, Fleet(Path(folder), names(arguments.hosts), keys="") as fleet:
        inventory = str(fleet.inventory(Path(folder) / "inventory.py"))
        ours = [str(ROOSYNC_OPS), "--inventory", inventory]
        subprocess.run([ours[0], "rollout", *ours[1:]], check=True, capture_output=True)
        limit = least(bare(fleet), arguments.runs)
        show(f"{arguments.hosts} bare ssh", limit, limit)
        curve = [[*words[:1], "-o", "KexAlgorithms=curve25519-sha256", *words[1:]] for words in bare(fleet)]
        show(f"{arguments.hosts} bare ssh, curve25519", least(curve, arguments.runs), limit)
        show(
            "python -c 'import pyinfra.api'",
            least([[sys.executable, "-c", "import pyinfra.api"]], arguments.runs),
            limit,
        )
        for words in (
            ["matrix"],
            ["validate", "--probe", "--shared", str(fleet.shared)],
            ["validate", "--via", fleet.hosts[0].machine_id],
            ["diagnose"],
            ["rollout"],
        ):
            once([[ours[0], *words, *ours[1:]]])
            show(" ".join(words[:2]), least([[ours[0], *words, *ours[1:]]], arguments.runs), limit)


def names(count: int) -> list[str]:
    return [f"m{number}" for number in range(1, count + 1)]


def bare(fleet: Fleet) -> list[list[str]]:
    """Return the words of one ssh a machine, which reads no configuration."""
    known = f"UserKnownHostsFile={fleet.known_hosts}"
    words = ["ssh", "-F", "/dev/null", "-i", str(fleet.key), "-o", known, "-o", "BatchMode=yes"]
    return [[*words, "-p", str(host.port), "127.0.0.1", "true"] for host in fleet]


def least(commands: list[list[str]], runs: int) -> Cost:
    """Run all at once, so often, and return the run that took the least processor time."""
    return min(once(commands) for _ in range(runs))


def once(commands: list[list[str]]) -> Cost:
    before, began = os.times(), time.monotonic()
    nothing = subprocess.DEVNULL
    for child in [subprocess.Popen(words, stdin=nothing, stdout=nothing, stderr=nothing) for words in commands]:
        child.wait()
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(used, time.monotonic() - began)


def show(what: str, cost: Cost, limit: Cost) -> None:
    ratio = cost.processor / limit.processor
    print(f"{what:32} processor {cost.processor:6.2f} s  wall {cost.wall:6.2f} s  {ratio:5.1f}x")


if __name__ == "__main__":
    main()
