"""What `roosync-ops verify-share --json` prints, as types."""

from __future__ import annotations

from typing import Literal, NotRequired

from typing_extensions import TypedDict


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
