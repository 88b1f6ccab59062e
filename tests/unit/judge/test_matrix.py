"""Who sees whom: a stale row is a stale replica, a stale column a stalled writer, whatever anybody's clock says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roosync_ops.fleet import Machine
from roosync_ops.judge import (
    HERE,
    AgentState,
    matrix,
    verdict,
)
from roosync_ops.judge import probes as e
from roosync_ops.judge.contradictions import wrong_clocks
from roosync_ops.wire.merge import FILE, Evidence
from roosync_ops.wire.record import Record
from roosync_ops.wire.times import to_iso
from tests.unit.judge.matrix_world import HOUR, NAMES, NOW, Answer, World, fleet, told


def test_a_healthy_fleet_has_nothing_to_be_looked_at() -> None:
    found = World().matrix()
    assert (found.ok, found.observers, found.reached) == (True, (HERE, *NAMES), 5)
    assert found.cell(HERE, "web1").status == "online"
    assert found.cell("web1", "nobody").status == "unknown"


few = st.sets(st.sampled_from(NAMES), max_size=1)


clocks = st.dictionaries(st.sampled_from(NAMES), st.integers(-HOUR, HOUR))


@given(st.sets(st.sampled_from((HERE, *NAMES)), max_size=2), few, clocks)
def test_stale_replicas_and_stalled_writers_are_named_and_nobody_else_whatever_the_clocks(
    stale: set[str], stalled: set[str], offsets: dict[str, int]
) -> None:
    found = World(offsets, stale=stale, stalled=stalled).matrix()
    stands = {
        (kind, name) for kind, name in told(found) if kind not in (verdict.CLOCK_WRONG, verdict.READER_CLOCK_WRONG)
    }
    expected = {(verdict.OBSERVER_STALE, name) for name in stale} | {(verdict.UPLOAD_STALLED, name) for name in stalled}
    assert stands == expected
    for reason in found.findings:
        if reason.kind in (verdict.OBSERVER_STALE, verdict.UPLOAD_STALLED):
            assert reason.facts["since"] == NOW - 600_000


@given(clocks)
def test_no_age_mixes_two_clocks(offsets: dict[str, int]) -> None:
    found = World(offsets).matrix()
    assert {found.cell(HERE, name).age_ms for name in NAMES} == {30_000}
    assert {found.cell(name, name).age_ms for name in NAMES} == {5_000}


def test_a_clock_that_is_off_is_named_and_corrected() -> None:
    found = World({"web1": HOUR}).matrix()
    assert told(found) == {(verdict.CLOCK_WRONG, "web1")}
    assert found.findings[0].facts["off"] == HOUR


def test_where_all_agree_that_it_is_later_the_readers_clock_is_the_suspect() -> None:
    found = World(dict.fromkeys(NAMES, HOUR)).matrix()
    assert [reason.kind for reason in found.findings] == [verdict.READER_CLOCK_WRONG]
    assert found.findings[0].facts == {"off": -HOUR, "count": 5}


@pytest.mark.parametrize(
    ("measured", "kinds"),
    [
        pytest.param([(7_000, 7_000), (8_000, 7_500)], [], id="both logins were slow"),
        pytest.param([(HOUR, 50), (HOUR + 7_000, 7_000)], [verdict.READER_CLOCK_WRONG], id="one was, and all is late"),
        pytest.param([(HOUR, 50), (7_000, 7_000)], [verdict.CLOCK_WRONG], id="one was, and the other is wrong"),
    ],
)
def test_what_a_slow_round_trip_hides_is_held_against_no_clock(
    measured: list[tuple[int, int]], kinds: list[str]
) -> None:
    alive = AgentState(e.RUNNING)
    found = wrong_clocks(
        e.ProbeResult(name, alive, offset_ms=off, error_ms=error)
        for name, (off, error) in zip(NAMES, measured, strict=False)
    )
    assert [one.kind for one in found] == kinds


def test_where_nearly_nothing_arrives_anywhere_it_is_the_share() -> None:
    found = World(stale={HERE, *NAMES}).matrix()
    assert [reason.kind for reason in found.findings] == [verdict.SHARE_STALLED]
    judged = World(stale={HERE, *NAMES}).validate()
    assert {row.reason.kind for row in judged.verdicts} == {verdict.SHARE_STALLED}


def test_of_two_machines_nobody_can_tell_which_end_stands_still() -> None:
    world = World(stalled={"po-2024"}, here=False)
    two = {name: world.probe(name) for name in ("po-2023", "po-2024")}
    found = matrix([Machine.of(name, {}) for name in two], two, None, NOW)
    assert told(found) == {(verdict.LINK_STALLED, "po-2024")}
    assert found.findings[0].facts["observer"] == "po-2023"


def test_a_dead_machine_says_nothing_about_anybodys_replica() -> None:
    assert told(World(dead={"web1", "po-2025"}).matrix()) == {
        (verdict.MACHINE_OFF, "web1"),
        (verdict.MACHINE_OFF, "po-2025"),
    }


def test_a_machine_that_beats_and_does_not_answer_is_not_off() -> None:
    world = World()
    answers = {**world.probes(), "web1": Answer("web1", AgentState(e.OFF, detail="refused"))}
    found = matrix(fleet(), answers, world.own, NOW)
    assert found.is_heard("web1")
    assert found.ok


def test_a_sequence_that_moved_while_the_time_went_back_is_a_clock_that_was_stepped() -> None:
    world = World()
    before = world.state(HERE)
    before.machines["web1"] = Evidence(Record("web1", NOW + HOUR, sequence=998), FILE, "heartbeats/web1.json")
    found = matrix(fleet(), world.probes(), before, NOW)
    assert (verdict.CLOCK_STEPPED, "web1") in told(found)


def test_two_computers_of_one_name_are_told_by_the_agents_own_word() -> None:
    said = "a later record of another session, 't'"
    world = World(words={"web1": AgentState(e.RUNNING, sequence=1_000, heard_ms=NOW - 5_000, twin=said)})
    assert told(world.matrix()) == {(verdict.TWINS, "web1")}


@pytest.mark.parametrize(("began", "twins"), [(NOW - HOUR, True), (NOW - 1_000, False)], ids=["both-beat", "restarted"])
def test_two_computers_of_one_name_are_told_by_two_replicas(began: int, *, twins: bool) -> None:
    """One computer has one session at a time: a later one began after the last beat of the one before."""
    world = World()
    here = world.state(HERE)
    for state, session, at in ((here, "a", NOW - 30_000), (world.state("po-2023"), "b", NOW)):
        data = {"agent": {"startedAt": to_iso(began if session == "b" else NOW - 2 * HOUR)}}
        record = Record("web1", at, sequence=1_000, session_id=session, data=data)
        state.machines["web1"] = Evidence(record, FILE, "heartbeats/web1.json")
        answer = Answer("po-2023", AgentState(e.RUNNING), state, None, NOW, 0, 20)
    found = matrix(fleet(), {**world.probes(), "po-2023": answer}, here, NOW)
    assert ((verdict.TWINS, "web1") in told(found)) == twins


def test_a_stale_replica_here_makes_nobody_offline_and_is_named() -> None:
    judged = World(stale={HERE}).validate()
    assert judged.ok
    assert [row.observed for row in judged.verdicts] == ["online"] * 5
    assert [reason.kind for reason in judged.evidence.findings] == [verdict.OBSERVER_STALE]


@settings(max_examples=30)
@given(clocks)
def test_verdicts_are_right_with_clocks_an_hour_off_either_way(offsets: dict[str, int]) -> None:
    judged = World(offsets, dead={"web1"}).validate()
    if "web1" not in offsets:
        assert {row.machine_id: row.observed for row in judged.verdicts}["web1"] == "offline"
    assert [row.observed for row in judged.verdicts if row.machine_id != "web1"] == ["online"] * 4
    assert {row.age_ms for row in judged.verdicts if row.machine_id != "web1"} == {30_000}
