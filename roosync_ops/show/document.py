"""The JSON documents: one object, one line a machine, and nothing in it that a terminal would obey."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from roosync_ops.judge import HERE, Matrix, ProbeResult, Reason, Survey, Validation, Verdict
from roosync_ops.wire.times import to_iso

from .reasons import sentence
from .text import Style

_CAPITAL: Final = re.compile("[A-Z]")
#: What JSON may carry raw and a terminal obeys: C1 controls, bidi and other format marks, separators, surrogates.
_UNPRINTABLE: Final = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def keyed(source: object, keys: str, **more: Any) -> dict[str, Any]:
    """Return attributes of `source`, and `more`: by `ageMs` its age_ms, by `status=observed` its observed."""
    return {key: getattr(source, name) for key, name in _names(keys)} | more


@cache
def _names(keys: str) -> list[tuple[str, str]]:
    pairs = (word.partition("=") for word in keys.split())
    return [(key, name or _CAPITAL.sub(r"_\g<0>", key).lower()) for key, _, name in pairs]


def validation_document(validation: Validation, lang: str = "en") -> dict[str, Any]:
    """Return what `roosync-ops validate --schema` describes. `lang` is that of the reasons."""
    document = keyed(
        validation,
        "ok checkedAt shared",
        machines=[_verdict(row, validation, lang) for row in validation.verdicts],
        unexpected=[keyed(row, "machineId observed lastHeartbeat") for row in validation.unexpected],
        findings=[item.as_dict() for item in validation.findings],
        summary=keyed(validation, "total online percent"),
    )
    if validation.evidence is not None:
        document["evidence"] = evidence_document(validation.evidence, lang)
    if validation.patience_ms is not None:
        document["patienceMs"] = validation.patience_ms
    return document


def survey_document(survey: Survey) -> dict[str, Any]:
    """Return the document of `roosync-ops status --json`."""
    row = "machineId status=observed lastHeartbeat ageMs missedHeartbeats=missed version file"
    return {
        "ok": True,
        **keyed(survey, "checkedAt shared"),
        "machines": [keyed(one, row) for one in survey.machines],
        "findings": [item.as_dict() for item in survey.findings],
        "summary": keyed(survey, "total online percent"),
    }


def json_text(document: Mapping[str, Any]) -> str:
    """Write an object as JSON, each list with one item a line, safe to print whatever texts it holds."""
    parts = []
    for key, value in document.items():
        said = json.dumps(value, ensure_ascii=False)
        if isinstance(value, list) and value:
            items = ",\n".join("    " + json.dumps(item, ensure_ascii=False) for item in value)
            said = f"[\n{items}\n  ]"
        parts.append(f"  {json.dumps(key)}: {said}")
    return _UNPRINTABLE.sub(lambda sign: json.dumps(sign.group())[1:-1], "{\n" + ",\n".join(parts) + "\n}")


def _verdict(row: Verdict, validation: Validation, lang: str) -> dict[str, Any]:
    """Return one row; what the age rests on, and what the machine reports, only where either was asked for."""
    document = keyed(
        row,
        "machineId expected observed ok heartbeatActive lastHeartbeat ageMs missedHeartbeats=missed",
        reason=None if row.reason is None else sentence(row.reason, Style(lang)),
        reasonKind=None if row.reason is None else row.reason.kind,
        why=row.why,
        basis=row.rests_on,
    )
    if row.sign is not None:
        document["lastSign"] = {"at": to_iso(row.sign[0]), "source": row.sign[1]}
    was_asked = validation.evidence is not None or row.probe is not None
    if was_asked or validation.patience_ms is not None:
        document["ageBasis"] = row.basis
    if was_asked:
        document["own"] = None if row.probe is None else word_document(row.probe)
    return document


def evidence_document(matrix: Matrix, lang: str) -> dict[str, Any]:
    """Return who sees whom, what each machine reports of itself, and the findings."""
    cell = "status ageMs sequence behindMs clockMeasured=probed"
    return {
        "machines": [
            {"machineId": name, **word_document(matrix.probes[name])}
            for name in matrix.machines
            if name in matrix.probes
        ],
        "observers": [
            {
                "observer": None if one == HERE else one,
                "cells": [{"machineId": name, **keyed(matrix.cell(one, name), cell)} for name in matrix.machines],
            }
            for one in matrix.observers
        ],
        "findings": [finding_document(found, lang) for found in matrix.findings],
    }


def finding_document(found: Reason, lang: str) -> dict[str, Any]:
    """Return one thing that follows from the evidence; `machineId` is null where it is about who asks."""
    since = found.facts.get("since")
    return {
        "kind": found.kind,
        "machineId": None if found.machine_id == HERE else found.machine_id,
        "since": to_iso(since) if isinstance(since, int) else None,
        "sentence": sentence(found, Style(lang)),
    }


def word_document(one: ProbeResult) -> dict[str, Any]:
    """Return what a machine reports about its agent, and its clock against ours."""
    since = one.agent.since_ms
    return {
        "word": one.agent.kind,
        "since": None if since is None else to_iso(since),
        "detail": one.agent.detail,
        **keyed(one, "clockOffsetMs=offset_ms clockErrorMs=error_ms"),
        **({} if one.through is None else {"through": one.through}),
    }
