"""What the agent costs a machine, measured: `python tests/benchmarks/agent_cost.py` prints a Markdown table.

Resident memory of the real loop under a few interpreters, CPU time of a beat from the kernel's own accounts, files
replaced for each beat and for six machines in an hour under virtual time, and growth over a week of beats.
"""

# ruff: noqa: T201 - a script's business

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from roosync_ops.remote_script import bundle
from tests.kits.agent_process import Agent
from tests.kits.hosts import wait_for
from tests.kits.virtual_agent import Rig, VirtualClock

#: wire/README.md: measured on the existing Node service.
OLD_SERVICE_MIB = 43
OLD_WRITES = "1440 (3.0), 720 (3.1)"
BEAT_MS = 50
INTERVAL_S = 30
WEEK = 7 * 24 * 3600 // INTERVAL_S
HOUR_NS = 3600 * 1_000_000_000


def interpreters() -> list[str]:
    """Return CPython 3.11 where it is found, and the one that runs this."""
    found = [
        shutil.which("python3.11", path="/usr/bin"),
        *map(str, Path.home().glob(".pyenv/versions/3.11.*/bin/python")),
    ]
    return list(dict.fromkeys([*filter(None, found), sys.executable]))


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def cpu_s(pid: int) -> float:
    """User and system time of a process so far, in s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare(python: str) -> float:
    """MiB resident of an interpreter that does nothing."""
    with subprocess.Popen([python, "-c", "input()"], stdin=subprocess.PIPE) as process:
        time.sleep(0.3)
        kib = resident_kib(process.pid)
        process.kill()
    return kib / 1024


def loop(pyz: Path, root: Path, python: str) -> tuple[float, float]:
    """Return MiB resident of the loop after hundreds of beats, and CPU ms of one beat with its share of the view's."""
    shared = root / "shared"
    shared.mkdir(parents=True)
    agent = Agent(pyz, root, shared, python=python)
    process = agent.run("--heartbeat-interval", str(BEAT_MS), "--offline-timeout", "120000")
    try:
        wait_for("the first beats", lambda: agent.sequence() > 20, 60)
        beats, spent = agent.sequence(), cpu_s(process.pid)
        wait_for("500 beats", lambda: agent.sequence() > beats + 500, 300)
        done = agent.sequence() - beats
        return resident_kib(process.pid) / 1024, (cpu_s(process.pid) - spent) / done * 1000
    finally:
        agent.end()


def idle_wakes_ms(seconds: int = INTERVAL_S) -> float:
    """CPU ms that looking at the clocks costs between two beats."""
    rig = virtual()
    rig.beat()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for _ in range(100):
        rig.clock.until_ns = None
        rig.loop._due_ns = rig.clock.mono_ns + seconds * 1_000_000_000
        rig.loop.pause()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) * 10


def virtual(machine_id: str = "m0", clock: VirtualClock | None = None, root: Path | None = None) -> Rig:
    root = root or Path(tempfile.mkdtemp(dir=_SCRATCH))
    shared = root / "shared"
    shared.mkdir(exist_ok=True)
    return Rig(root / machine_id, shared, machine_id, clock)


def writes(machines: int) -> tuple[int, int]:
    """Return how many own files and views `machines` write in an hour."""
    clock, root = VirtualClock(), Path(tempfile.mkdtemp(dir=_SCRATCH))
    names: list[str] = []
    rigs = []
    for number in range(machines):
        clock.advance(4.7)
        rigs.append(virtual(f"m{number}", clock, root))
    real, end = os.replace, clock.mono_ns + HOUR_NS

    def replace(source: str, target: str) -> None:
        names.append(Path(target).name)
        real(source, target)

    os.replace = replace  # type: ignore[assignment]
    try:
        while (rig := min(rigs, key=lambda each: each.loop._due_ns)).loop._due_ns < end:
            clock.advance(max(0, rig.loop._due_ns - clock.mono_ns) / 1e9)
            rig.loop.step()
    finally:
        os.replace = real
    views = names.count("heartbeat.json")
    return len(names) - views, views


def week() -> tuple[int, int]:
    """Return the bytes on disk, local and shared, after a day and after a week of beats."""
    rig, sizes = virtual(), []
    for number in range(WEEK):
        rig.beat(INTERVAL_S)
        if number in (WEEK // 7, WEEK - 1):
            folder = rig.shared.parent
            sizes.append(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    return sizes[0], sizes[1]


def table(rows: list[tuple[str, str, str]]) -> str:
    lines = ["| what | measured | bound |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def main() -> None:
    pyz = Path(_SCRATCH) / "agent.pyz"
    bundle.build(pyz)
    rows = [("resident, the old Node service (wire/README.md)", f"{OLD_SERVICE_MIB} MiB", "")]
    for number, python in enumerate(interpreters()):
        name = subprocess.run(
            [python, "-c", "import sys; print(sys.version.split()[0])"], capture_output=True, check=True
        )
        label = f"CPython {name.stdout.decode().strip()}{' (venv)' if python == sys.executable else ''}"
        size, beat_ms = loop(pyz, Path(_SCRATCH) / f"loop{number}", python)
        rows.append((f"resident, bare {label}", f"{bare(python):.1f} MiB", ""))
        rows.append((f"resident, our loop on {label}", f"{size:.1f} MiB", "12 MiB on 3.11"))
        share = (beat_ms + idle_wakes_ms()) / (INTERVAL_S * 1000) * 100
        rows.append((f"CPU on {label}", f"{beat_ms:.2f} ms a beat, {share:.4f} % of a core", "0.05 %"))
    os.fsync = os.fdatasync = lambda _: None  # type: ignore[assignment] # a week of beats in seconds
    one, six = writes(1), writes(6)
    rows.append(("files written an hour, one machine", f"{one[0]} own + {one[1]} views", "1 a beat + views"))
    rows.append(("files written an hour, six machines", f"{six[0]} own + {six[1]} views = {sum(six)}", "900"))
    rows.append(("the old service, six machines", OLD_WRITES, ""))
    day, whole = week()
    rows.append((f"on disk after a day and after a week ({WEEK} beats)", f"{day} and {whole} bytes", "no growth"))
    rows.append(("the agent file", f"{pyz.stat().st_size} bytes", "200000"))
    print(f"{platform.platform()}, {os.cpu_count()} cores\n\n{table(rows)}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as _SCRATCH:
        main()
