"""Verdicts: pure functions from shared state, fleet and a time. No I/O, no clock, no printing, no language.

A reason is a kind and its facts; the room `show` has the sentences.
"""

from roosync_ops.wire.findings import Finding

from .enrolment import enrolment_checks
from .evidence import HERE, Knowledge, Testimony, Word, knowledge, looked_at, pooled
from .matrix import Cell, Matrix, matrix
from .observe import observe
from .validate import validate
from .verdict import Check, Observation, Reason, Survey, Validation, Verdict

__all__ = [
    "HERE",
    "Cell",
    "Check",
    "Finding",
    "Knowledge",
    "Matrix",
    "Observation",
    "Reason",
    "Survey",
    "Testimony",
    "Validation",
    "Verdict",
    "Word",
    "enrolment_checks",
    "knowledge",
    "looked_at",
    "matrix",
    "observe",
    "pooled",
    "validate",
]
