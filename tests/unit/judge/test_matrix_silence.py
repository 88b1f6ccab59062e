"""What the matrix makes of machines that are silent, left, or were read late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roosync_ops.judge import (
    HERE,
    AgentState,
    Knowledge,
    matrix,
    merge_replicas,
    validate,
    verdict,
)
from roosync_ops.judge import probes as e
from roosync_ops.show.matrix import own_word
from roosync_ops.show.text import PLAIN
from roosync_ops.state.seen import see
from roosync_ops.state.shared import SharedState
from roosync_ops.wire.merge import FILE, Evidence
from roosync_ops.wire.record import Record
from roosync_ops.wire.times import to_iso
from tests.kits.boards import measured
from tests.unit.judge.matrix_world import HOUR, NAMES, NOW, Answer, World, fleet, told


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (AgentState(e.NOT_RUNNING, NOW - HOUR), verdict.AGENT_GONE),
        (AgentState(e.SILENT, NOW - HOUR), verdict.AGENT_SILENT),
        (AgentState(e.NO_AGENT), verdict.NO_AGENT),
        (AgentState(e.SHARE_BLOCKED, NOW - HOUR, "no answer", "hung"), verdict.SHARE_STUCK),
        (AgentState(e.REFUSED, detail="host key"), verdict.NOT_LET_IN),
        (AgentState(e.UNCLEAR, detail="no Python"), verdict.NO_WORD),
        (AgentState(e.OFF, detail="no route"), verdict.MACHINE_OFF),
    ],
)
def test_a_machine_that_is_silent_is_explained_by_its_own_word(word: AgentState, kind: str) -> None:
    world = World(dead={"web1"})
    answers = {**world.probes(), "web1": Answer("web1", word)}
    state = merge_replicas(world.own, answers.values(), NOW)
    assert state is not None
    judged = validate(fleet(), state, NOW, known=Knowledge(), matrix=matrix(fleet(), answers, world.own, NOW))
    row = judged.verdicts[-1]
    assert (row.observed, row.ok) == ("offline", False)
    assert row.reason is not None
    assert row.reason.kind == kind
    assert (kind, "web1") in {(found.kind, found.machine_id) for found in (judged.evidence or world.matrix()).findings}


def test_where_nobody_answers_and_nothing_is_fresh_the_machines_are_not_said_to_be_dead() -> None:
    world = World(dead=set(NAMES))
    judged = world.validate()
    assert {row.observed for row in judged.verdicts} == {"unknown"}
    assert {row.reason.kind for row in judged.verdicts} == {verdict.OBSERVER_SUSPECTED}


def test_where_every_agent_says_that_it_is_gone_it_is_believed() -> None:
    world = World(dead=set(NAMES))
    answers = {name: Answer(name, AgentState(e.NOT_RUNNING, NOW - HOUR)) for name in NAMES}
    state = merge_replicas(world.own, answers.values(), NOW)
    assert state is not None
    judged = validate(fleet(), state, NOW, matrix=matrix(fleet(), answers, world.own, NOW))
    assert {row.observed for row in judged.verdicts} == {"offline"}
    assert {row.reason.kind for row in judged.verdicts if row.reason} == {verdict.AGENT_GONE}


def test_a_beat_that_never_left_its_machine_has_been_heard_by_nobody() -> None:
    judged = World(stalled={"po-2024"}).validate()
    row = next(row for row in judged.verdicts if row.machine_id == "po-2024")
    assert (row.observed, row.reason.kind) == ("offline", verdict.UPLOAD_STALLED)


def test_alone_a_machines_own_replica_counts_for_itself() -> None:
    world = World()
    state = merge_replicas(None, [world.probe("web1")], NOW)
    assert state is not None
    assert state.machines["web1"].record.sequence == 1_000


def test_an_agent_that_started_after_its_last_beat_had_its_clock_put_back() -> None:
    world = World(here=True)
    state = world.state(HERE)
    record = Record("web1", NOW - HOUR, data={"agent": {"startedAt": to_iso(NOW)}})
    state.machines["web1"] = Evidence(record, FILE, "heartbeats/web1.json")
    row = validate(fleet(), state, NOW).verdicts[-1]
    assert row.reason is not None
    assert (row.observed, row.reason.kind) == ("offline", verdict.CLOCK_CONTRADICTED)


def test_a_one_shot_reader_that_everybody_is_ahead_of_suspects_its_own_clock() -> None:
    world = World(dict.fromkeys(NAMES, HOUR))
    judged = validate(fleet(), world.state(HERE), NOW)
    assert {row.reason.kind for row in judged.verdicts if row.reason} == {verdict.READER_CLOCK_WRONG}


@pytest.mark.parametrize("offset", [-HOUR, HOUR])
def test_a_reader_that_saw_a_beat_arrive_judges_by_that_and_suspects_a_clock_an_hour_off(offset: int) -> None:
    world = World({"web1": offset})
    before = world.record("web1", 90_000)
    seen = see(see(None, before, NOW - 30_000, 30_000), world.record("web1", 30_000), NOW - 10_000, 30_000)
    known = Knowledge(seen={"web1": seen}, patience_ms=0)
    row = validate(fleet(), world.state(HERE), NOW, known=known).verdicts[-1]
    assert (row.observed, row.ok, row.age_ms, row.basis) == ("online", True, 10_000, "arrival")
    assert row.reason is not None
    assert row.reason.kind == verdict.CLOCK_DISAGREES


LEAVING = AgentState(e.LEFT, NOW - 60_000, sequence=1_001, heard_ms=NOW - 60_000, left_ms=NOW - 50_000)


def test_a_machine_that_says_it_was_stopped_is_left_before_its_last_record_arrives() -> None:
    """What the replicas still show is its last beat; what it says of itself is what happened since."""
    world = World(words={"web1": LEAVING})
    found = world.validate()
    row = next(row for row in found.verdicts if row.machine_id == "web1")
    assert (row.observed, row.ok, row.reason.kind) == ("left", False, verdict.HAS_LEFT)
    assert row.reason.facts["since"] == NOW - 50_000
    assert told(found.evidence) == {(verdict.HAS_LEFT, "web1")}


def test_a_beat_that_came_after_a_stop_is_a_machine_that_began_again() -> None:
    before = replace(LEAVING, sequence=900, heard_ms=NOW - HOUR)
    row = next(row for row in World(words={"web1": before}).validate().verdicts if row.machine_id == "web1")
    assert row.observed == "online"


@pytest.mark.parametrize("word", [e.NOT_RUNNING, e.OFF, e.REFUSED, e.UNCLEAR])
def test_a_stopped_machine_is_left_in_the_matrix_whatever_else_is_known_of_it(word: str) -> None:
    """An agent that was stopped on purpose is not "gone", nor is its machine to be restarted for being off."""
    left = Record("web1", NOW - HOUR, sequence=9, left_at_ms=NOW - HOUR + 1, data={"machineId": "web1"})
    world = World(words={"web1": AgentState(word, detail="no route")})
    answers = world.probes()
    for state in (own := world.state(HERE), *(one.state for one in answers.values())):
        assert state is not None
        state.machines["web1"] = Evidence(left, FILE, "heartbeats/web1.json")
    found = matrix(fleet(), answers, own, NOW)
    assert told(found) == {(verdict.HAS_LEFT, "web1")}
    judged = validate(fleet(), own, NOW, known=measured(answers.values()), matrix=found)
    assert {row.observed for row in judged.verdicts if row.machine_id == "web1"} == {"left"}
    assert own_word(found, "web1", PLAIN) == ("[left]" if word == e.NOT_RUNNING else own_word(found, "web1", PLAIN))


def test_a_replica_read_long_before_the_last_answer_lacks_only_what_it_could_have_had() -> None:
    """This computer's replica was read, and then a slow machine was waited for, which knows of four more beats."""
    early = World()
    own = early.state(HERE)
    late = {}
    for name in NAMES:
        beats = {
            one: Evidence(Record(one, NOW + 595_000, sequence=1_020, session_id="s"), FILE, f"heartbeats/{one}.json")
            for one in NAMES
        }
        state = SharedState(f"{name}:/share", NOW, beats, (), None, "absent", len(beats))
        word = AgentState(e.RUNNING, sequence=1_020, heard_ms=NOW + 595_000)
        late[name] = Answer(name, word, state, None, NOW + 600_000, 0, 20)
    found = matrix(fleet(), late, own, NOW)
    assert not found.findings
    assert not any(found.cell(HERE, name).lags for name in NAMES)


def test_no_beat_grows_old_while_another_machine_is_waited_for() -> None:
    """One machine answered at once and showed everybody's beats; ten minutes later another showed its own alone."""
    world = World(here=False)
    first = world.probe("ai-01")
    own = {"web1": Evidence(Record("web1", NOW + 590_000, sequence=1_020), FILE, "heartbeats/web1.json")}
    state = SharedState("web1:/share", NOW, own, (), None, "absent", 1)
    second = Answer("web1", AgentState(e.RUNNING, sequence=1_020), state, None, NOW + 600_000, 0, 20)
    pool = merge_replicas(None, [first, second], NOW + 600_000)
    assert pool is not None
    known = Knowledge().asked(None, [first, second])
    judged = validate(fleet(), pool, NOW + 600_000, known=known)
    assert {row.observed for row in judged.verdicts} == {"online"}
