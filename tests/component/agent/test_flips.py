"""The keeper notes what it saw of others: once, in its journal, and nothing that only a stalled share would show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from roosync_ops.agent.flips import MAX_FLIPS, MAX_KNOWN, late
from roosync_ops.wire.record import LATE
from tests.kits.shares import ours, put
from tests.kits.virtual_agent import Rig, VirtualClock

Make = Callable[..., Rig]


class Fleet:
    """`a` keeps the view; `b`, `c` and `d` beat into the same folder unless they are `dead`."""

    def __init__(self, make_rig: Make) -> None:
        self.clock = VirtualClock()
        self.rigs = {name: make_rig(name, clock=self.clock) for name in "abcd"}
        self.dead: set[str] = set()
        self.sequence = 1_000
        self.run(10)

    def run(self, beats: int) -> None:
        for _ in range(beats):
            self.clock.advance(30)
            for name, rig in reversed(self.rigs.items()):
                if name not in self.dead:
                    rig.loop.step()

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [(flip["machineId"], flip["from"], flip["to"]) for flip in self.rigs["a"].notes()["flips"]["last"]]


@pytest.fixture
def fleet(make_rig: Make) -> Fleet:
    return Fleet(make_rig)


def test_a_death_and_a_return_are_noted_once(fleet: Fleet) -> None:
    assert fleet.told == []
    fleet.dead.add("b")
    fleet.run(60)
    assert fleet.told == [("b", "online", "offline")]
    fleet.dead.clear()
    fleet.run(60)
    assert fleet.told == [("b", "online", "offline"), ("b", "offline", "online")]


def test_a_stop_on_purpose_is_left_and_never_offline(fleet: Fleet) -> None:
    fleet.rigs["b"].loop.leave()
    fleet.dead.add("b")
    fleet.run(60)
    assert fleet.told == [("b", "online", "left")]


def test_a_restart_of_the_keeper_notes_nothing_again(fleet: Fleet) -> None:
    fleet.dead.add("b")
    fleet.run(20)
    for _ in range(5):
        fleet.rigs["a"].boot()
        fleet.run(5)
    assert fleet.told == [("b", "online", "offline")]


def test_a_share_that_stands_still_accuses_nobody(fleet: Fleet) -> None:
    fleet.dead.update("bcd")
    fleet.run(60)
    assert fleet.told == []
    fleet.dead.clear()
    fleet.run(60)
    assert fleet.told == []


def test_a_keeper_that_was_asleep_for_a_night_accuses_nobody(fleet: Fleet) -> None:
    fleet.dead.add("a")
    fleet.run(200)
    fleet.dead.clear()
    fleet.run(60)
    assert fleet.told == []


def test_who_is_not_the_keeper_notes_nothing(fleet: Fleet) -> None:
    fleet.dead.add("b")
    fleet.run(60)
    assert fleet.rigs["c"].notes()["flips"]["last"] == []


def test_the_list_is_bounded(fleet: Fleet) -> None:
    for _ in range(MAX_FLIPS):
        fleet.dead.add("b")
        fleet.run(10)
        fleet.dead.clear()
        fleet.run(2)
    assert len(fleet.told) == MAX_FLIPS


def test_more_machines_than_the_journal_has_room_for_are_no_trouble(fleet: Fleet) -> None:
    for number in range(MAX_KNOWN + 50):
        put(fleet.rigs["a"].shared, ours(f"z-{number:04}", 1_000, fleet.clock.wall_ms()))
    fleet.run(2)
    notes: dict[str, Any] = fleet.rigs["a"].notes()
    assert len(notes["flips"]["known"]) <= MAX_KNOWN
    assert notes["record"]["machineId"] == "a"


def test_how_late_beats_arrive_is_in_the_keepers_record_alone(fleet: Fleet) -> None:
    fleet.run(20)
    noted = [rig.notes()["record"]["agent"].get(LATE) for rig in fleet.rigs.values()]
    assert noted[1:] == [None, None, None]
    assert noted[0]["day"] == noted[0]["hour"]
    assert noted[0]["day"][0] <= 90_000


def test_a_machine_that_was_off_was_not_late(fleet: Fleet) -> None:
    fleet.dead.add("b")
    fleet.run(15)
    fleet.dead.clear()
    fleet.run(10)
    assert fleet.rigs["a"].notes()["record"]["agent"][LATE]["day"][0] <= 90_000


def test_the_longest_silence_and_the_99th_percentile_are_of_the_last_hours() -> None:
    hour = 3_600_000
    notes: dict[str, Any] = {
        "known": {},
        "clocks": {},
        "late": {"10": [197, 2, *[0] * 17, 1, 0], "33": [50, *[0] * 20], "9": [0] * 20 + [1]},
    }
    assert late(notes, 33 * hour, 30_000) == {"hour": [30_000, 30_000], "day": [600_000, 60_000]}
    assert set(notes["late"]) == {"10", "33"}
    assert late(notes, 60 * hour, 30_000) == {}


def noted(fleet: Fleet, name: str = "a") -> dict[str, int] | None:
    """Return whose clocks `name` says to be wrong in its record."""
    found: dict[str, int] | None = fleet.rigs[name].notes()["record"]["agent"].get(LATE, {}).get("clocks")
    return found


def stamped(fleet: Fleet, name: str, off_ms: int, beats: int) -> None:
    """Let `name`, whose own loop is dead, beat by a clock that is `off_ms` from the others'."""
    for _ in range(beats):
        now = fleet.clock.wall_ms() + 1_000
        fleet.sequence += 1
        put(fleet.rigs["a"].shared, ours(name, -off_ms, now, sequence=fleet.sequence))
        fleet.run(1)


@pytest.mark.parametrize("off_ms", [-3_600_000, -601_000, 200_000, 3_600_000])
def test_a_clock_by_which_two_beats_cannot_have_come_is_in_the_keepers_record(fleet: Fleet, off_ms: int) -> None:
    fleet.dead.add("b")
    stamped(fleet, "b", off_ms, 1)
    fleet.run(1)
    assert noted(fleet) is None, "one beat may have been under way for long"
    stamped(fleet, "b", off_ms, 1)
    fleet.run(1)
    found = noted(fleet)
    assert found is not None
    assert list(found) == ["b"]
    assert off_ms - 60_000 <= found["b"] <= off_ms
    known = fleet.rigs["a"].notes()["flips"]["known"]
    assert {len(entry) for entry in known.values()} == {4}, "an older build reads them so after a rollback"
    fleet.rigs["a"].boot()
    fleet.run(1)
    assert noted(fleet) == found, "a restart forgets nobody"
    stamped(fleet, "b", 0, 1)
    fleet.run(1)
    assert noted(fleet) is None, "its clock was set"


@pytest.mark.parametrize("offs", [(-500_000, -500_000), (100_000, 100_000), (-3_600_000, -900_000)])
def test_beats_that_a_delay_or_a_stall_explains_make_no_clock_wrong(fleet: Fleet, offs: tuple[int, int]) -> None:
    fleet.dead.add("b")
    for off_ms in offs:
        stamped(fleet, "b", off_ms, 1)
    fleet.run(1)
    assert noted(fleet) is None


def test_what_a_keeper_noted_before_it_was_off_for_long_is_told_no_more(fleet: Fleet) -> None:
    fleet.dead.add("b")
    stamped(fleet, "b", -3_600_000, 3)
    fleet.run(1)
    assert noted(fleet) is not None
    fleet.clock.advance(7_200)
    fleet.rigs["a"].boot().step()
    assert noted(fleet) is None
