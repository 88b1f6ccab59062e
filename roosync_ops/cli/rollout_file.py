"""What `roosync-ops rollout --json` wrote, read back: hostile until it is parsed."""

import sys
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from roosync_ops import errors
from roosync_ops.judge import Finding, Observation, Validation, Verdict
from roosync_ops.judge.reports import MachineSteps, RecordedReason, Report, Rollout
from roosync_ops.judge.verdict import Basis
from roosync_ops.show import schemas
from roosync_ops.wire.identity import check_machine_id
from roosync_ops.wire.times import from_iso

#: A rollout of 10,000 machines is some 8 MB.
_MAX_BYTES: Final = 33_554_432
_NEXT: Final = "roosync-ops rollout --json > rollout.json"


def read(path: Path) -> Report:
    """Return the rollout in `path` (`-` is standard input) as a report. Raises CommandError (usage)."""
    raw = _bytes(path)
    try:
        document = schemas.of("rollout").validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise errors.usage(f"{path} is no result of a rollout: {first['msg']}", _NEXT) from None
    if "machines" not in document:
        failure = document["error"]
        raise errors.usage(f"{path} holds no result, the rollout failed: {failure['message']}", failure["hint"])
    try:
        return report_of(document)
    except ValueError as error:
        raise errors.usage(f"{path} is no result of a rollout: {error}", _NEXT) from None


def _bytes(path: Path) -> bytes:
    try:
        if str(path) == "-":
            raw = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise errors.usage(f"{path}: {error.strerror or error}", _NEXT) from None
    if len(raw) > _MAX_BYTES:
        raise errors.usage(f"{path} is no result of a rollout: more than {_MAX_BYTES} bytes", _NEXT)
    return raw


def report_of(document: dict[str, Any]) -> Report:
    """Return a rollout's document as a report. Raises ValueError for a machineId or a time that is none."""
    rollout = Rollout(document["ok"], document["dry"], tuple(map(_done, document["machines"])))
    seen = document["validation"]
    if seen is None:
        return Report(None, rollout)
    said = {
        row["machineId"]: RecordedReason(row["reasonKind"] or "", row["reason"])
        for row in seen["machines"]
        if row["reason"]
    }
    unexpected = (
        Observation(check_machine_id(row["machineId"]), row["observed"], _time(row["lastHeartbeat"]), None, None)
        for row in seen["unexpected"]
    )
    findings = (Finding(item["file"], item["kind"], item["detail"]) for item in seen["findings"])
    rows = tuple(map(_verdict, seen["machines"]))
    validation = Validation(from_iso(seen["checkedAt"]), seen["shared"], rows, tuple(unexpected), tuple(findings))
    return Report(validation, rollout, said=said)


def _done(row: dict[str, Any]) -> MachineSteps:
    steps = tuple((step["step"], step["outcome"]) for step in row["steps"])
    checks = tuple(check["reason"] or check["check"] for check in row["checks"] or () if not check["ok"])
    name = check_machine_id(row["machineId"])
    return MachineSteps(name, row["outcome"], row["ok"], steps, row["reason"], row["hint"], checks)


def _verdict(row: dict[str, Any]) -> Verdict:
    """Return a row without a Reason: its sentence is written already."""
    return Verdict(
        check_machine_id(row["machineId"]),
        row["observed"],
        _time(row["lastHeartbeat"]),
        row["ageMs"],
        row["missedHeartbeats"],
        expected=row["expected"],
        ok=row["ok"],
        why=row["reason"] or row["why"],
        rests_on=Basis(row["basis"]),
    )


def _time(text: str | None) -> int | None:
    return None if text is None else from_iso(text)
