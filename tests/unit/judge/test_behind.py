"""One look, and nobody to ask: what a replica says of its own age is told, and never more than it carries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import Verdict, validate, verdict
from roosync_ops.state.folder import read_folder
from tests.kits.shares import NOW, heartbeat, ours, put, put_view

if TYPE_CHECKING:
    from pathlib import Path

FLEET = Fleet(Machine(machine_id=name) for name in ("a", "b", "m"))


def judged(shared: Path) -> Verdict:
    """Judge `m` beside `a` and `b`."""
    return next(row for row in validate(FLEET, read_folder(shared, NOW), NOW).verdicts if row.machine_id == "m")


def kind(row: Verdict) -> str | None:
    return None if row.reason is None else row.reason.kind


def healthy(shared: Path) -> None:
    for name in ("a", "b"):
        put(shared, ours(name))


def test_a_view_with_a_newer_beat_than_the_machines_own_file_says_that_the_replica_is_behind(tmp_path: Path) -> None:
    healthy(tmp_path)
    put(tmp_path, ours("m", 300_000))
    put_view(tmp_path, heartbeat("m", 150_000), now_ms=NOW - 60_000)
    row = judged(tmp_path)
    assert (row.observed, row.ok, kind(row)) == ("offline", False, verdict.FILE_BEHIND)
    assert row.reason is not None
    assert row.reason.facts == {"age": 150_000, "newer": 150_000}


def test_a_view_whose_writer_had_not_heard_the_machine_either_is_a_second_witness_of_its_silence(
    tmp_path: Path,
) -> None:
    healthy(tmp_path)
    put(tmp_path, ours("m", 400_000))
    put_view(tmp_path, heartbeat("m", 300_000), now_ms=NOW - 60_000)
    assert kind(judged(tmp_path)) == verdict.SILENT


def test_an_older_services_machine_has_no_file_to_be_behind(tmp_path: Path) -> None:
    healthy(tmp_path)
    put_view(tmp_path, heartbeat("m", 150_000), now_ms=NOW - 60_000)
    assert kind(judged(tmp_path)) == verdict.SELDOM


@pytest.mark.parametrize(
    ("lag_ms", "told"),
    [
        pytest.param(180_000, verdict.SILENT, id="as long as another machine may take to become its keeper"),
        pytest.param(180_001, verdict.VIEW_BEHIND, id="longer"),
    ],
)
def test_a_view_that_is_older_than_its_keeper_lets_it_be_says_that_the_replica_is_behind(
    tmp_path: Path, lag_ms: int, told: str
) -> None:
    """Both times are of the keeper's own clock: 10 s ago it beat, and so long before that the view was written."""
    healthy(tmp_path)
    checked = NOW - 10_000 - lag_ms
    put(tmp_path, ours("m", 250_000))
    put_view(tmp_path, heartbeat("m", 250_000), now_ms=checked)
    assert kind(judged(tmp_path)) == told


def test_a_view_that_is_old_explains_no_silence_that_is_older(tmp_path: Path) -> None:
    healthy(tmp_path)
    put(tmp_path, ours("m", 3_600_000))
    put_view(tmp_path, heartbeat("m", 3_600_000), now_ms=NOW - 600_000)
    assert kind(judged(tmp_path)) == verdict.SILENT


def test_where_nobody_keeps_a_view_its_age_says_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path, ours(name, autoSyncEnabled=False))
    put(tmp_path, ours("m", 250_000))
    put_view(tmp_path, heartbeat("m", 250_000), now_ms=NOW - 300_000)
    assert kind(judged(tmp_path)) == verdict.SILENT


@pytest.mark.parametrize("stamp", [None, 7, "yesterday", {}])
def test_a_view_that_does_not_say_when_it_was_written_says_nothing(tmp_path: Path, stamp: object) -> None:
    healthy(tmp_path)
    put(tmp_path, ours("m", 300_000))
    path = put_view(tmp_path, heartbeat("m", 150_000), now_ms=NOW - 60_000)
    view = json.loads(path.read_text(encoding="utf-8"))
    view["statistics"]["lastHeartbeatCheck"] = stamp
    path.write_text(json.dumps(view), encoding="utf-8")
    assert kind(judged(tmp_path)) == verdict.SILENT


HOUR = 3_600_000
BORNE = 120_000 + 600_000


@pytest.mark.parametrize(
    ("own_ms", "in_view_ms", "told"),
    [
        pytest.param(
            HOUR, HOUR + 30_000, verdict.CLOCK_BEHIND, id="an hour behind: its next beat is in the file alone"
        ),
        pytest.param(BORNE + 40_001, HOUR, verdict.CLOCK_BEHIND, id="longer than any delay that is borne"),
        pytest.param(BORNE + 40_000, HOUR, verdict.SILENT, id="as long as a delay may be"),
        pytest.param(HOUR, HOUR, verdict.SILENT, id="the view has its last beat: it is dead"),
    ],
)
def test_a_beat_that_the_views_writer_cannot_have_missed_for_so_long_says_that_a_clock_is_behind(
    tmp_path: Path, own_ms: int, in_view_ms: int, told: str
) -> None:
    healthy(tmp_path)
    put(tmp_path, ours("m", own_ms))
    put_view(tmp_path, ours("a"), ours("b"), ours("m", in_view_ms), now_ms=NOW - 40_000)
    row = judged(tmp_path)
    assert (row.observed, kind(row)) == ("offline", told)


def test_a_views_writer_that_hears_nobody_else_is_no_witness_of_a_clock(tmp_path: Path) -> None:
    healthy(tmp_path)
    put(tmp_path, ours("m", HOUR))
    put_view(tmp_path, ours("a"), ours("b", 2 * HOUR), ours("m", 2 * HOUR), now_ms=NOW - 40_000)
    assert kind(judged(tmp_path)) == verdict.SILENT


@pytest.mark.parametrize(
    ("ages", "left", "suspected"),
    [
        pytest.param((130_000, 100_000, 95_000), (), True, id="one gone, the others on their way"),
        pytest.param((130_000, 100_000, 80_000), (), False, id="one is heard"),
        pytest.param((110_000, 100_000, 95_000), (), False, id="nobody is gone yet"),
        pytest.param((130_000, 125_000, 10_000), ("m",), True, id="who left is not to be heard"),
        pytest.param((130_000, 10_000, 10_000), ("b", "m"), False, id="one alone, the others left"),
    ],
)
def test_a_replica_that_stands_still_is_suspected_as_soon_as_the_first_machine_is_gone(
    tmp_path: Path, ages: tuple[int, int, int], left: tuple[str, ...], suspected: bool
) -> None:
    for name, age in zip(("a", "b", "m"), ages, strict=True):
        gone: dict[str, Any] = {"state": "left", "leftAt": "2026-02-12T10:15:25.000Z"} if name in left else {}
        put(tmp_path, ours(name, age, **gone))
    rows = validate(FLEET, read_folder(tmp_path, NOW), NOW).verdicts
    kinds = {kind(row) for row in rows if row.observed == "offline"}
    assert (kinds == {verdict.OBSERVER_SUSPECTED}) is suspected
