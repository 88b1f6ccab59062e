"""A fleet as every observer sees it, with clocks and replicas that are off by as much as is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import (
    HERE,
    AgentState,
    Matrix,
    matrix,
    merge_replicas,
    validate,
)
from roosync_ops.judge import probes as e
from roosync_ops.state.shared import SharedState
from roosync_ops.wire.merge import FILE, Evidence
from roosync_ops.wire.record import Record
from roosync_ops.wire.times import to_iso
from tests.kits.boards import measured

#: Under this name pytest takes it for no test.
Answer = e.ProbeResult


NOW = 1_770_891_330_000


HOUR = 3_600_000


NAMES = ("ai-01", "po-2023", "po-2024", "po-2025", "web1")


@dataclass
class World:
    """Five machines that all beat, each by its own clock; replicas and uploads that stand still for ten minutes."""

    offsets: dict[str, int] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    stalled: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    words: dict[str, AgentState] = field(default_factory=dict)
    here: bool = True

    def record(self, name: str, ago: int) -> Record:
        """Return the beat that was sent `ago` ms before now, stamped by its machine's clock."""
        at = NOW - ago
        stamp = at + self.offsets.get(name, 0)
        data: dict[str, Any] = {"machineId": name, "lastHeartbeat": to_iso(stamp)}
        return Record(name, stamp, sequence=1_000 - ago // 30_000, session_id="s", data=data)

    def state(self, observer: str) -> SharedState:
        found = {}
        for name in NAMES:
            old = observer != name and (observer in self.stale or name in self.stalled)
            ago = HOUR if name in self.dead else 600_000 if old else 30_000 if observer != name else 5_000
            found[name] = Evidence(self.record(name, ago), FILE, f"heartbeats/{name}.json")
        return SharedState(f"{observer}:/share", NOW, found, (), None, "absent", len(found))

    def probe(self, name: str) -> Answer:
        if name in self.dead:
            return Answer(name, AgentState(e.OFF, detail="no route"))
        alive = self.record(name, 5_000)
        word = self.words.get(name, AgentState(e.RUNNING, sequence=alive.sequence, heard_ms=alive.last_heartbeat_ms))
        return Answer(name, word, self.state(name), None, NOW, self.offsets.get(name, 0), 20)

    @property
    def own(self) -> SharedState | None:
        return self.state(HERE) if self.here else None

    def probes(self) -> dict[str, Answer]:
        return {name: self.probe(name) for name in NAMES}

    def matrix(self) -> Matrix:
        return matrix(fleet(), self.probes(), self.own, NOW)

    def validate(self) -> Any:
        told = self.probes()
        state = merge_replicas(self.own, told.values(), NOW)
        assert state is not None
        return validate(fleet(), state, NOW, known=measured(told.values()), matrix=self.matrix())


def fleet() -> Fleet:
    return Fleet(Machine.of(name, {}) for name in NAMES)


def told(found: Matrix) -> set[tuple[str, str]]:
    return {(reason.kind, reason.machine_id) for reason in found.findings}
