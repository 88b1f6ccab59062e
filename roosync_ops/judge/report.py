"""What a report is made of: a validation, what a rollout did, and what changed. Everything is frozen; times are ms."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.times import to_iso

from .history import INTERVALS, OFF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .history import Past
    from .verdict import Validation

#: A report names at most so many changes, the latest.
MAX_CHANGES: Final = 50


@dataclass(frozen=True, slots=True)
class Done:
    """What a rollout did with one machine: `steps` are (step, outcome); `checks` are the reasons of those that failed.

    `reason` and `hint` (the next command) are there where it is not `ok`.
    """

    machine_id: str
    outcome: str
    ok: bool
    steps: tuple[tuple[str, str], ...]
    reason: str | None
    hint: str | None
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout; `dry` is one that looked and changed nothing."""

    ok: bool
    dry: bool
    machines: tuple[Done, ...]


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a machine did not beat, by its own record."""

    machine_id: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed from `from_ms` to `to_ms`.

    `flips` are those a watcher told on this computer, in their JSON form, oldest first. `watched` tells whether one
    ever looked here: without it that there are none means nothing.
    """

    from_ms: int
    to_ms: int
    flips: tuple[Mapping[str, Any], ...]
    outages: tuple[Outage, ...]
    watched: bool


@dataclass(frozen=True, slots=True)
class Said:
    """A reason as an earlier command wrote it down: its kind, and its sentence in the language of then."""

    kind: str
    sentence: str


@dataclass(frozen=True)
class Report:
    """A validation (None where a rollout saw no shared state), with what a rollout did or what changed since.

    `said` are the reasons, by machineId, of a validation that was read from a document: its verdicts have none.
    """

    validation: Validation | None
    rollout: Rollout | None = None
    changes: Changes | None = None
    said: Mapping[str, Said] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def ok(self) -> bool:
        seen = self.validation is None or self.validation.ok
        return seen and (self.rollout is None or self.rollout.ok)

    @property
    def expected_online(self) -> int:
        """How many machines are to be online: the procedure's objective."""
        rows = () if self.validation is None else self.validation.verdicts
        return sum(row.expected == "online" for row in rows)


def changes(
    flips: Sequence[Mapping[str, Any]], pasts: Iterable[Past], from_ms: int, to_ms: int, *, watched: bool
) -> Changes:
    """Return what changed in the window."""
    since = to_iso(from_ms)  # as a flip's time is written
    told = [flip for flip in flips if isinstance(flip.get("at"), str) and flip["at"] >= since]
    outages = [
        Outage(past.machine_id, span.start_ms, span.end_ms)
        for past in pasts
        if past.source == INTERVALS
        for span in past.spans
        if span.kind == OFF
    ]
    outages.sort(key=lambda one: one.start_ms)
    return Changes(from_ms, to_ms, tuple(told[-MAX_CHANGES:]), tuple(outages[-MAX_CHANGES:]), watched)
