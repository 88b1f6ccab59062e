"""How long `roosync-ops diagnose` takes for six machines, two of them off: `python tests/benchmarks/diagnose.py`.

Four machines behind real OpenSSH servers with agents that beat, and two addresses that answer nothing at all.
"""

# ruff: noqa: T201 - a script's business

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.kits.product import roosync_ops
from tests.kits.sshd import Fleet, deaf_port

NAMES = ("myia-po-2023", "myia-po-2024", "myia-po-2025", "myia-web1")
RUNS = 9
#: Six machines, two of them dead.
PROMISE_S = 3.0


def main() -> int:
    """Print a line of a Markdown table for each kind of call; 1 where the promise is not kept."""
    with (
        tempfile.TemporaryDirectory() as folder,
        deaf_port() as one,
        deaf_port() as other,
        Fleet(Path(folder), NAMES, keys="") as fleet,
    ):
        ssh = {"ssh_known_hosts_file": str(fleet.known_hosts), "ssh_allow_agent": False}
        ports = {"myia-ai-01": one, "myia-po-2026": other}
        off = [f"machine({name!r}, host='127.0.0.1', port={port}, ssh={ssh!r})" for name, port in ports.items()]
        inventory = fleet.inventory(Path(folder) / "inventory.py", extra=f"off = [{', '.join(off)}]")
        answer = roosync_ops("rollout", "--limit", "lab", "-i", inventory)
        assert answer.code == 0, answer
        print("| asked | median, s | longest, s | load |\n|---|---|---|---|")
        kept = _row("all six, two of them off", [_seconds(inventory, fleet) for _ in range(RUNS)])
        _row("one of them by name", [_seconds(inventory, fleet, NAMES[0]) for _ in range(RUNS)])
    return 0 if kept <= PROMISE_S else 1


def _seconds(inventory: Path, fleet: Fleet, *names: str) -> float:
    answer = roosync_ops("diagnose", *names, "-i", inventory, "--shared", fleet.shared, "--json")
    causes = {row["cause"] for row in answer.document["machines"]}
    assert causes <= {"well", "machine-off"}, causes
    return answer.seconds


def _row(title: str, seconds: list[float]) -> float:
    middle = sorted(seconds)[len(seconds) // 2]
    print(f"| {title} | {middle:.1f} | {max(seconds):.1f} | {os.getloadavg()[0]:.1f} |", flush=True)
    return middle


if __name__ == "__main__":
    sys.exit(main())
