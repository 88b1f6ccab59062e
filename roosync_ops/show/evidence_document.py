"""What machines testify, as JSON: in `matrix --json` and in `validate --probe --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roosync_ops.judge import HERE
from roosync_ops.wire.times import to_iso

from .reasons import sentence

if TYPE_CHECKING:
    from roosync_ops.judge import Cell, Matrix, ProbeResult, Reason


def evidence_document(matrix: Matrix, lang: str) -> dict[str, Any]:
    """Return who sees whom, each machine's own word, and what follows."""
    return {
        "machines": [_testimony(matrix.probes[name]) for name in matrix.machines if name in matrix.probes],
        "observers": [_observer(matrix, one) for one in matrix.observers],
        "findings": [finding_document(found, lang) for found in matrix.findings],
    }


def finding_document(found: Reason, lang: str) -> dict[str, Any]:
    """Return one thing that follows from the evidence; `machineId` is null where it is about who asks."""
    since = found.facts.get("since")
    return {
        "kind": found.kind,
        "machineId": None if found.machine_id == HERE else found.machine_id,
        "since": to_iso(since) if isinstance(since, int) else None,
        "sentence": sentence(found, lang),
    }


def _testimony(one: ProbeResult) -> dict[str, Any]:
    return {"machineId": one.machine_id, **word_document(one)}


def word_document(one: ProbeResult) -> dict[str, Any]:
    """Return a machine's own word, and its clock against ours."""
    since = one.agent.since_ms
    return {
        "word": one.agent.kind,
        "since": None if since is None else to_iso(since),
        "detail": one.agent.detail,
        "clockOffsetMs": one.offset_ms,
        "clockErrorMs": one.error_ms,
    }


def _observer(matrix: Matrix, observer: str) -> dict[str, Any]:
    return {
        "observer": None if observer == HERE else observer,
        "cells": [_cell_document(name, matrix.cell(observer, name)) for name in matrix.machines],
    }


def _cell_document(name: str, cell: Cell) -> dict[str, Any]:
    return {
        "machineId": name,
        "status": cell.status,
        "ageMs": cell.age_ms,
        "sequence": cell.sequence,
        "behindMs": cell.behind_ms,
        "clockMeasured": cell.probed,
    }
