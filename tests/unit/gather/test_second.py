"""Who is asked when, and what no answer amounts to: each with a way to the machines that is only played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.second import CONFIRM_S, Second, Ssh
from roosync_ops.gather.validation import judged
from roosync_ops.judge import AgentState, Knowledge, probes
from roosync_ops.judge import ProbeResult as Answer
from roosync_ops.judge.verdict import Basis
from roosync_ops.state.folder import read_folder
from roosync_ops.state.seen import Seen
from tests.kits.shares import NOW, ours, put

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from roosync_ops.judge import Verdict

NAMES = ("a", "b", "c", "d")
_DIRECTLY: Mapping[str, Machine] = {}
FLEET = Fleet([Machine.of(name, {}) for name in NAMES])


class Way(Ssh):
    """Answers `words` (off where there is none); `reach`: whose port each witness takes."""

    def __init__(self, reach: dict[str, frozenset[str]] | None = None, /, **words: str) -> None:
        self.words = words
        self.indirect: dict[str, str] = {}
        self.reach = {"a": frozenset[str]()} if reach is None else reach
        self.asked: list[list[str]] = []
        self.knocked: list[list[str]] = []
        self.states: dict[str, Any] = {}

    def ask(
        self, machines: Sequence[Machine], *, with_state: bool, through: Mapping[str, Machine] = _DIRECTLY
    ) -> dict[str, Answer]:
        self.asked.append([one.machine_id for one in machines])
        words = {name: self.indirect.get(name, probes.OFF) for name in through} or self.words
        return {one.machine_id: self._one(one.machine_id, words, with_state=with_state) for one in machines}

    def _one(self, name: str, words: Mapping[str, str], *, with_state: bool) -> Answer:
        word = words.get(name, probes.OFF)
        said: dict[str, Any] = {} if word in (probes.OFF, probes.REFUSED) else {"since_ms": NOW - 5_000, "sequence": 9}
        state = self.states.get(name) if with_state else None
        return Answer(name, AgentState(word, detail="timed out", **said), state, read_ms=NOW)

    def knock(self, witnesses: Sequence[Machine], targets: Sequence[Machine]) -> dict[str, frozenset[str]]:  # noqa: ARG002 - it is played
        self.knocked.append([one.machine_id for one in witnesses])
        return {one.machine_id: self.reach[one.machine_id] for one in witnesses if one.machine_id in self.reach}


class Stamps:
    """A reader without a memory."""

    def learn(self, _: Any) -> Knowledge:
        return Knowledge()


STAMPS = Stamps()


def look(shared: Path, asks: Second, fleet: Fleet = FLEET, by: Stamps = STAMPS, /, **ages: int) -> dict[str, Verdict]:
    for name in NAMES:
        put(shared, ours(name, ages.get(name, 1_000), sequence=5))
    found = judged(read_folder(shared, NOW), fleet, None, by, asks)  # type: ignore[arg-type]  # learn() is all of it
    return {row.machine_id: row for row in found.verdicts}


def test_a_fleet_that_is_as_expected_is_never_asked(tmp_path: Path) -> None:
    way = Way()
    look(tmp_path, Second(FLEET, way))
    assert (way.asked, way.knocked) == ([], [])


def test_those_in_doubt_are_asked_and_only_those(tmp_path: Path) -> None:
    way = Way(b=probes.RUNNING, c=probes.NOT_RUNNING)
    rows = look(tmp_path, Second(FLEET, way), b=214_000, c=130_000)
    assert way.asked == [["b", "c"]]
    assert [rows[name].observed for name in NAMES] == ["online", "online", "offline", "online"]


def test_no_answer_counts_where_a_machine_that_was_reached_has_none_either(tmp_path: Path) -> None:
    way = Way()
    rows = look(tmp_path, Second(FLEET, way), b=130_000)
    assert way.knocked == [["a", "c", "d"]]
    assert (rows["b"].observed, rows["b"].rests_on) == ("offline", Basis.UNREACHABLE)


def test_a_cut_between_here_and_a_machine_is_told_as_that(tmp_path: Path) -> None:
    rows = look(tmp_path, Second(FLEET, Way({"c": frozenset("b")})), b=130_000)
    reason = rows["b"].reason
    assert reason is not None
    assert (reason.kind, reason.facts["detail"]) == ("cut-off-from-here", "c")
    assert rows["b"].rests_on == Basis.COULD_NOT_ASK


@pytest.mark.parametrize(("word", "observed"), [(probes.RUNNING, "online"), (probes.NOT_RUNNING, "offline")])
def test_a_machine_that_only_another_reaches_is_asked_through_that(tmp_path: Path, word: str, observed: str) -> None:
    way = Way({"c": frozenset("b")})
    way.indirect["b"] = word
    found = look(tmp_path, Second(FLEET, way), b=130_000)["b"]
    assert (found.observed, found.rests_on) == (observed, Basis.ASKED)
    assert found.probe is not None
    assert found.probe.through == "c"


def test_a_machine_with_winrm_is_not_asked_through_another(tmp_path: Path) -> None:
    way = Way({"c": frozenset("b")})
    fleet = Fleet(
        [*(one for one in FLEET if one.machine_id != "b"), Machine.of("b", {"transport": "winrm", "system": "windows"})]
    )
    rows = look(tmp_path, Second(fleet, way), fleet, b=130_000)
    assert (way.asked[0], rows["b"].rests_on) == (["b"], Basis.COULD_NOT_ASK)


def test_what_other_replicas_show_tells_of_a_machine_that_cannot_be_asked(tmp_path: Path) -> None:
    way = Way(a=probes.RUNNING, b=probes.REFUSED)
    (tmp_path / "a").mkdir()
    put(tmp_path / "a", ours("b", 10_000, sequence=9))
    way.states["a"] = read_folder(tmp_path / "a", NOW)
    asks = Second(FLEET, way, clock=lambda: 0.0)
    found = look(tmp_path, asks, b=500_000)["b"]
    assert (found.observed, found.rests_on) == ("online", Basis.ELSEWHERE)
    assert way.asked == [["b"], ["a", "c", "d"]]
    look(tmp_path, asks, b=500_000)
    assert len(way.asked) == 2, "asked again at once"


def test_a_wrong_clock_that_the_keeper_noted_is_known_from_another_replica_too(tmp_path: Path) -> None:
    way = Way(a=probes.RUNNING, b=probes.REFUSED)
    (tmp_path / "a").mkdir()
    put(tmp_path / "a", ours("c", 1_000, sequence=6, late={"clocks": {"b": -3_600_000}}))
    way.states["a"] = read_folder(tmp_path / "a", NOW)
    found = look(tmp_path, Second(FLEET, way), b=3_620_000)["b"]
    assert (found.observed, found.age_ms) == ("online", 20_000)


def test_who_judges_by_arrivals_asks_as_soon_as_a_stamp_is_too_old(tmp_path: Path) -> None:
    class Arrived(Stamps):
        """A reader to whom every beat came in just now."""

        def learn(self, _: Any) -> Knowledge:
            b = Seen(NOW - 900_000, NOW, 5, None, NOW - 130_000, NOW - 20_000, NOW - 10_000)
            return Knowledge(seen={"b": b}, patience_ms=0)

    way = Way(b=probes.NOT_RUNNING)
    assert look(tmp_path, Second(FLEET, way), FLEET, Arrived(), b=130_000)["b"].observed == "offline"
    assert way.asked == [["b"]]


def test_a_computer_that_reaches_nobody_calls_nobody_unreachable(tmp_path: Path) -> None:
    rows = look(tmp_path, Second(FLEET, Way({})), b=130_000)
    assert rows["b"].rests_on == Basis.COULD_NOT_ASK
    assert rows["b"].probe is not None
    assert rows["b"].probe.agent.kind == probes.UNASKED


def test_the_only_machine_there_is_needs_no_witness(tmp_path: Path) -> None:
    put(tmp_path, ours("a", 130_000))
    way, alone = Way(), Fleet([Machine.of("a", {})])
    found = judged(read_folder(tmp_path, NOW), alone, None, Stamps(), Second(alone, way))  # type: ignore[arg-type]
    assert (found.verdicts[0].rests_on, way.knocked) == (Basis.UNREACHABLE, [])


def test_a_replica_that_stands_still_makes_nobody_offline(tmp_path: Path) -> None:
    way = Way(**dict.fromkeys(NAMES, probes.RUNNING))
    rows = look(tmp_path, Second(FLEET, way), **dict.fromkeys(NAMES, 900_000))
    assert {row.observed for row in rows.values()} == {"online"}


def test_what_other_replicas_show_settles_a_suspect_observer_though_some_cannot_be_asked(tmp_path: Path) -> None:
    fresh, own = tmp_path / "fresh", tmp_path / "own"
    for place in (fresh, own):
        place.mkdir()
    for name in NAMES:
        put(fresh, ours(name, 1_000, sequence=9))
    way = Way(a=probes.RUNNING, b=probes.RUNNING, c=probes.REFUSED, d=probes.REFUSED)
    way.states = dict.fromkeys(NAMES, read_folder(fresh, NOW))
    rows = look(own, Second(FLEET, way), **dict.fromkeys(NAMES, 900_000))
    assert {row.observed for row in rows.values()} == {"online"}


def test_who_watches_tries_twice_before_nobody_answers(tmp_path: Path) -> None:
    now = 100.0
    way = Way()
    asks = Second(FLEET, way, confirm_s=CONFIRM_S, clock=lambda: now)
    assert look(tmp_path, asks, b=130_000)["b"].rests_on == Basis.NOT_ASKED
    assert asks.unsettled
    now += CONFIRM_S
    assert look(tmp_path, asks, b=130_000)["b"].rests_on == Basis.UNREACHABLE
    assert not asks.unsettled


def test_witnesses_that_are_not_reached_are_the_last_to_be_tried_again(tmp_path: Path) -> None:
    """Three of them cut off from this computer for hours must not hide a fourth that is reached."""
    fleet = Fleet([*FLEET, Machine.of("e", {}), Machine.of("f", {})])
    for name in ("e", "f"):
        put(tmp_path, ours(name, 1_000, sequence=5))
    now = 100.0
    way = Way({"f": frozenset()}, f=probes.RUNNING)
    asks = Second(fleet, way, clock=lambda: now)
    assert look(tmp_path, asks, fleet, b=130_000)["b"].rests_on == Basis.COULD_NOT_ASK
    now += 30
    assert look(tmp_path, asks, fleet, b=130_000)["b"].rests_on == Basis.UNREACHABLE
    assert (way.knocked[0], way.knocked[-1][0]) == (["a", "c", "d"], "f")


def test_a_machine_known_to_give_no_answer_is_the_last_witness(tmp_path: Path) -> None:
    now = 100.0
    way = Way({"d": frozenset()})
    asks = Second(FLEET, way, clock=lambda: now)
    look(tmp_path, asks, a=130_000)
    now += 10
    look(tmp_path, asks, a=130_000, b=130_000)
    assert way.knocked == [["b", "c", "d"], ["d", "a", "c"]]


@pytest.mark.parametrize(
    ("word", "times"),
    [
        (probes.OFF, [0, 30, 90, 210, 510, 810]),
        (probes.UNCLEAR, [0, *range(30, 1000, 60)]),
    ],
)
def test_who_stays_in_doubt_is_asked_again_after_30_60_120_and_300_s_or_each_minute_where_its_port_answers(
    tmp_path: Path, word: str, times: list[int]
) -> None:
    asked = []
    now = 0.0
    way = Way(b=word)
    asks = Second(FLEET, way, clock=lambda: now)
    for second in range(0, 1000, 30):
        now = float(second)
        before = len(way.asked)
        look(tmp_path, asks, b=130_000)
        asked += [second] if ["b"] in way.asked[before:] else []
    assert asked == times


def test_a_machine_that_said_it_lives_is_asked_again_before_that_word_is_too_old(tmp_path: Path) -> None:
    asked = []
    now = 0.0
    way = Way(b=probes.RUNNING)
    asks = Second(FLEET, way, clock=lambda: now)
    for second in range(0, 500, 30):
        now = float(second)
        before = len(way.asked)
        look(tmp_path, asks, b=214_000)
        asked += [second] if len(way.asked) > before else []
    assert asked == [0, 30, 90, 180, 270, 360, 450]


def test_who_was_asked_about_others_and_comes_into_doubt_is_asked_at_once(tmp_path: Path) -> None:
    now = 0.0
    way = Way(a=probes.RUNNING, b=probes.REFUSED)
    asks = Second(FLEET, way, clock=lambda: now)
    for second in (0.0, 30.0, 90.0, 210.0, 220.0):
        now = second
        look(tmp_path, asks, b=500_000)
    assert way.asked[-1] == ["a", "c", "d"]
    way.words["a"] = probes.NOT_RUNNING
    assert look(tmp_path, asks, a=130_000, b=500_000)["a"].observed == "offline"


def test_a_doubt_that_is_over_is_forgotten(tmp_path: Path) -> None:
    way = Way(b=probes.NOT_RUNNING)
    asks = Second(FLEET, way, clock=lambda: 0.0)
    look(tmp_path, asks, b=130_000)
    assert look(tmp_path, asks)["b"].observed == "online"
    look(tmp_path, asks, b=130_000)
    assert len(way.asked) == 2


@pytest.mark.parametrize("word", [probes.RUNNING, probes.OFF])
def test_always_asks_everybody(tmp_path: Path, word: str) -> None:
    way = Way(**dict.fromkeys(NAMES, word))
    look(tmp_path, Second(FLEET, way, everybody=True))
    assert way.asked == [list(NAMES)]
