"""What a diagnosis is made from and made of. Durations in ms; times ms since the epoch, by the clock named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.state import SharedState
from roosync_ops.wire import status
from roosync_ops.wire.status import DEFAULT_THRESHOLDS, LEFT
from roosync_ops.wire.times import to_iso

from .diagnose_causes import CAUSES, GRAVE, MILD, NONE
from .matrix import Matrix, matrix
from .observe import observation
from .probes import HERE, NOTHING_ELSE, UNCLEAR, AgentState, Knowledge, ProbeResult, merge_replicas
from .verdict import Observation

if TYPE_CHECKING:
    from roosync_ops.remote_script.facts_model import AgentStatus

OK: Final = "ok"
NOT_OK: Final = "not ok"
#: Not reached: something before it is in the way, or nothing tells.
UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class DiagnosisInput:
    """All a diagnosis is judged by: what each machine answered, and what the operator's `own` replica shows.

    `here` is (reason, hint) where the own replica was named and could not be read. `orphans` are temporary files of
    ours that are no longer written, as the own replica shows them; None where it was not looked.
    """

    fleet: Fleet
    now_ms: int
    probes: Mapping[str, ProbeResult] = field(default_factory=dict)
    own: SharedState | None = None
    here: tuple[str, str] | None = None
    orphans: tuple[str, ...] | None = None

    @cached_property
    def views(self) -> dict[str, SharedState]:
        """What each replica shows, by whose it is; HERE is the operator's own."""
        found = {name: one.state for name, one in self.probes.items() if one.state is not None}
        return found if self.own is None else {**found, HERE: self.own}

    @cached_property
    def matrix(self) -> Matrix:
        return matrix(self.fleet, self.probes, self.own, self.now_ms)

    @cached_property
    def merged(self) -> SharedState | None:
        return merge_replicas(self.own, self.probes.values(), self.now_ms)

    @cached_property
    def known(self) -> Knowledge:
        """The clocks that were measured, and what this computer's own replica shows."""
        return NOTHING_ELSE if self.merged is None else NOTHING_ELSE.asked(self.own, self.probes.values())


class MachineCase:
    """One machine in its scene. `machine` is None where the inventory has none; `probe` is blank without a look."""

    def __init__(self, scene: DiagnosisInput, machine_id: str) -> None:
        self.scene = scene
        self.machine_id = machine_id
        self.machine: Machine | None = scene.fleet.get(machine_id)
        self.is_windows = self.machine is not None and self.machine.system == "windows"
        self.is_expected = self.machine is not None and self.machine.expected == "online"
        self.thresholds = DEFAULT_THRESHOLDS if self.machine is None else self.machine.thresholds
        self.probe = scene.probes.get(machine_id) or ProbeResult(machine_id, AgentState(UNCLEAR))
        found = self.probe.status
        #: What the agent says of itself, where that can be used.
        self.agent: AgentStatus | None = found if found is not None and found.success else None

    @property
    def timeout_ms(self) -> int:
        """After what silence its agent takes it for offline, else the inventory."""
        config = None if self.agent is None else self.agent.config
        told = None if config is None else config.offline_timeout
        return told if told is not None and told > 0 else self.thresholds.timeout_ms

    @cached_property
    def row(self) -> Observation:
        """What all replicas together show of it: its own only where no other shows anything."""
        found = self.scene.merged
        if found is None:
            return Observation(self.machine_id, status.UNKNOWN)
        return observation(self.machine_id, found, self.scene.now_ms, self.thresholds, self.scene.known)

    @property
    def observed(self) -> str:
        """The status that the fleet sees it in."""
        return LEFT if self.left else self.row.observed

    @property
    def left(self) -> bool:
        """Return True if it was stopped on purpose, by its own word or by its newest record in any replica."""
        return self.left_at_ms is not None

    @cached_property
    def left_at_ms(self) -> int | None:
        if self.agent is not None and self.agent.running:
            return None
        record = None if self.scene.merged is None else self.scene.merged.record_of(self.machine_id)
        said = self._said
        if said is None or said.left_ms is None:
            return record.left_at_ms if record is not None and record.has_left else None
        later = record is not None and not record.has_left and (record.sequence or 0) > (said.sequence or 0)
        return None if later else said.left_ms

    @property
    def _said(self) -> AgentState | None:
        one = self.scene.matrix.probes.get(self.machine_id)
        return None if one is None else one.agent

    @property
    def undone(self) -> Mapping[str, Any]:
        """What an older service did to its own file, as facts; none where it did nothing."""
        return {} if self._said is None else self._said.undone


@dataclass(frozen=True, slots=True)
class DiagnosisStep:
    """One step of a diagnosis: what was `seen`, and the `cause` where this is what is wrong.

    `seen` is a text with the `facts` in braces, which the room `show` fills in and translates. Whatever comes from a
    machine or the share is a fact, never part of the text.
    """

    name: str
    outcome: str
    seen: str
    cause: str | None
    facts: Mapping[str, Any]


def step(name: str, outcome: str, seen: str = "", cause: str | None = None, /, **facts: Any) -> DiagnosisStep:
    """Return a step with its facts."""
    return DiagnosisStep(name, outcome, seen, cause, facts)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is the matter with one machine, or, where `machine_id` is None, with this computer and the share."""

    machine_id: str | None
    expected: str | None
    observed: str | None
    cause: str
    command: str
    facts: Mapping[str, Any]
    checks: tuple[DiagnosisStep, ...]

    @property
    def rank(self) -> int:
        return CAUSES[self.cause].rank

    @property
    def ok(self) -> bool:
        """Return True if it is as expected: a note alone changes nothing about that."""
        return self.rank > MILD

    @property
    def grave(self) -> bool:
        return self.rank == GRAVE

    @property
    def well(self) -> bool:
        """Return True if there is nothing to say at all."""
        return self.rank == NONE

    @property
    def fix(self) -> str | None:
        """What --fix does about it; None for nothing."""
        return CAUSES[self.cause].fix


@dataclass(frozen=True)
class Diagnoses:
    """Everything that was looked at: the machines, in the inventory's order, and this computer with the share."""

    checked_at_ms: int
    here: Diagnosis
    machines: tuple[Diagnosis, ...]

    @property
    def ok(self) -> bool:
        return self.here.ok and all(row.ok for row in self.machines)

    @property
    def checked_at(self) -> str:
        return to_iso(self.checked_at_ms)
