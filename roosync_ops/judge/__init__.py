"""Verdicts: pure functions from shared state, fleet and a time. No I/O, no clock, no printing, no language.

A reason is a kind and its facts; the room `show` has the sentences.
"""

from roosync_ops.wire.findings import Finding

from .matrix import Cell, Matrix, matrix
from .observe import observe
from .probes import HERE, AgentState, Knowledge, ProbeResult, merge_replicas
from .validate import enrolment_checks, validate
from .verdict import Check, Observation, Reason, Survey, Validation, Verdict
