"""The JSON Schema of what `roosync-ops diagnose --json` prints, as types. Loaded only to print or to test it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import TypedDict

from .schema import FailureDocument, Observed

_CLOSED = ConfigDict(extra="forbid", strict=True)


@with_config(_CLOSED)
class CheckRow(TypedDict):
    """One check, in order. `unknown` was not reached; `cause` where this is what is wrong."""

    check: str
    outcome: Literal["ok", "not ok", "unknown"]
    seen: str | None
    cause: str | None


@with_config(_CLOSED)
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


@with_config(_CLOSED)
class FixRow(TypedDict):
    """Something --fix did (`done`), would do (--dry), or could not (`problem`)."""

    fix: Literal["restart", "rebuild-view", "sweep"]
    machineId: str | None
    done: bool
    files: list[str]
    problem: str | None


@with_config(_CLOSED)
class DiagnosisDocument(TypedDict):
    """`roosync-ops diagnose --json`; exit code 0 where `ok`, else 1."""

    ok: bool
    checkedAt: str
    dry: bool
    machines: list[DiagnosisRow]
    here: DiagnosisRow
    fixes: list[FixRow]


DIAGNOSIS: TypeAdapter[Any] = TypeAdapter(DiagnosisDocument | FailureDocument)
