"""One machine in its scene: what is asked of both by several checks."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from roosync_ops.wire.merge import merge
from roosync_ops.wire.status import DEFAULT_THRESHOLDS, LEFT, UNKNOWN, status

from . import older
from .diagnose_model import Agent, Sight
from .diagnose_replicas import others

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roosync_ops.fleet import Machine
    from roosync_ops.state import SharedState
    from roosync_ops.wire.merge import Evidence
    from roosync_ops.wire.record import Record

    from .diagnose_model import DiagnosisInput


class MachineCase:
    """`machine` is None for one that the inventory does not know; `sight` is blank where nobody looked."""

    def __init__(self, scene: DiagnosisInput, machine_id: str) -> None:
        self.scene = scene
        self.machine_id = machine_id
        self.machine: Machine | None = scene.fleet.get(machine_id)
        self.sight = scene.sights.get(machine_id) or Sight(machine_id)

    @property
    def agent(self) -> Agent | None:
        """The agent's word, where it gave one that can be used."""
        found = self.sight.agent
        return found if found is not None and found.success else None

    @cached_property
    def best(self) -> Record | None:
        """The best record of this machine that others hold; its own replica's where nobody else looks."""
        piece = self.piece
        return None if piece is None else piece.record

    @cached_property
    def piece(self) -> Evidence | None:
        """The best record, and where it is from."""
        return self._best_of(others(self.scene, self.machine_id).values())

    def _best_of(self, views: Iterable[SharedState]) -> Evidence | None:
        pieces = [view.machines[self.machine_id] for view in views if self.machine_id in view.machines]
        return merge(pieces, self.scene.now_ms).get(self.machine_id)

    @cached_property
    def is_kept_by_older(self) -> bool:
        """Return True if an older service beats for it, and no agent of ours."""
        return self.piece is not None and older.is_kept_by_older(self.piece)

    @property
    def undone(self) -> dict[str, Any]:
        """What an older service did to its own file, as facts; none where it did nothing."""
        views = self.scene.views.values()
        piece = self._best_of(views)
        state = next((view for view in views if view.machines.get(self.machine_id) is piece), None)
        return {} if state is None else older.undone(piece, state)

    @property
    def age_ms(self) -> int | None:
        """How old the best record is, corrected by how far the machine's clock is known to be off."""
        heard = None if self.best is None else self.best.last_heartbeat_ms
        return None if heard is None else self._now_there - heard

    @property
    def _now_there(self) -> int:
        return self.scene.now_ms + (self.sight.offset_ms if self.sight.reported else 0)

    @cached_property
    def observed(self) -> str:
        """The status that the fleet sees it in."""
        if self.left:
            return LEFT
        if self.piece is None:
            return UNKNOWN
        thresholds = DEFAULT_THRESHOLDS if self.machine is None else self.machine.thresholds
        return status(self.best, self._now_there, older.limits(self.piece, thresholds))

    @property
    def left(self) -> bool:
        """Return True if it was stopped on purpose, by its own word or by its newest record in any replica."""
        return self.left_at_ms is not None

    @cached_property
    def left_at_ms(self) -> int | None:
        found, piece = self.agent, self._best_of(self.scene.views.values())
        record = None if piece is None else piece.record
        if found is not None and (found.running or found.left_ms is not None):
            later = record is not None and (record.sequence or 0) > (found.sequence or 0)
            return None if found.running or later else found.left_ms
        return record.left_at_ms if record is not None and record.has_left else None

    @property
    def is_expected(self) -> bool:
        return self.machine is not None and self.machine.expected == "online"
