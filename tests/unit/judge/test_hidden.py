"""A reader of time stamps, with an earlier one's memory: a stamp that cannot be is said, and makes nobody offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import Knowledge, Verdict, validate, verdict
from roosync_ops.state.folder import read_folder
from roosync_ops.state.seen import Seen
from tests.kits.shares import NOW, ours, put

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3_600_000
#: The timeout, and as much delay as is ever borne.
BORNE = 120_000 + 600_000


def judged(
    shared: Path, age_ms: int, silent_ms: int | None, others: int | None = 0, expected: str = "online"
) -> Verdict:
    """Judge `m`, whose stamp is `age_ms` old and of which nothing arrived for `silent_ms`; of `a` for `others`."""
    for name in ("a", "b"):
        put(shared, ours(name))
    put(shared, ours("m", age_ms))
    seen = {name: arrived(silent) for name, silent in (("m", silent_ms), ("a", others)) if silent is not None}
    fleet = Fleet([Machine.of("m", {"expected": expected, "why": "w"}), Machine.of("a", {}), Machine.of("b", {})])
    return validate(fleet, read_folder(shared, NOW), NOW, known=Knowledge(seen=seen)).verdicts[0]


def arrived(silent_ms: int) -> Seen:
    """A beat arrived so long ago, between two readings a poll apart."""
    return Seen(NOW - 9 * HOUR, NOW, 7, "s", NOW, NOW - silent_ms - 15_000, NOW - silent_ms, 4)


def kind(row: Verdict) -> str | None:
    return None if row.reason is None else row.reason.kind


@pytest.mark.parametrize(
    ("silent", "observed", "ok", "why"),
    [
        pytest.param(None, "online", True, verdict.CLOCK_SUSPECTED, id="no memory of it: the protocol's word"),
        pytest.param(BORNE, "online", True, verdict.CLOCK_SUSPECTED, id="as long as a delay may be"),
        pytest.param(BORNE + 1, "unknown", False, verdict.CLOCK_HIDES, id="longer"),
    ],
)
def test_a_stamp_in_the_future_is_no_evidence_once_nothing_arrives(
    tmp_path: Path, silent: int | None, observed: str, ok: bool, why: str
) -> None:
    row = judged(tmp_path, -HOUR, silent)
    assert (row.observed, row.ok, kind(row)) == (observed, ok, why)


@pytest.mark.parametrize("others", [None, 120_001])
def test_a_reader_to_whom_nothing_arrives_at_all_judges_nobody_by_that(tmp_path: Path, others: int | None) -> None:
    assert judged(tmp_path, -HOUR, 5 * HOUR, others).observed == "online"


def test_a_machine_expected_offline_is_as_expected_where_only_its_stamp_says_otherwise(tmp_path: Path) -> None:
    row = judged(tmp_path, -HOUR, 5 * HOUR, expected="offline")
    assert (row.observed, row.ok, kind(row)) == ("unknown", True, verdict.CLOCK_HIDES)


@pytest.mark.parametrize("age_ms", [-5_000, 0, 60_000])
def test_a_stamp_that_may_be_true_is_left_to_the_protocol(tmp_path: Path, age_ms: int) -> None:
    assert judged(tmp_path, age_ms, 5 * HOUR).observed == "online"


@pytest.mark.parametrize(
    ("silent", "why"),
    [
        pytest.param(0, verdict.CLOCK_DISAGREES, id="it arrives: its clock is behind"),
        pytest.param(120_000, verdict.CLOCK_DISAGREES, id="it arrived within the timeout"),
        pytest.param(120_001, verdict.SILENT, id="it arrives no more"),
        pytest.param(None, verdict.SILENT, id="no memory of it"),
    ],
)
def test_a_machine_whose_clock_is_behind_is_not_called_silent_while_its_beats_arrive(
    tmp_path: Path, silent: int | None, why: str
) -> None:
    row = judged(tmp_path, HOUR, silent)
    assert (row.observed, kind(row)) == ("offline", why)
