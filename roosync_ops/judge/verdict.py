"""What a judgement is made of. Everything is frozen; times are ms since the epoch, ages and durations ms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.state.shared import Sign
from roosync_ops.wire import status
from roosync_ops.wire.findings import Finding
from roosync_ops.wire.times import to_iso

if TYPE_CHECKING:
    from .matrix import Matrix
    from .probes import ProbeResult

# Why a verdict is what it is. The facts that go with each stand beside it.
NEVER_SEEN: Final = "never-seen"  # no fact
NOT_UNDERSTOOD: Final = "file-not-understood"  # file, kind, detail
NO_VALID_HEARTBEAT: Final = "no-valid-heartbeat"  # file, kind, detail
MISSING_BEATS: Final = "missing-beats"  # age, missed
SILENT: Final = "silent"  # age, since
SELDOM: Final = "kept-by-older-service"  # age
MAY_BE_ANOTHERS: Final = "may-be-another-machines-beat"  # age, other
OLDER_SILENT: Final = "older-service-silent"  # age, since
OLDER_LEFT: Final = "older-service-left"  # since
HAS_LEFT: Final = "left"  # since; undone, undone_at, by where an older service undid that
BEATS_UNEXPECTEDLY: Final = "beats-though-expected-offline"  # observed, age, why
CLOCK_SUSPECTED: Final = "clock-suspected"  # no fact of its own
OBSERVER_SUSPECTED: Final = "observer-suspected"  # gone (or late), of, age (None: never seen here)
FILE_BEHIND: Final = "replica-behind-the-view"  # age, newer
VIEW_BEHIND: Final = "replica-behind"  # age, lag, keeper
SILENCED: Final = "silenced"  # until, why, observed
# What a probe tells: a machine's own word, and what replicas show. `since` is on the reader's clock, None: not known.
MACHINE_OFF: Final = "machine-off"  # detail
NOT_LET_IN: Final = "not-let-in"  # detail, hint
NO_WORD: Final = "no-usable-answer"  # detail, hint
NO_AGENT: Final = "no-agent"  # no fact
AGENT_GONE: Final = "agent-gone"  # since
AGENT_SILENT: Final = "agent-silent"  # since
SHARE_STUCK: Final = "share-stuck"  # since, state, detail
UPLOAD_STALLED: Final = "upload-stalled"  # since, behind, of
OBSERVER_STALE: Final = "observer-stale"  # since, behind, of
LINK_STALLED: Final = "not-arriving"  # since, observer
SHARE_STALLED: Final = "share-stalled"  # since, behind, of
REPLICA_UNREADABLE: Final = "replica-unreadable"  # detail
TWINS: Final = "twin-identity"  # detail
CLOCK_WRONG: Final = "clock-wrong"  # off, error
READER_CLOCK_WRONG: Final = "reader-clock-wrong"  # off, count
CLOCK_STEPPED: Final = "clock-stepped"  # back
CLOCK_CONTRADICTED: Final = "clock-contradicted"  # age, back
CLOCK_DISAGREES: Final = "clock-disagrees"  # no fact
CLOCK_BEHIND: Final = "clock-seems-behind"  # age, unheard
CLOCK_HIDES: Final = "clock-hides-silence"  # age
# What the second opinion tells; of the last three the machine's agent says nothing.
LATE_HERE: Final = "late-here"  # age
LATE_SHARE: Final = "late-as-this-share-is"  # age, most
CUT_OFF: Final = "cut-off-from-here"  # age, detail
NOT_ASKED_HERE: Final = "no-way-to-ask"  # age, detail, hint


class Basis(StrEnum):
    """What a verdict rests on."""

    HEARD = "heard-here"
    ELSEWHERE = "heard-elsewhere"
    ASKED = "asked"
    UNREACHABLE = "silent-and-unreachable"
    COULD_NOT_ASK = "silent-could-not-be-asked"
    NO_AGENT = "silent-no-agent-to-ask"
    NOT_ASKED = "silent-not-asked"


class Doubt(StrEnum):
    """What a reason puts in doubt: all that this observer shows, or what it shows of one machine.

    Silence is no death then, neither in the table nor in the flips nor in the history.
    """

    OBSERVER = "observer"
    SIGHT = "sight"


#: A machine seen by a clock that cannot be right.
CLOCKS: Final = frozenset([CLOCK_SUSPECTED, READER_CLOCK_WRONG, CLOCK_DISAGREES, CLOCK_HIDES])
_DOUBTS: Final = {
    **dict.fromkeys([OBSERVER_SUSPECTED, OBSERVER_STALE, SHARE_STALLED], Doubt.OBSERVER),
    **dict.fromkeys([NOT_UNDERSTOOD, NO_VALID_HEARTBEAT, MAY_BE_ANOTHERS, SILENCED], Doubt.SIGHT),
    **dict.fromkeys([FILE_BEHIND, VIEW_BEHIND, UPLOAD_STALLED, LINK_STALLED], Doubt.SIGHT),
    **dict.fromkeys(CLOCKS | {CLOCK_WRONG, CLOCK_STEPPED, CLOCK_CONTRADICTED, CLOCK_BEHIND}, Doubt.SIGHT),
}

# Why a check of an enrolment failed.
NO_VIEW: Final = "no-view"
NOT_IN_HEARTBEATS: Final = "not-in-heartbeats"
STORED_STATUS: Final = "stored-status"  # status
NOT_IN_LIST: Final = "not-in-online-machines"
COUNT_NOT_UP: Final = "online-count-not-up"  # before, after, wanted


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a kind and its facts. `ahead_ms` is how far in the future the heartbeat lies where a clock is suspect."""

    kind: str
    machine_id: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    ahead_ms: int | None = None

    @property
    def doubt(self) -> Doubt | None:
        """What it puts in doubt, None for nothing."""
        return _DOUBTS.get(self.kind)


@dataclass(frozen=True, slots=True)
class Observation:
    """What the shared state shows of one machine. `age_ms` is negative for a heartbeat from the future.

    `basis` is what the age rests on (see patience); `older` whether not our agent, but an older service beats for it.
    """

    machine_id: str
    observed: str
    last_heartbeat_ms: int | None = None
    age_ms: int | None = None
    missed: int | None = None
    version: str | None = None
    file: str | None = None
    basis: str | None = None
    older: bool = False

    @property
    def last_heartbeat(self) -> str | None:
        """The last heartbeat as the wire writes it."""
        return None if self.last_heartbeat_ms is None else to_iso(self.last_heartbeat_ms)

    @property
    def heartbeat_active(self) -> bool:
        return self.observed in (status.ONLINE, status.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Observation):
    """One row of the validation table. `why` is the inventory's word on what is expected, `reason` the judge's.

    `probe` is the machine's own, where it was asked. `sign` is (when, source) of a later sign of life of a machine that
    is not heard: no heartbeat, and never counted as one. `rests_on` is what the verdict does.
    """

    expected: str
    ok: bool
    reason: Reason | None = None
    why: str | None = None
    probe: ProbeResult | None = None
    sign: Sign | None = None
    rests_on: Basis = Basis.HEARD


class _Counted:
    """What a look at `machines` comes to."""

    checked_at_ms: int
    machines: Sequence[Observation]

    @property
    def checked_at(self) -> str:
        return to_iso(self.checked_at_ms)

    @property
    def total(self) -> int:
        return len(self.machines)

    @property
    def online(self) -> int:
        return sum(row.observed == "online" for row in self.machines)

    @property
    def percent(self) -> int:
        """Rounded down, as the procedure does: 4 of 6 is 66."""
        return self.online * 100 // self.total if self.machines else 0


@dataclass(frozen=True)
class Survey(_Counted):
    """What the shared state shows, judged against nothing."""

    checked_at_ms: int
    shared: str
    machines: tuple[Observation, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Validation(_Counted):
    """The validation table. `unexpected` are the machines seen that the inventory does not know: never counted.

    `evidence` is what each replica shows, where machines were asked; `patience_ms` None is the protocol's own status.
    """

    checked_at_ms: int
    shared: str
    verdicts: tuple[Verdict, ...]
    unexpected: tuple[Observation, ...]
    findings: tuple[Finding, ...]
    evidence: Matrix | None = None
    patience_ms: int | None = None

    @property
    def machines(self) -> tuple[Verdict, ...]:  # type: ignore[override]  # here they are the verdicts
        return self.verdicts

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.verdicts)

    @property
    def as_expected(self) -> int:
        return sum(row.ok for row in self.verdicts)


@dataclass(frozen=True, slots=True)
class Check:
    """One of the procedure's four checks after an enrolment. `name` says what was looked at, as in the view."""

    name: str
    ok: bool
    reason: Reason | None = None
