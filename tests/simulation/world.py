"""The fleet, its sync product and what happens to it, put together: `simulate` runs one protocol over one schedule."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from roosync_ops.gather.second import CONFIRM_S
from roosync_ops.lab.replicator import Delay, Replicator
from roosync_ops.wire.status import OFFLINE
from tests.kits.sync import next_due

from .hub import Hub
from .later import Seldom
from .machine import Machine
from .memo import remembered
from .old import Old30, Old31, OldMachine
from .readers import Arrivals, Eyes, Patient, Watcher, auto, fixed
from .replica import RamReplica
from .schedule import ADMIN, CRASH, MACHINES, POWER_CUT, RESTART, STOP, Episode, episodes
from .score import DELAY, OBSERVER, TIMEOUT_S, WRITER, Score
from .way import AskingWatcher, SimulatedWay, Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from roosync_ops.state.shared import SharedState

    from .truth import Life

#: 2026-02-12T10:00:00Z, the day the procedure was written.
EPOCH_MS: Final = 1_770_890_400_000
#: The sync product looks at most this often, in s: its delays are 5 s and more.
STEP_S: Final = 2.0
#: After a fault's end its effects last for at most so long (transfers under way), in s.
AFTERMATH_S: Final = 300.0
#: The watcher itself is restarted so often, in s: that alone must tell nobody anything.
_RESTART_S: Final = 5 * 3600.0

OURS, V30, V31, SELDOM = "ours", "3.0", "3.1", "3.1, as of March"
_OLD: Final[dict[str, type[OldMachine]]] = {V30: Old30, V31: Old31, SELDOM: Seldom}
DEFAULT, WATCH, AUTO = "the protocol's thresholds (--patience none)", "watch --probe never", "--patience auto"
ASKS, PART, NEVER, ASKING = (
    "validate (--probe auto)",
    "validate, one of the six cannot be asked",
    "validate --probe never, no memory",
    "watch (--probe auto)",
)
#: Who tells each death within 900 s calls offline what is silent for that, less a poll, whatever it knows.
LEAST, _TOLD_MS = "the least of the folder alone: each death within 900 s", 885_000
#: The points an operator may choose, in s.
_PATIENCES: Final = (0, 60, 180, 300)


@dataclass(frozen=True)
class Plan:
    """What is simulated. `ahead_ms`: how wrong whose clock is; `stepped`: whose clock is set (s, ms) in mid-run."""

    hours: float
    seed: int = 1
    poll_s: float = 15.0
    with_faults: bool = True
    ahead_ms: dict[str, int] = field(default_factory=dict)
    stepped: dict[str, tuple[float, int]] = field(default_factory=dict)


@dataclass
class Outcome:
    """What came of it. `lost` are histories that went back or were lost, as the writers' own records show."""

    protocol: str
    plan: Plan
    scores: list[Score]
    lost: list[str]
    beats: int
    writes: int
    machine_months: float
    false_flips: int = 0
    double_flips: int = 0
    erased: int = 0
    patience_ms: int = 0
    tail: list[str] = field(default_factory=list)


class World:
    """A fleet of one protocol, and an admin's replica beside it."""

    #: Who takes part beside the fleet.
    guests: tuple[str, ...] = ()

    def __init__(self, protocol: str, plan: Plan, root: Path) -> None:
        self.protocol = protocol
        self.plan = plan
        self.hub = Hub()
        self.replicas = {name: self._replica(root / name) for name in (*MACHINES, ADMIN, *self.guests)}
        self.sync = Replicator(self.replicas, Delay(plan.seed), seed=plan.seed)
        self.machines = {name: self._machine(name, root / name) for name in MACHINES}
        for name, ahead in plan.ahead_ms.items():
            self._set_clock(name, ahead)
        self.lives = {name: machine.life for name, machine in self.machines.items()}
        self.past: dict[str, list[Episode]] = {name: [] for name in (*MACHINES, ADMIN)}
        self.scores: list[Score] = []
        self.off: set[str] = set()

    def run(self) -> Outcome:
        """Let all of it happen."""
        self._prepare()
        self._observe()
        self.hub.every(STEP_S, self._sync)
        self.hub.run(self.plan.hours * 3600)
        for score in self.scores:
            score.rollbacks = self._eyes.rollbacks if score.reader == DEFAULT else 0
        return self._outcome()

    def _machine(self, name: str, folder: Path) -> Machine | OldMachine:
        replica, link = self.replicas[name], self.sync.links[name]
        if self.protocol == OURS:
            return Machine(self.hub, folder, replica, link, EPOCH_MS)
        return _OLD[self.protocol](self.hub, replica, link, EPOCH_MS)

    def _replica(self, folder: Path) -> RamReplica:
        root = folder / "shared"
        root.mkdir(parents=True)
        return RamReplica(root)

    def _set_clock(self, name: str, ahead_ms: int) -> None:
        machine = self.machines[name]
        if isinstance(machine, Machine):
            machine.clock.ahead_ms = ahead_ms

    def _prepare(self) -> None:
        """Put what will happen into the queue. The machines start half a minute apart, as people switch them on."""
        for number, machine in enumerate(self.machines.values()):
            self.hub.at(1.0 + number * 31.0, machine.start)
        for name, (when, ahead) in self.plan.stepped.items():
            self.hub.at(when, lambda name=name, ahead=ahead: self._set_clock(name, ahead))  # type: ignore[misc]
        for one in episodes(self.plan.hours, self.plan.seed, with_faults=self.plan.with_faults):
            self.hub.at(one.start, lambda one=one: self._begin(one))  # type: ignore[misc]
            self.hub.at(one.end, lambda one=one: self._end(one))  # type: ignore[misc]

    def _begin(self, one: Episode) -> None:
        machine = self.machines.get(one.machine)
        if machine is None or one.kind not in (POWER_CUT, CRASH, RESTART, STOP):
            self.past[one.machine].append(one)
            self.sync.fault(one.kind, one.machine)
        elif one.kind == STOP:
            machine.stop()
        else:
            if one.kind == POWER_CUT:
                self.sync.switch(one.machine, up=False, down=False)
                self.off.add(one.machine)
            machine.kill()
            for score in self.scores:
                if one.kind != RESTART:
                    score.died(one.machine, self.hub.now)

    def _end(self, one: Episode) -> None:
        machine = self.machines.get(one.machine)
        if machine is None or one.kind not in (POWER_CUT, CRASH, RESTART, STOP):
            self.sync.fault(one.kind, one.machine, on=False)
            return
        if one.kind == POWER_CUT:
            self.sync.switch(one.machine, up=True, down=True)
            self.off.discard(one.machine)
        for score in self.scores:
            score.came_back(one.machine)
        machine.start()

    def _sync(self) -> None:
        due = next_due(self.sync)
        calls = (due is not None and due <= self.hub.now) or any(not one.is_noticed for one in self.replicas.values())
        if calls or any(link.faults for link in self.sync.links.values()):
            self.sync.step(self.hub.now)

    def _observe(self) -> None:
        self._eyes = eyes = Eyes(self.replicas[ADMIN], self.sync.links[ADMIN])
        self._arrivals = seen = Arrivals()
        patients = {f"--patience {point} s": Patient(seen, fixed(point * 1000)) for point in _PATIENCES}
        patients[AUTO] = Patient(seen, auto)
        self.watcher = Watcher(patients[AUTO])
        self._patients = patients
        period = self.plan.poll_s
        if self.protocol == OURS:
            ours: Any = self.machines
            self.way = way = SimulatedWay(self.hub, ours, self.off, self.plan.seed, self.plan.hours)
            clock = lambda: self.hub.now  # noqa: E731
            self.asks = {
                ASKS: Validator(way, clock),
                PART: Validator(way.without(MACHINES[-1]), clock),
                NEVER: Validator(None, clock),
            }
            self.asking = AskingWatcher(patients[AUTO], way, CONFIRM_S, clock)
            self.scores = [Score(name, period) for name in (DEFAULT, *patients, WATCH, LEAST, *self.asks, ASKING)]
            self.hub.every(_RESTART_S, self.asking.restart, first=_RESTART_S)
            self.hub.every(period, lambda: self._look(eyes, patients), first=period)
            self.hub.every(_RESTART_S, self.watcher.restart, first=_RESTART_S)
        else:
            self.scores = [Score("its own answer (on myia-ai-01)", period), Score("its files, read by ours", period)]
            self.hub.every(period, lambda: self._look_old(eyes), first=period)

    def _look(self, eyes: Eyes, patients: dict[str, Patient]) -> None:
        now_ms = EPOCH_MS + int(self.hub.now * 1000)
        causes = self._causes()
        default, *others = self.scores[: 1 + len(patients)]
        watch, least = self.scores[1 + len(patients) :][:2]
        if not eyes.look(now_ms):
            for score in self.scores:
                score.judge(None, self.lives, self.hub.now, causes)
            self.watcher.step(None, {}, frozenset(), now_ms)
            self.asking.step(None, now_ms)
            return
        words = eyes.words(now_ms)
        self._arrivals.note(eyes.merged, now_ms)
        default.judge(words, self.lives, self.hub.now, causes, lambda name: eyes.reason(name, now_ms))
        for score in others:
            words = patients[score.reader].words(eyes.merged, now_ms)
            score.judge(words, self.lives, self.hub.now, causes)
        doubted = eyes.doubted(words, now_ms, patients[AUTO].knows())
        told = self.watcher.step(eyes.merged, words, doubted, now_ms)
        watch.judge(told, self.lives, self.hub.now, causes)
        least.judge(eyes.silent(now_ms, _TOLD_MS), self.lives, self.hub.now, causes)
        self._look_and_ask(eyes.state(now_ms), now_ms, causes)

    def _look_and_ask(self, state: SharedState | None, now_ms: int, causes: dict[str, str]) -> None:
        *asking, watch = self.scores[-len(self.asks) - 1 :]
        seen = None
        for score in reversed(asking):  # the last one asks nobody
            reader = self.asks[score.reader]
            words = None if state is None else reader.words(state, seen)
            seen = seen or reader.last
            score.judge(words, self.lives, self.hub.now, causes, reader.reason)
        watch.judge(self.asking.step(state, now_ms), self.lives, self.hub.now, causes, self.asking.reason)

    def _look_old(self, eyes: Eyes) -> None:
        now_ms = EPOCH_MS + int(self.hub.now * 1000)
        causes = self._causes()
        own, files = self.scores
        service = self.machines["myia-ai-01"]
        assert isinstance(service, OldMachine)
        own.judge(service.answer() if service.runs else None, self.lives, self.hub.now, causes)
        files.judge(eyes.words(now_ms) if eyes.look(now_ms) else None, self.lives, self.hub.now, causes)

    def _causes(self) -> dict[str, str]:
        """Tell whose fault, if anybody's, may be behind a silence that is seen now."""
        if self._is_troubled(ADMIN):
            return dict.fromkeys(MACHINES, OBSERVER)
        return {name: WRITER if self._is_troubled(name) else DELAY for name in MACHINES}

    def _is_troubled(self, name: str) -> bool:
        return any(one.end + AFTERMATH_S >= self.hub.now for one in self.past[name][-2:])

    def _outcome(self) -> Outcome:
        months = sum(life.alive_s(self.plan.hours * 3600) for life in self.lives.values()) / (30 * 86_400)
        result = Outcome(self.protocol, self.plan, self.scores, [], 0, 0, months)
        for name, machine in self.machines.items():
            if isinstance(machine, Machine):
                result.lost += [f"{name}: {loss}" for loss in machine.life.losses]
                result.beats += machine.life.beats
            else:
                result.erased += machine.rolled_back
        if self.protocol == OURS:
            result.patience_ms = self._patients[AUTO].most_ms
            asking = [score for score in self.scores if score.reader in (ASKS, ASKING)]
            result.tail = [f"{score.reader}: {self._tail(*one)}" for score in asking for one in score.late]
            result.false_flips, result.double_flips = flips(self.watcher, self.lives)
        return result

    def _tail(self, name: str, died: float, after: float) -> str:
        """Tell what lay over a death that was told late, from when its silence could be seen until it was told."""
        start, end = died + TIMEOUT_S, died + after
        shut = {f"ssh {kind}": spans for (machine, kind), spans in self.way.closed.items() if machine == name}
        for one in (name, ADMIN):
            for past in self.past[one]:
                shut.setdefault(f"{past.kind} at {one}", []).append((past.start, past.end))
        over = {what: sum(max(0.0, min(end, z) - max(start, a)) for a, z in spans) for what, spans in shut.items()}
        told = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in over.items() if seconds) or "nothing"
        return f"{name}, died at {died:.0f} s, told after {after:.0f} s; over the last {end - start:.0f}: {told}"


def flips(watcher: Watcher, lives: dict[str, Life]) -> tuple[int, int]:
    """Count flips to offline of machines that lived, and flips told twice in a row."""
    false = double = 0
    last: dict[str | None, str] = {}
    for flip in watcher.told:
        double += last.get(flip.machine_id) == flip.to and not flip.flapping and flip.was != "flapping"
        last[flip.machine_id] = flip.to
        if flip.machine_id is None or flip.to != OFFLINE:
            continue
        at = (flip.at_ms - EPOCH_MS) / 1000
        periods = lives[flip.machine_id].periods
        false += any(one.start <= at and (one.end is None or at < one.end) for one in periods)
    return false, double


def simulate(protocol: str, plan: Plan) -> Outcome:
    """Run one protocol over one plan, on a RAM disk where there is one."""
    with on_ram() as folder:
        return World(protocol, plan, folder).run()


@contextmanager
def on_ram() -> Iterator[Path]:
    """Give a folder on a RAM disk where there is one, and let what is read and written there be quick."""
    ram = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=ram if ram.is_dir() else None) as folder, _disks_at_rest(), remembered():
        yield Path(folder)


@contextmanager
def _disks_at_rest() -> Iterator[None]:
    """What fsync is for is proved by killing real processes, in tests/integration/agent."""
    nothing: Callable[[int], None] = lambda _descriptor: None  # noqa: E731
    with mock.patch.object(os, "fsync", nothing), mock.patch.object(os, "fdatasync", nothing, create=True):
        yield
