"""The report as a document: what `roosync-ops report --schema` describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roosync_ops.wire.times import to_iso

from .document import keyed, validation_document
from .report import next_commands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roosync_ops.judge.report import Changes, Done, Report


def report_document(report: Report, lang: str = "en", posted: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the document; `posted` tells where it was sent to, and whether it was added or edited."""
    validation = None if report.validation is None else validation_document(report.validation, lang)
    for row in () if validation is None else validation["machines"]:
        said = report.said.get(row["machineId"])
        if said is not None:
            row.update(reason=said.sentence, reasonKind=said.kind)
    rollout = report.rollout
    return {
        "ok": report.ok,
        "validation": validation,
        "rollout": None if rollout is None else keyed(rollout, "ok dry", machines=list(map(_done, rollout.machines))),
        "changes": None if report.changes is None else _changes(report.changes),
        "next": next_commands(report),
        "posted": posted,
    }


def _done(row: Done) -> dict[str, Any]:
    steps = [{"step": step, "outcome": outcome} for step, outcome in row.steps]
    return keyed(row, "machineId outcome ok", steps=steps, **keyed(row, "reason hint"), failedChecks=list(row.checks))


def _changes(changes: Changes) -> dict[str, Any]:
    return {
        "since": to_iso(changes.from_ms),
        "until": to_iso(changes.to_ms),
        "watched": changes.watched,
        "flips": list(changes.flips),
        "outages": [
            keyed(one, "machineId", since=to_iso(one.start_ms), until=to_iso(one.end_ms)) for one in changes.outages
        ],
    }
