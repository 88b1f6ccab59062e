"""What validate, status, matrix, history and diagnose print with --json, as types."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from roosync_ops.judge.verdict import Basis

Observed = Literal["online", "warning", "offline", "left", "unknown"]


class Sign(TypedDict):
    """What a newer service left of a machine; `source` is listener, worker, presence or dashboard."""

    at: str
    source: str


class Row(TypedDict):
    """One machine of the inventory. `ageMs` is negative for a heartbeat from the future."""

    machineId: str
    expected: Literal["online", "offline"]
    observed: Observed
    ok: bool
    heartbeatActive: bool
    lastHeartbeat: str | None
    ageMs: int | None
    missedHeartbeats: int | None
    reason: str | None
    reasonKind: str | None
    why: str | None
    basis: Annotated[Basis, Field(strict=False)]
    #: Where it was asked, or with --patience: what the age rests on; where it was asked: what the machine reports.
    ageBasis: NotRequired[str | None]
    own: NotRequired[Testimony | None]
    #: Where a machine that is not heard left another sign of life since: it was never counted as a heartbeat.
    lastSign: NotRequired[Sign]


class Unexpected(TypedDict):
    """A machine seen in the shared state that the inventory does not know; never counted."""

    machineId: str
    observed: Observed
    lastHeartbeat: str | None


class FindingRow(TypedDict):
    """Something in the shared state that was not understood; `file` is relative to it."""

    file: str
    kind: str
    detail: str


class Summary(TypedDict):
    """Counts over the inventory; `percent` is rounded down."""

    total: int
    online: int
    percent: int


class _Looked(TypedDict):
    checkedAt: str
    shared: str
    findings: list[FindingRow]
    summary: Summary


class ValidationDocument(_Looked):
    """`roosync-ops validate --json`; exit code 0 where `ok`, else 1."""

    ok: bool
    machines: list[Row]
    unexpected: list[Unexpected]
    evidence: NotRequired[Evidence]
    patienceMs: NotRequired[int]


class SurveyRow(TypedDict):
    """One machine as the shared state shows it."""

    machineId: str
    status: Observed
    lastHeartbeat: str | None
    ageMs: int | None
    missedHeartbeats: int | None
    version: str | None
    file: str | None


class SurveyDocument(_Looked):
    """`roosync-ops status --json`."""

    ok: Literal[True]
    machines: list[SurveyRow]


OwnWord = Literal["alive", "stuck", "silent", "gone", "left", "no-agent", "unclear", "refused", "off", "cut", "unasked"]


class Testimony(TypedDict):
    """What a machine reports of its agent; `off`, `refused`, `cut` and `unasked` stand for one that could not be asked.

    `since` is when what is told began, on this computer's clock. `clockOffsetMs` is the machine's clock minus ours.
    """

    word: OwnWord
    since: str | None
    detail: str | None
    clockOffsetMs: int | None
    clockErrorMs: int | None
    #: The machine it was asked through, where this computer does not reach it.
    through: NotRequired[str]


class MachineTestimony(Testimony):
    """One machine that was asked."""

    machineId: str


class MatrixCell(TypedDict):
    """What one replica shows of one machine. `behindMs`: how much newer the newest known beat is."""

    machineId: str
    status: Observed
    ageMs: int | None
    sequence: int | None
    behindMs: int | None
    clockMeasured: bool


class MatrixRow(TypedDict):
    """One replica; `observer` is null for this computer's own."""

    observer: str | None
    cells: list[MatrixCell]


class EvidenceFinding(TypedDict):
    """What follows from the evidence; `machineId` is null where it is about this computer."""

    kind: str
    machineId: str | None
    since: str | None
    sentence: str


class Evidence(TypedDict):
    """What the machines report, and the findings."""

    machines: list[MachineTestimony]
    observers: list[MatrixRow]
    findings: list[EvidenceFinding]


class MatrixDocument(Evidence):
    """`roosync-ops matrix --json`; exit code 0 where `ok`, else 1."""

    ok: bool
    checkedAt: str


#: `from` is a word of Python's.
_From = Annotated[str, Field(alias="from")]


class HistorySpan(TypedDict):
    """A time in which a machine was one thing."""

    from_: _From
    to: str
    kind: Literal["up", "off", "left", "unknown"]


class HistoryRow(TypedDict):
    """One machine; durations in ms. `flips` are as a watcher told them; without a known time there is no percentage."""

    machineId: str
    observed: Observed
    source: Literal["intervals", "flips", "nothing"]
    uptimePercent: float | None
    upMs: int
    offMs: int
    leftMs: int
    unknownMs: int
    outages: int
    spans: list[HistorySpan]
    flips: list[dict[str, Any]]
    #: What an older service undid of what the machine's own file said.
    undone: NotRequired[str]


class HistoryDocument(TypedDict):
    """`roosync-ops history --json`."""

    ok: Literal[True]
    shared: str
    from_: _From
    to: str
    machines: list[HistoryRow]


class Failure(TypedDict):
    """Why there is no report. `hint` is the next command to type."""

    code: str
    message: str
    hint: str | None


class FailureDocument(TypedDict):
    """What every command prints with --json where it fails: exit code 2, 3 or, for an internal error, 70."""

    ok: Literal[False]
    error: Failure


class CheckRow(TypedDict):
    """One check, in order. `unknown` was not reached; `cause` where this is what is wrong."""

    check: str
    outcome: Literal["ok", "not ok", "unknown"]
    seen: str | None
    cause: str | None


class DiagnosisRow(TypedDict):
    """One machine, or, where `machineId` is null, this computer and the share.

    `cause` is a word for programs, `reason` its sentence, `command` what mends it; `fixable`: --fix does it.
    """

    machineId: str | None
    expected: Literal["online", "offline"] | None
    observed: Observed | None
    ok: bool
    cause: str
    reason: str
    command: str | None
    fixable: bool
    checks: list[CheckRow]


class FixRow(TypedDict):
    """Something --fix did (`done`), would do (--dry), or could not (`problem`)."""

    fix: Literal["restart", "rebuild-view", "sweep"]
    machineId: str | None
    done: bool
    files: list[str]
    problem: str | None


class DiagnosisDocument(TypedDict):
    """`roosync-ops diagnose --json`; exit code 0 where `ok`, else 1."""

    ok: bool
    checkedAt: str
    dry: bool
    machines: list[DiagnosisRow]
    here: DiagnosisRow
    fixes: list[FixRow]
