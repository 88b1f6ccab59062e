"""The JSON documents: one object, one line a machine, and nothing in it that a terminal would obey."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.times import to_iso

from .evidence_document import evidence_document, word_document
from .reasons import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roosync_ops.judge import Observation, Survey, Validation, Verdict

#: What JSON may carry raw and a terminal obeys: C1 controls, bidi and other format marks, separators, surrogates.
_UNPRINTABLE: Final = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def to_json(validation: Validation, lang: str = "en") -> str:
    """Return the document that `roosync-ops validate --schema` describes. `lang` is that of the reasons."""
    summary = {"total": validation.total, "online": validation.online, "percent": validation.percent}
    return error_free_json(
        {
            "ok": validation.ok,
            "checkedAt": validation.checked_at,
            "shared": validation.shared,
            "machines": [{**_verdict(row, lang), **_basis(row, validation)} for row in validation.verdicts],
            "unexpected": [_unexpected(row) for row in validation.unexpected],
            "findings": [item.as_dict() for item in validation.findings],
            "summary": summary,
            **_asked_for(validation, lang),
        }
    )


def _asked_for(validation: Validation, lang: str) -> dict[str, Any]:
    """Return what is there with --probe and with --patience alone."""
    found: dict[str, Any] = {}
    if validation.evidence is not None:
        found["evidence"] = evidence_document(validation.evidence, lang)
    if validation.patience_ms is not None:
        found["patienceMs"] = validation.patience_ms
    return found


def survey_json(survey: Survey) -> str:
    """Return the document of `roosync-ops status --json`."""
    return error_free_json(
        {
            "ok": True,
            "checkedAt": survey.checked_at,
            "shared": survey.shared,
            "machines": [_observation(row) for row in survey.machines],
            "findings": [item.as_dict() for item in survey.findings],
            "summary": {"total": survey.total, "online": survey.online, "percent": survey.percent},
        }
    )


def error_free_json(document: Mapping[str, Any]) -> str:
    """Write an object as JSON, each list with one item a line, safe to print whatever texts it holds."""
    parts = [f"  {json.dumps(key)}: {_value(value)}" for key, value in document.items()]
    return _UNPRINTABLE.sub(_escape, "{\n" + ",\n".join(parts) + "\n}")


def _value(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join("    " + json.dumps(item, ensure_ascii=False) for item in value) + "\n  ]"


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]


def _verdict(row: Verdict, lang: str) -> dict[str, Any]:
    return {
        "machineId": row.machine_id,
        "expected": row.expected,
        "observed": row.observed,
        "ok": row.ok,
        "heartbeatActive": row.heartbeat_active,
        "lastHeartbeat": row.last_heartbeat,
        "ageMs": row.age_ms,
        "missedHeartbeats": row.missed,
        "reason": None if row.reason is None else sentence(row.reason, lang),
        "reasonKind": None if row.reason is None else row.reason.kind,
        "why": row.why,
        "basis": row.rests_on,
        **({} if row.sign is None else {"lastSign": {"at": to_iso(row.sign[0]), "source": row.sign[1]}}),
    }


def _basis(row: Verdict, validation: Validation) -> dict[str, Any]:
    """Return what the age rests on, and the machine's own word: only where either was asked for."""
    if validation.evidence is None and row.probe is None:
        return {} if validation.patience_ms is None else {"ageBasis": row.basis}
    return {"ageBasis": row.basis, "own": None if row.probe is None else word_document(row.probe)}


def _unexpected(row: Observation) -> dict[str, Any]:
    return {"machineId": row.machine_id, "observed": row.observed, "lastHeartbeat": row.last_heartbeat}


def _observation(row: Observation) -> dict[str, Any]:
    return {
        "machineId": row.machine_id,
        "status": row.observed,
        "lastHeartbeat": row.last_heartbeat,
        "ageMs": row.age_ms,
        "missedHeartbeats": row.missed,
        "version": row.version,
        "file": row.file,
    }
