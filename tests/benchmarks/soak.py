"""Six lab machines in real processes under random faults, thirty times as fast as in the field; I print Markdown.

python tests/benchmarks/soak.py [--minutes 96] [--seed N] [--every 6]

96 minutes are 48 hours of the fleet. At the end every fault is over, and all must be as expected without a hand;
memory, files, processes and threads are held against what they were at the beginning.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import re
import statistics
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from roosync_ops.lab import scenario as files  # noqa: E402 - after the path to it
from roosync_ops.lab.faults import (  # noqa: E402 - as above
    FAULTS,
    LabError,
    is_copy,
)
from roosync_ops.lab.fleet import ADMIN, LabFleet  # noqa: E402 - as above
from roosync_ops.lab.play import Board  # noqa: E402 - as above
from roosync_ops.lab.replicator import Delay  # noqa: E402 - as above
from roosync_ops.lab.scenario import Part  # noqa: E402 - as above
from roosync_ops.state import StateUnavailableError  # noqa: E402 - as above
from tests.kits.sync import observed  # noqa: E402 - as above

SPEED = 30
#: What runs from it is an agent.
AGENT = re.compile(rb"agent(-[0-9a-f]{16})?\.pyz")
BEAT_MS, TIMEOUT_MS = 30_000 // SPEED, 120_000 // SPEED
NAMES = ("myia-ai-01", "myia-po-2023", "myia-po-2024", "myia-po-2025", "myia-po-2026", "myia-web1")
#: How long an episode lasts, in s of this computer: 2 to 15 minutes of the fleet.
LASTS_S = (4.0, 30.0)
#: After the last fault everything has so long to come right by itself, in s.
SETTLE_S = 90.0


@dataclass
class Sample:
    """What the whole fleet's processes weigh at one moment. Memory in kB."""

    rss: list[int] = field(default_factory=list)
    threads: int = 0
    descriptors: int = 0
    processes: int = 0
    files: int = 0
    temporary: int = 0
    #: What the sync product itself keeps beside a file, under the names it gives.
    copies: int = 0


class Soak:
    """One run. `done` counts what was done, `refused` what could not be done here."""

    def __init__(self, lab: LabFleet, seed: int) -> None:
        self.lab = lab
        self.draw = random.Random(seed)  # noqa: S311 - a replayable schedule, no secret
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.busy: dict[str, tuple[float, str]] = {}
        self.highest: dict[str, int] = {}
        self.rolled_back: list[str] = []
        self.board = Board(lab)

    def run(self, seconds: float, every_s: float) -> None:
        """Let one thing after the other happen, then end all of them."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            for name in [one for one, (until, _) in self.busy.items() if until <= now]:
                self._finish(name)
            self._begin(now)
            self._look()
            time.sleep(self.draw.uniform(0.5, 1.5) * every_s)
        while self.busy and time.monotonic() < end + SETTLE_S:
            for name in list(self.busy):
                self._finish(name)
            time.sleep(1)

    def settle(self) -> tuple[dict[str, str], float]:
        """Wait until all is as expected; return what is seen, and after how long."""
        began = time.monotonic()
        seen: dict[str, str] = {}
        while time.monotonic() - began < SETTLE_S:
            with suppress(StateUnavailableError):
                seen = observed(self.board.check())
                if set(seen.values()) == {"online"}:
                    break
            time.sleep(0.5)
        return seen, time.monotonic() - began

    def sample(self) -> Sample:
        """Weigh the fleet now."""
        result = Sample()
        for pid in self.lab.processes():
            with suppress(OSError, ValueError, StopIteration):
                lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
                facts = dict(line.split(":", 1) for line in lines)
                if not AGENT.search(Path(f"/proc/{pid}/cmdline").read_bytes()):
                    continue
                result.rss.append(int(facts["VmRSS"].split()[0]))
                result.threads += int(facts["Threads"])
                result.descriptors += len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - numbers, not paths
                result.processes += 1
        for _, _, names in os.walk(self.lab.root):
            result.files += len(names)
            result.temporary += sum(name.endswith(".tmp") for name in names)
            result.copies += sum(is_copy(name) for name in names)
        return result

    def _begin(self, now: float) -> None:
        name = self.draw.choice([one for one in (*NAMES, ADMIN) if one not in self.busy] or [""])
        lives = [] if name == ADMIN else ["kill", "power", "stop"] * 3
        what = self.draw.choice([*FAULTS, *lives])
        until = now + self.draw.uniform(*LASTS_S)
        if not name:
            return
        try:
            self._do(what, name, on=True)
        except (LabError, OSError) as error:
            self.refused[f"{what}: {str(error)[:100]}"] += 1
            return
        self.done[what] += 1
        if what != "kill":
            self.busy[name] = until, what

    def _finish(self, name: str) -> None:
        """End an episode; a start that the share's trouble still refuses is tried again, as an operator would."""
        _, what = self.busy.pop(name)
        try:
            self._do(what, name, on=False)
        except LabError as error:
            self.refused[f"end of {what}: {str(error)[:100]}"] += 1
            if what == "power" and self.lab.is_on(name):
                what = "stop"  # it is on, and its agent has to be started
            self.busy[name] = time.monotonic() + 3, what

    def _do(self, what: str, name: str, *, on: bool) -> None:
        if what == "kill":
            self.lab.kill_agent(name)
        elif what == "power":
            (self.lab.power_off if on else self.lab.power_on)(name)
        elif what == "stop":
            self.lab.agent(name, "stop" if on else "start")
        else:
            self.lab.fault(what, name, on=on)

    def _look(self) -> None:
        """Each agent's own record, in its own journal's word, never goes back."""
        name = self.draw.choice(NAMES)
        with suppress(LabError, OSError):
            beat = self.lab.agent(name, "status").get("lastBeat") or {}
            number = int(beat.get("sequence", 0))
            if number < self.highest.get(name, 0):
                self.rolled_back.append(f"{name}: {number} after {self.highest[name]}")
            self.highest[name] = max(number, self.highest.get(name, 0))


def main() -> int:
    """Run, print, and fail where something is not as expected at the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=96.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=6.0, help="seconds between two episodes, on average")
    chosen = parser.parse_args()
    parts = [Part(name, "active") for name in NAMES]
    speed = mock.patch.multiple(files, HEARTBEAT_INTERVAL_MS=BEAT_MS, OFFLINE_TIMEOUT_MS=TIMEOUT_MS)
    with speed, LabFleet(parts, Delay(chosen.seed, 1 / SPEED)) as lab:
        return _soak(lab, chosen)


def _soak(lab: LabFleet, chosen: argparse.Namespace) -> int:
    for name in NAMES:
        lab.activate(name)
    soak = Soak(lab, chosen.seed)
    first, _ = soak.settle()
    time.sleep(10)
    before = soak.sample()
    own = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, not paths
    soak.run(chosen.minutes * 60, chosen.every)
    seen, took = soak.settle()
    time.sleep(10)
    after = soak.sample()
    say(
        f"{chosen.minutes:g} min at {SPEED}x ({chosen.minutes * SPEED / 60:.1f} h of the fleet), seed {chosen.seed}; "
        f"{datetime.now(UTC).date()}, CPython {platform.python_version()}, {os.cpu_count()} cores\n"
    )
    say("| | at the beginning | at the end |\n| --- | ---: | ---: |")
    say(f"| online | {_online(first)} | {_online(seen)} |")
    say(f"| agent processes (loop and supervisor) | {before.processes} | {after.processes} |")
    say(f"| their memory, mean / most | {_memory(before)} | {_memory(after)} |")
    say(f"| their threads | {before.threads} | {after.threads} |")
    say(f"| their open descriptors | {before.descriptors} | {after.descriptors} |")
    say(f"| files but conflict copies | {before.files - before.copies} | {after.files - after.copies} |")
    say(f"| conflict copies, `*.tmp` | {before.copies}, {before.temporary} | {after.copies}, {after.temporary} |")
    say(f"| this process's descriptors | {own} | {len(os.listdir('/proc/self/fd'))} |")  # noqa: PTH208 - as above
    say(f"\nAll online {took:.0f} s after the last fault ended. Sequences that went back: {len(soak.rolled_back)}.")
    say(f"Beats counted by the agents: {sum(soak.highest.values())}. What happened: {_counts(soak.done)}.")
    if soak.refused:
        say(f"Not possible here: {_counts(soak.refused)}.")
    wrong = {name: word for name, word in seen.items() if word != "online"}
    for name in wrong:
        with suppress(LabError):
            say(f"- {name}: {lab.agent(name, 'status')}")
    return 1 if wrong or soak.rolled_back else 0


def _online(seen: dict[str, str]) -> str:
    return f"{sum(word == 'online' for word in seen.values())}/{len(seen)}"


def _memory(sample: Sample) -> str:
    return f"{statistics.mean(sample.rss) / 1024:.1f} / {max(sample.rss) / 1024:.1f} MiB" if sample.rss else "none"


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counter.items()))


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
