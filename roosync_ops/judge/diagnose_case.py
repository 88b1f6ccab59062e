"""One machine in its scene: what is asked of both by several checks."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from roosync_ops.wire.status import DEFAULT_THRESHOLDS, LEFT, UNKNOWN, Thresholds

from .observe import observation
from .probes import UNCLEAR, AgentState, ProbeResult
from .verdict import Observation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roosync_ops.fleet import Machine
    from roosync_ops.remote_script.facts_model import AgentStatus, Report

    from .diagnose_model import DiagnosisInput


class MachineCase:
    """`machine` is None for one that the inventory does not know; `probe` is blank where nobody looked."""

    def __init__(self, scene: DiagnosisInput, machine_id: str) -> None:
        self.scene = scene
        self.machine_id = machine_id
        self.machine: Machine | None = scene.fleet.get(machine_id)
        self.probe = scene.probes.get(machine_id) or ProbeResult(machine_id, AgentState(UNCLEAR))

    @property
    def report(self) -> Report | None:
        return self.probe.report

    @property
    def agent(self) -> AgentStatus | None:
        """What the agent says of itself, where that can be used."""
        found = self.probe.status
        return found if found is not None and found.success else None

    @property
    def is_windows(self) -> bool:
        return self.machine is not None and self.machine.system == "windows"

    @property
    def timeout_ms(self) -> int:
        """After what silence its agent takes it for offline, else the inventory."""
        config = None if self.agent is None else self.agent.config
        told = None if config is None else config.offline_timeout
        return told if told is not None and told > 0 else self.thresholds.timeout_ms

    @property
    def thresholds(self) -> Thresholds:
        return DEFAULT_THRESHOLDS if self.machine is None else self.machine.thresholds

    @cached_property
    def row(self) -> Observation:
        """What all replicas together show of it: its own only where nobody else shows anything."""
        found = self.scene.merged
        if found is None:
            return Observation(self.machine_id, UNKNOWN, None, None, None)
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
        piece = None if self.scene.merged is None else self.scene.merged.machines.get(self.machine_id)
        record, said = None if piece is None else piece.record, self._said
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

    @property
    def is_expected(self) -> bool:
        return self.machine is not None and self.machine.expected == "online"
