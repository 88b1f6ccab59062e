"""Who sees whom: a stale row is a stale replica, a stale column a stalled writer, whatever anybody's clock says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import (
    HERE,
    AgentState,
    Knowledge,
    Matrix,
    knowledge,
    looked_at,
    matrix,
    merge_replicas,
    validate,
    verdict,
)
from roosync_ops.judge import probes as e
from roosync_ops.show.matrix import own_word
from roosync_ops.state.seen import see
from roosync_ops.state.shared import SharedState
from roosync_ops.wire.merge import FILE, Evidence
from roosync_ops.wire.record import Record
from roosync_ops.wire.times import to_iso

#: Under this name pytest takes it for no test.
Answer = e.ProbeResult
NOW = 1_770_891_330_000
HOUR = 3_600_000
NAMES = ("ai-01", "po-2023", "po-2024", "po-2025", "web1")


@dataclass
class World:
    """Five machines that all beat, each by its own clock; replicas and uploads that stand still for ten minutes."""

    offsets: dict[str, int] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)
    stalled: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    words: dict[str, AgentState] = field(default_factory=dict)
    here: bool = True

    def record(self, name: str, ago: int) -> Record:
        """Return the beat that was sent `ago` ms before now, stamped by its machine's clock."""
        at = NOW - ago
        stamp = at + self.offsets.get(name, 0)
        data: dict[str, Any] = {"machineId": name, "lastHeartbeat": to_iso(stamp)}
        return Record(name, stamp, sequence=1_000 - ago // 30_000, session_id="s", data=data)

    def state(self, observer: str) -> SharedState:
        found = {}
        for name in NAMES:
            old = observer != name and (observer in self.stale or name in self.stalled)
            ago = HOUR if name in self.dead else 600_000 if old else 30_000 if observer != name else 5_000
            found[name] = Evidence(self.record(name, ago), FILE, f"heartbeats/{name}.json")
        return SharedState(f"{observer}:/share", NOW, found, (), None, "absent", len(found))

    def probe(self, name: str) -> Answer:
        if name in self.dead:
            return Answer(name, AgentState(e.OFF, detail="no route"))
        alive = self.record(name, 5_000)
        word = self.words.get(name, AgentState(e.RUNNING, sequence=alive.sequence, heard_ms=alive.last_heartbeat_ms))
        return Answer(name, word, self.state(name), None, NOW, self.offsets.get(name, 0), 20)

    @property
    def own(self) -> SharedState | None:
        return self.state(HERE) if self.here else None

    def probes(self) -> dict[str, Answer]:
        return {name: self.probe(name) for name in NAMES}

    def matrix(self) -> Matrix:
        return matrix(fleet(), self.probes(), self.own, NOW)

    def validate(self) -> Any:
        told = self.probes()
        state = merge_replicas(self.own, told.values(), NOW)
        assert state is not None
        return validate(fleet(), state, NOW, known=knowledge(told.values()), matrix=self.matrix())


def fleet() -> Fleet:
    return Fleet(Machine.of(name, {}) for name in NAMES)


def told(found: Matrix) -> set[tuple[str, str]]:
    return {(reason.kind, reason.machine_id) for reason in found.findings}


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
    judged = validate(fleet(), own, NOW, known=knowledge(answers.values()), matrix=found)
    assert {row.observed for row in judged.verdicts if row.machine_id == "web1"} == {"left"}
    assert own_word(found, "web1", "en") == ("[left]" if word == e.NOT_RUNNING else own_word(found, "web1", "en"))


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
    known = replace(knowledge([first, second]), looked=looked_at(pool, None, [first, second]))
    judged = validate(fleet(), pool, NOW + 600_000, known=known)
    assert {row.observed for row in judged.verdicts} == {"online"}
