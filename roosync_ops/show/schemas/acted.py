"""What rollout, restart, stop, uninstall, report and verify-share print with --json, as types."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from .fleet import Failure, Observed, ValidationDocument

Outcome = Literal["changed", "unchanged", "planned", "failed", "rolled-back", "unreachable", "skipped"]


class Step(TypedDict):
    """One step, in the order they came up; `planned` is what a dry run would have changed."""

    step: str
    outcome: Literal["changed", "unchanged", "planned", "failed"]


#: What a rollout changes, or would: the build, a key of the configuration, what keeps the loop alive. Values that the
#: operator put into the metadata are left out.
Difference = TypedDict("Difference", {"what": str, "from": str | None, "to": str | None})


class _Told(TypedDict):
    machineId: str
    outcome: Outcome
    ok: bool
    steps: list[Step]
    reason: str | None
    hint: str | None


class Acted(_Told):
    """What became of one machine. `code`, `reason` and `hint` (the next command to type) where it is not `ok`."""

    changes: NotRequired[list[Difference]]
    code: str | None


class Check(TypedDict):
    """One of the procedure's four checks of the view."""

    check: Literal["heartbeats", "status", "onlineMachines", "statistics.onlineCount"]
    ok: bool
    reason: str | None


class Enrolled(Acted):
    """A machine of a rollout; `checks` is null where it was not rolled out or no shared state was named."""

    checks: list[Check] | None


class Seen(Acted):
    """A machine that was acted on; `observed` is null where no shared state was named."""

    observed: Observed | None


class RolloutDocument(TypedDict):
    """`roosync-ops rollout --json`; exit code 0 where `ok`, else 1. `error`: why the check after it failed."""

    ok: bool
    dry: bool
    machines: list[Enrolled]
    validation: ValidationDocument | None
    error: NotRequired[Failure]


class ActionDocument(TypedDict):
    """`roosync-ops restart|rollback|stop|uninstall --json`; exit code 0 where `ok`, else 1. `error` as above."""

    ok: bool
    dry: bool
    machines: list[Seen]
    error: NotRequired[Failure]


class Reported(_Told):
    """A machine of a rollout, as a report tells it; `failedChecks` are the reasons of the checks that failed."""

    failedChecks: list[str]


class ReportedRollout(TypedDict):
    """What a rollout did; `dry` is one that changed nothing."""

    ok: bool
    dry: bool
    machines: list[Reported]


class Outage(TypedDict):
    """A time in which a machine did not beat, by its own record."""

    machineId: str
    since: str
    until: str


class Changes(TypedDict):
    """What changed; flips as `roosync-ops history` has them. `watched`: whether a watcher ever looked here."""

    since: str
    until: str
    watched: bool
    flips: list[dict[str, Any]]
    outages: list[Outage]


class Posted(TypedDict):
    """Where the report was sent to."""

    url: str
    action: Literal["added", "edited"]


class ReportDocument(TypedDict):
    """`roosync-ops report --json`; exit code 0 where `ok`, else 1. `next` are commands to type."""

    ok: bool
    validation: ValidationDocument | None
    rollout: ReportedRollout | None
    changes: Changes | None
    next: list[str]
    posted: Posted | None


class TraitRow(TypedDict):
    """One thing measured. What figures there are depends on it; the end of each name is the unit (Ms, S)."""

    name: Literal["replace", "names", "locks", "flush", "propagation"]
    verdict: Literal["good", "bad", "unknown"]
    detail: str
    readings: NotRequired[float]
    wrong: NotRequired[float]
    refused: NotRequired[float]
    caseInsensitive: NotRequired[float]
    beats: NotRequired[float]
    p50Ms: NotRequired[float]
    p99Ms: NotRequired[float]
    p50S: NotRequired[float]
    p99S: NotRequired[float]
    spreadS: NotRequired[float]
    errorS: NotRequired[float]


class MachineRow(TypedDict):
    """A machine's share, measured there. `code`, `reason` and `hint` where not all of it could be."""

    machineId: str
    shared: str | None
    ok: bool
    traits: list[TraitRow]
    code: str | None
    reason: str | None
    hint: str | None


class WayRow(TypedDict):
    """How long the beats of `source` took to the replica of `observer` (null: this computer's), each ± errorS."""

    source: str
    observer: str | None
    beats: int
    p50S: float
    p99S: float
    errorS: float


class SharesDocument(TypedDict):
    """`roosync-ops verify-share --json`; exit code 0 where `ok`, else 1.

    `shared` and `traits` are this computer's own, null and empty where no PATH was given. `propagation`: how long beats
    took from one machine's replica to another's clocks taken out, in s.
    """

    ok: bool
    shared: str | None
    traits: list[TraitRow]
    machines: list[MachineRow]
    propagation: list[WayRow]
