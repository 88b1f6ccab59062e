"""The admin's second way to each machine: open unless it is off, cut for hours, hung, or lets nobody in."""

from __future__ import annotations

import random
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from roosync_ops.gather.second import Second, Ssh
from roosync_ops.gather.validation import judged
from roosync_ops.judge import AgentState, Knowledge, ProbeResult, probes, second
from roosync_ops.judge.flip import Remembered, rows_of
from roosync_ops.judge.flips import Flips
from roosync_ops.judge.probes import SELF_REPORTED
from roosync_ops.wire.status import DEFAULT_TIMEOUT_MS
from roosync_ops.wire.times import from_iso

from .readers import FLEET, Eyes
from .schedule import MACHINES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from roosync_ops.fleet import Machine as FleetMachine
    from roosync_ops.judge import Validation
    from roosync_ops.judge.flip import Flip
    from roosync_ops.state.shared import SharedState

    from .hub import Hub
    from .machine import Machine
    from .readers import Patient, Words

CUT, HUNG = "cut", "hung"
_DIRECTLY: Final[Mapping[str, FleetMachine]] = MappingProxyType({})
#: From one to the next at one machine, on average, and how long it lasts, in s.
_EPISODES: Final = {CUT: (24 * 3600.0, (3600.0, 6 * 3600.0)), HUNG: (48 * 3600.0, (600.0, 3600.0))}


class SimulatedWay(Ssh):
    """`forbidden` are machines that let nobody in; `off` those without power."""

    def __init__(self, hub: Hub, machines: dict[str, Machine], off: set[str], seed: int, hours: float) -> None:
        self._hub = hub
        self._machines = machines
        self._off = off
        self.forbidden: frozenset[str] = frozenset()
        self.asked = 0
        self._eyes: dict[str, Eyes] = {}
        draw = random.Random(f"way {seed}")  # noqa: S311 - replayable, no secret
        self.closed = {
            (name, kind): list(_spans(draw, hours * 3600, *how)) for name in MACHINES for kind, how in _EPISODES.items()
        }

    def without(self, *names: str) -> SimulatedWay:
        """Return the same way, on which some machines let nobody in."""
        other = object.__new__(SimulatedWay)
        other.__dict__.update(self.__dict__)
        other.forbidden = frozenset(names)
        return other

    def is_closed(self, name: str, kind: str) -> bool:
        return any(start <= self._hub.now < end for start, end in self.closed[name, kind])

    def ask(
        self,
        machines: Sequence[FleetMachine],
        *,
        with_state: bool,
        through: Mapping[str, FleetMachine] = _DIRECTLY,
    ) -> dict[str, ProbeResult]:
        self.asked += len(machines)
        found = {one.machine_id: self._one(one.machine_id, is_cut=one.machine_id not in through) for one in machines}
        return {name: self._with_state(one) if with_state and one.is_reached else one for name, one in found.items()}

    def _with_state(self, one: ProbeResult) -> ProbeResult:
        """Return an answer with what the machine's own replica shows, where that can be read."""
        machine = self._machines[one.machine_id]
        now_ms = machine.life.epoch_ms + int(self._hub.now * 1000)
        eyes = self._eyes.setdefault(one.machine_id, Eyes(machine.replica, machine.link))
        state = eyes.state(now_ms) if one.agent.kind in SELF_REPORTED and eyes.look(now_ms) else None
        return replace(one, state=state, read_ms=now_ms)

    def knock(self, witnesses: Sequence[FleetMachine], targets: Sequence[FleetMachine]) -> dict[str, frozenset[str]]:
        on = frozenset(one.machine_id for one in targets if one.machine_id not in self._off)
        up = (one.machine_id for one in witnesses)
        return {name: on for name in up if self._failure(name) is None}

    def _failure(self, name: str, *, is_cut: bool = True) -> AgentState | None:
        """Return why a machine gives no answer; who is cut off from here (`is_cut`) is reached through another."""
        if name in self._off or (is_cut and self.is_closed(name, CUT)):
            return AgentState(probes.OFF, detail="timed out")
        if name in self.forbidden:
            return AgentState(probes.REFUSED, detail="permission denied")
        return AgentState(probes.UNCLEAR, detail="no greeting") if self.is_closed(name, HUNG) else None

    def _one(self, name: str, *, is_cut: bool) -> ProbeResult:
        machine, failure = self._machines[name], self._failure(name, is_cut=is_cut)
        if failure is not None:
            return ProbeResult(name, failure)
        ahead = machine.clock.ahead_ms
        return ProbeResult(name, _word(machine, ahead), offset_ms=ahead, error_ms=50)


def _word(machine: Machine, ahead_ms: int) -> AgentState:
    """What its agent's `status` says, as gather.probe takes it."""
    last = machine.life.periods[-1] if machine.life.periods else None
    if machine._loop is None:
        if last is not None and last.planned and last.end is not None:
            left = machine.life.epoch_ms + int(last.end * 1000)
            return AgentState(probes.LEFT, sequence=machine.life.sequence, left_ms=left)
        heard = machine.life.beat_ms[-1] if machine.life.beat_ms else None
        return AgentState(
            probes.NOT_RUNNING, None if heard is None else heard - ahead_ms, sequence=machine.life.sequence
        )
    notes = machine._loop.publisher.notes
    beat = notes["lastBeat"] or {}
    heard = from_iso(beat["lastHeartbeat"]) if beat.get("lastHeartbeat") else None
    since = None if heard is None else heard - ahead_ms
    kind = probes.RUNNING
    if notes["share"]["state"] != "ok":
        kind = probes.SHARE_BLOCKED
    elif heard is not None and machine.clock.wall_ms() - heard > DEFAULT_TIMEOUT_MS:
        kind = probes.SILENT
    return AgentState(kind, since, sequence=beat.get("sequence"), heard_ms=heard)


def _spans(draw: random.Random, until: float, gap_s: float, lasts_s: tuple[float, float]) -> list[tuple[float, float]]:
    found, at = [], draw.expovariate(1 / gap_s)
    while at < until:
        end = at + draw.uniform(*lasts_s)
        found.append((at, end))
        at = end + draw.expovariate(1 / gap_s)
    return found


class OneShot:
    """A reader with one look and no memory of its own: what the share noted of its delays is all it knows."""

    patience_ms: int | None = None

    def learn(self, state: SharedState) -> Knowledge:
        return second.noted(state, state.read_at_ms)


class Validator:
    """The shipped `validate`, anew at each look; `way` None is --probe never."""

    def __init__(self, way: SimulatedWay | None, clock: Callable[[], float]) -> None:
        self._way = way
        self._clock = clock
        self.last: Validation | None = None

    def words(self, state: SharedState, seen: Validation | None = None) -> Words:
        """`seen` is what the folder alone shows, where that is known: with nobody in doubt it is the answer."""
        asks = None if self._way is None else Second(FLEET, self._way, clock=self._clock)
        if seen is not None and not second.in_doubt(seen, FLEET):
            self.last = seen
        else:
            self.last = judged(state, FLEET, None, OneShot(), asks)  # type: ignore[arg-type]  # learn() is all of it
        return {row.machine_id: row.observed for row in self.last.verdicts}

    def reason(self, name: str) -> str | None:
        rows = () if self.last is None else self.last.verdicts
        return next((row.reason.kind for row in rows if row.machine_id == name and row.reason), None)


class AskingWatcher:
    """The shipped flips over the shipped second opinion; its words are what was last told of each machine."""

    def __init__(self, patient: Patient, way: SimulatedWay, confirm_s: float, clock: Callable[[], float]) -> None:
        self._patient = patient
        self._second = Second(FLEET, way, confirm_s=confirm_s, clock=clock)
        self._flips = Flips()
        self.told: list[Flip] = []
        self._last: Words = {}
        self._why: dict[str, str] = {}

    def learn(self, _state: SharedState) -> Knowledge:
        return self._patient.knows()

    def reason(self, name: str) -> str | None:
        """Why a machine was last told to be what it is; None where it never flipped."""
        return self._why.get(name)

    def step(self, state: SharedState | None, now_ms: int) -> Words:
        rows = None
        if state is not None:
            found = judged(state, FLEET, None, self, self._second)  # type: ignore[arg-type]  # learn() is all of it
            rows = list(rows_of(found, state, FLEET))
            for row in rows:
                self._last.setdefault(row.machine_id, row.status)
        for flip in self._flips.step(rows, now_ms, None if rows is not None else "cannot be read"):
            self.told.append(flip)
            if flip.machine_id is not None:
                self._last[flip.machine_id], self._why[flip.machine_id] = flip.to, flip.reason
        return dict(self._last)

    def restart(self) -> None:
        """The watcher itself is restarted with what it kept."""
        self._flips = Flips(None, Remembered.from_dict(self._flips.kept.as_dict()))
