"""What a diagnosis is made from and made of. Frozen; durations in ms; times ms since the epoch, by the clock named."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.times import to_iso

from .diagnose_causes import CAUSES, GRAVE, MILD, NONE
from .matrix import Matrix, matrix
from .probes import HERE, Knowledge, knowledge, looked_at, merge_replicas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roosync_ops.fleet import Fleet
    from roosync_ops.state import SharedState

    from .probes import ProbeResult

OK: Final = "ok"
NOT_OK: Final = "not ok"
#: Not reached: something before it is in the way, or nothing tells.
UNKNOWN: Final = "unknown"

_NO_FACTS: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class DiagnosisInput:
    """All a diagnosis is judged by: what each machine answered, and what the operator's `own` replica shows.

    `here` is (reason, hint) where the own replica was named and could not be read. `orphans` are temporary files of
    ours that nobody writes any more, as the own replica shows them; None where it was not looked.
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
        """The clocks that were measured, and when each record was last looked at."""
        looked = {} if self.merged is None else looked_at(self.merged, self.own, self.probes.values())
        return replace(knowledge(self.probes.values()), looked=looked)


@dataclass(frozen=True, slots=True)
class Check:
    """One step of a diagnosis: what was `seen`, and the `cause` where this is what is wrong.

    `seen` is a text with the `facts` in braces, which the room `show` fills in and translates. Whatever comes from a
    machine or the share is a fact, never part of the text.
    """

    name: str
    outcome: str
    seen: str = ""
    cause: str | None = None
    facts: Mapping[str, Any] = field(default_factory=lambda: _NO_FACTS)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is the matter with one machine, or, where `machine_id` is None, with this computer and the share."""

    machine_id: str | None
    expected: str | None
    observed: str | None
    cause: str
    command: str
    facts: Mapping[str, Any]
    checks: tuple[Check, ...]

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
