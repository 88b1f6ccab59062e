"""What a diagnosis is made from and made of. Frozen; durations in ms; times ms since the epoch, by the clock named."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS
from roosync_ops.wire.times import to_iso

from .diagnose_causes import CAUSES, GRAVE, MILD, NONE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roosync_ops.fleet import Fleet
    from roosync_ops.state import SharedState

OK: Final = "ok"
NOT_OK: Final = "not ok"
#: Not reached: something before it is in the way, or nothing tells.
UNKNOWN: Final = "unknown"

# What a connection to the machine's port met.
OPEN: Final = "open"
REFUSED: Final = "refused"
SILENT: Final = "silent"
NO_ROUTE: Final = "no-route"

#: The operator's own replica among the views.
HERE: Final = "here"
_NO_FACTS: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent's own `status`: the machine's local truth. Times are by the machine's clock."""

    success: bool = True
    code: str | None = None
    message: str | None = None
    machine_id: str | None = None
    version: str | None = None
    running: bool = False
    loop_is_current: bool | None = None
    started_ms: int | None = None
    permanence: str = "none"
    installed: bool = False
    enabled: bool = False
    interval_ms: int = DEFAULT_INTERVAL_MS
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    sequence: int | None = None
    beat_ms: int | None = None
    left_ms: int | None = None
    read_back: bool = True
    share_state: str = "ok"
    share_since: str | None = None
    share_detail: str | None = None
    erasures: int = 0
    erased_by: str | None = None
    erased_ms: int | None = None
    rewrites: int = 0
    rewrite: str | None = None
    rewrite_kind: str | None = None
    rewritten_ms: int | None = None
    now_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """All that one look gave of one machine; None is: nothing tells.

    `trouble` is (step, code, reason, hint) where the look did not end well. `share` is (code, reason, hint) of what
    keeps an agent there from using it. `system`, `host`, `port` and the like are the inventory's;
    `login` are the words that log in.
    """

    machine_id: str
    system: str = "posix"
    host: str = ""
    port: int = 22
    user: str | None = None
    login: tuple[str, ...] = ()
    known_hosts: str | None = None
    addresses: tuple[str, ...] | None = None
    resolving: str | None = None
    answers: str | None = None
    trouble: tuple[str, str, str, str] | None = None
    hostname: str | None = None
    python: str | None = None
    has_agent: bool | None = None
    agent_is_current: bool | None = None
    config_is_current: bool | None = None
    agent: Agent | None = None
    share_path: str | None = None
    share_session: str | None = None
    share: tuple[str, str, str] | None = None
    drive_watchdog: str | None = None
    drive_launcher: str | None = None
    clock: str | None = None
    offset_ms: int = 0

    @property
    def reported(self) -> bool:
        """Return True if the machine said what there is to say about it."""
        return self.hostname is not None


@dataclass(frozen=True)
class DiagnosisInput:
    """All a diagnosis is judged by. `views` is what each replica shows, by whose it is; HERE is the operator's own.

    `here` is (reason, hint) where the operator's own replica was named and could not be read. `orphans` are temporary
    files of ours that nobody writes any more, as the operator's replica shows them; None where it was not looked.
    """

    fleet: Fleet
    now_ms: int
    sights: Mapping[str, Sight] = field(default_factory=dict)
    views: Mapping[str, SharedState] = field(default_factory=dict)
    here: tuple[str, str] | None = None
    orphans: tuple[str, ...] | None = None


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
