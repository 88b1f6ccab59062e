"""Verdicts: pure functions from shared state, fleet and a time. No I/O, no clock, no printing, no language.

A reason is a kind and its facts; the room `show` has the sentences.
"""

from roosync_ops.wire.findings import Finding

from .enrolment import enrolment_checks
from .observe import observe
from .validate import validate
from .verdict import Check, Observation, Reason, Survey, Validation, Verdict

__all__ = [
    "Check",
    "Finding",
    "Observation",
    "Reason",
    "Survey",
    "Validation",
    "Verdict",
    "enrolment_checks",
    "observe",
    "validate",
]
