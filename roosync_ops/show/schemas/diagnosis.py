"""What `roosync-ops diagnose --json` prints, as types."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from .fleet import Observed  # noqa: TC001 - pydantic reads the annotations


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
