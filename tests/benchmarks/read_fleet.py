"""How long `roosync-ops validate` takes, cold start included: run me, and I print a Markdown table.

python tests/benchmarks/read_fleet.py [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from roosync_ops.wire.times import now_ms  # noqa: E402 - after the path to it
from tests.kits.shares import ours, put  # noqa: E402

#: Machines, and the most seconds that are allowed.
BUDGETS = {6: 0.25, 10_000: 1.5}
FORMATS = ("table", "json", "markdown", "junit")


def build(place: Path, count: int) -> None:
    """Write an inventory of `count` machines and a share with a fresh heartbeat of each."""
    (place / "shared").mkdir()
    names = [f"m-{number:05d}" for number in range(count)]
    now = now_ms()
    for number, name in enumerate(names):
        put(place / "shared", ours(name, age_ms=number % 7 * 20_000, now_ms=now))
    lines = [f'    machine("{name}", host="{name}.local", user="me"),' for name in names]
    text = "\n".join(["from roosync_ops.fleet import machine", "", "fleet = [", *lines, "]", ""])
    (place / "inventory.py").write_text(text, encoding="utf-8")


def seconds(place: Path, report: str) -> float:
    """Return the wall time of one process, its output read through a pipe."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "roosync_ops", "validate", "--format", report],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "ROOSYNC_SHARED_PATH": "shared"},
        stdout=subprocess.PIPE,
        check=False,
    )
    took = time.perf_counter() - began
    if done.returncode not in (0, 1):
        raise SystemExit(f"validate ended with {done.returncode}")
    return took


def say(line: str) -> None:
    """Print a line at once: the largest fleet takes a while."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(runs: int) -> None:
    """Print the table."""
    say(f"CPython {sys.version.split()[0]}, {os.cpu_count()} cores, {runs} runs each\n")
    say("| machines | format | cold wall time, median | worst | budget |\n| ---: | --- | ---: | ---: | ---: |")
    for count, budget in BUDGETS.items():
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder), count)
            for report in FORMATS:
                times = [seconds(Path(folder), report) for _ in range(runs)]
                say(f"| {count} | {report} | {statistics.median(times):.2f} s | {max(times):.2f} s | {budget} s |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
