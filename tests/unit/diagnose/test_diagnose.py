"""What rests on what: the cause is what is in the way, not what follows from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import HERE
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import DiagnosisInput
from roosync_ops.judge.probes import Builds
from roosync_ops.show.diagnosis import cause_sentence
from roosync_ops.show.text import Style
from roosync_ops.transport.link import Failure
from roosync_ops.wire.record import OF_A_TWIN, OF_THE_PAST
from tests.kits.shares import NOW, ours
from tests.unit.diagnose.builders import (
    NAMES,
    a_scene,
    a_sight,
    a_view,
    an_agent,
    cause_of,
    checks_of,
    fleet,
    not_reached,
    old_record,
    seen_in,
)
from tests.unit.diagnose.provoked import PROVOKED

if TYPE_CHECKING:
    from pathlib import Path


ORDER = [
    "resolves",
    "answers",
    "host key",
    "login",
    "identity",
    "python",
    "agent",
    "permanence",
    "loop",
    "beat",
    "share",
    "writable",
    "uploads",
    "downloads",
    "clock",
    "twins",
    "old services",
    "zombie",
    "expected",
]


def test_the_checks_stand_in_the_order_of_the_issue(tmp_path: Path) -> None:
    assert [check.name for check in cause_of(a_scene(tmp_path)).checks] == ORDER


def test_all_checks_of_a_machine_that_is_well_are_ok(tmp_path: Path) -> None:
    assert set(checks_of(cause_of(a_scene(tmp_path))).values()) == {"ok"}


def test_what_was_not_reached_is_unknown_and_not_bad(tmp_path: Path) -> None:
    checks = checks_of(cause_of(a_scene(tmp_path, not_reached("LOGIN_REFUSED"))))
    assert [checks[name] for name in ORDER[:5]] == ["ok", "ok", "ok", "not ok", "unknown"]
    assert checks["loop"] == checks["share"] == checks["clock"] == "unknown"


def test_a_loop_that_waits_for_its_share_is_no_zombie(tmp_path: Path) -> None:
    agent = an_agent(beat_ms=NOW - 3_600_000, share_state="hung", share_since="2026-02-12T09:16:00.000Z")
    row = cause_of(a_scene(tmp_path, a_sight(agent=agent), old_record()))
    assert row.cause == "share-hung"
    assert checks_of(row)["zombie"] == "not ok"


def test_a_dead_agent_without_a_share_is_told_the_share_first(tmp_path: Path) -> None:
    agent = an_agent(running=False, beat_ms=NOW - 3_600_000)
    sight = a_sight(agent=agent, share=("SHARE_MISSING", "there is no such folder", "look"))
    assert cause_of(a_scene(tmp_path, sight, old_record())).cause == "share-missing"


def test_an_outdated_agent_that_is_dead_is_dead_first(tmp_path: Path) -> None:
    sight = a_sight(agent=an_agent(running=False), builds=Builds(agent=False, config=True, loop=True))
    assert cause_of(a_scene(tmp_path, sight)).cause == "agent-dead"


def test_beats_that_are_later_than_its_own_are_of_a_loop_elsewhere(tmp_path: Path) -> None:
    """As after a change of local_dir: `restart` would find a loop that runs, and end nothing."""
    agent = an_agent(running=False, beat_ms=NOW - 40_000, sequence=7)
    row = cause_of(a_scene(tmp_path, a_sight(agent=agent), ours("m", 10_000, sequence=8)))
    assert (row.cause, row.fix) == ("beats-from-elsewhere", None)


def test_a_loop_that_has_just_come_up_is_given_time(tmp_path: Path) -> None:
    agent = an_agent(started_ms=NOW - 5_000, sequence=None, beat_ms=None)
    row = cause_of(a_scene(tmp_path, a_sight(agent=agent)))
    assert row.cause == "well"
    assert checks_of(row)["beat"] == "unknown"


def test_with_one_observer_and_one_machine_the_observer_is_the_suspect(tmp_path: Path) -> None:
    state = a_view(tmp_path / "share", old_record(), without=["one", "two"])
    scene = DiagnosisInput(Fleet([Machine.of("m", {})]), NOW, {"m": a_sight()}, state)
    assert cause_of(scene, None).cause == "own-replica-stale"
    assert cause_of(scene).cause == "well"


def test_an_observer_is_not_stale_for_want_of_beats_that_reach_nobody(tmp_path: Path) -> None:
    """Where all but one are dead, and that one's uploads have stalled, no replica is to blame."""
    dead = {
        name: a_sight(name, an_agent(running=False, beat_ms=NOW - 3_600_000, sequence=2)) for name in ("one", "two")
    }
    state = a_view(tmp_path / "share", *(old_record(name) for name in NAMES))
    own = a_view(tmp_path / "own", old_record("one"), old_record("two"))
    views = {"one": state, "two": state, "m": own, HERE: state}
    scene = seen_in(DiagnosisInput(fleet(), NOW, {**dead, "m": a_sight()}), views)
    assert [row.cause for row in diagnose(scene).machines] == ["agent-dead", "agent-dead", "uploads-stalled"]
    assert cause_of(scene, None).ok


def test_a_replica_that_shows_the_last_beats_of_the_dead_alone_may_still_be_stale(tmp_path: Path) -> None:
    dead = a_sight("one", an_agent(running=False, beat_ms=NOW - 3_600_000, sequence=2))
    fresh = a_view(tmp_path / "fresh", old_record("one"))
    stale = a_view(tmp_path / "stale", old_record("one"), old_record("two"))
    sights = {"one": dead, "two": a_sight("two"), "m": a_sight()}
    scene = seen_in(DiagnosisInput(fleet(), NOW, sights), {"one": fresh, "two": fresh, "m": stale, HERE: fresh})
    assert cause_of(scene).cause == "downloads-stalled"


@pytest.mark.parametrize("hours", [-1, 1])
def test_ages_of_beats_in_replicas_are_taken_by_one_clock(tmp_path: Path, hours: int) -> None:
    """A machine whose clock is an hour off: its beats are told fresh by its own clock, and the clock is the cause."""
    off = hours * 3_600_000
    agent = an_agent(beat_ms=NOW + off - 10_000, now_ms=NOW + off, started_ms=NOW + off - 60_000)
    sight = a_sight(agent=agent, offset_ms=off)
    row = cause_of(a_scene(tmp_path, sight, ours("m", 10_000 - off)))
    assert (row.cause, row.observed) == ("clock-wrong", "online")
    checks = checks_of(row)
    assert checks["beat"] == checks["uploads"] == checks["zombie"] == "ok"


def test_where_all_clocks_agree_and_not_with_this_one_no_machine_is_told_to_set_its_own(tmp_path: Path) -> None:
    scene = PROVOKED["own-clock-wrong"][1](tmp_path)
    assert {checks_of(cause_of(scene, name))["clock"] for name in NAMES} == {"ok"}
    assert {one.kind for one in scene.matrix.findings} == {"reader-clock-wrong"}, "matrix and diagnose say the same"


def test_a_machine_that_is_expected_off_and_off_is_as_expected(tmp_path: Path) -> None:
    row = cause_of(PROVOKED["expected-off"][1](tmp_path))
    assert row.ok
    assert row.command == ""


def test_without_names_it_is_the_whole_fleet_in_its_order(tmp_path: Path) -> None:
    found = diagnose(a_scene(tmp_path))
    assert [row.machine_id for row in found.machines] == list(NAMES)
    assert found.ok


def test_a_note_leaves_a_machine_as_expected(tmp_path: Path) -> None:
    row = cause_of(PROVOKED["conflict-copies"][1](tmp_path))
    assert row.ok
    assert not row.well


def test_commands_fit_the_machine_and_its_system(tmp_path: Path) -> None:
    refused = replace(not_reached("LOGIN_REFUSED"), login=("ssh", "-p", "2222", "me@m.local"))
    posix = cause_of(a_scene(tmp_path, refused))
    assert posix.command == "ssh-copy-id -p 2222 me@m.local"
    windows = cause_of(a_scene(tmp_path, refused, fleet=fleet(system="windows")))
    assert windows.command == "roosync-ops bootstrap windows"
    mends = "ssh-add '/home/me/my keys/id'"
    assert refused.failure is not None
    assert refused.reach is not None
    named = replace(refused, failure=refused.failure._replace(hint=mends))
    assert cause_of(a_scene(tmp_path, named)).command == posix.command, "a text alone says nothing"
    locked = replace(named, reach=replace(refused.reach, hint=mends))
    for machines in (fleet(), fleet(system="windows")):  # the key is there already
        assert cause_of(a_scene(tmp_path, locked, fleet=machines)).command == mends
    changed = replace(not_reached("HOST_KEY_CHANGED", port=2222), known_hosts="/k")
    assert cause_of(a_scene(tmp_path, changed)).command.startswith("ssh-keygen -f /k -R '[m.local]:2222'")


def test_nothing_is_said_of_a_way_that_nobody_saw(tmp_path: Path) -> None:
    """Behind a jump host nothing is seen from here: neither that the machine answers, nor that its key was right."""
    unseen = checks_of(cause_of(a_scene(tmp_path / "a", not_reached("UNREACHABLE", addresses=(), met=False))))
    words = ("resolves", "answers", "host key", "login")
    assert [unseen[word] for word in words] == ["unknown", "unknown", "unknown", "not ok"]
    met = checks_of(cause_of(a_scene(tmp_path / "b", not_reached("UNREACHABLE", addresses=("::1",), met=True))))
    assert [met[word] for word in words] == ["ok", "ok", "unknown", "not ok"]


def test_only_who_took_a_connection_is_said_to_be_on(tmp_path: Path) -> None:
    refused = cause_of(a_scene(tmp_path, not_reached("REFUSED")))
    for lang in ("en", "fr"):
        told = cause_sentence(refused, Style(lang))
        assert "m.local" in told
        assert " on," not in told
        assert "allumée" not in told


def test_an_old_machine_stays_in_the_list_whatever_the_share_shows(tmp_path: Path) -> None:
    empty = a_view(tmp_path / "empty", without=NAMES)
    scene = DiagnosisInput(fleet(), NOW, {}, empty)
    assert [row.observed for row in diagnose(scene).machines] == ["unknown"] * 3


@pytest.mark.parametrize("kind", [OF_A_TWIN, OF_THE_PAST, None])
def test_what_last_happened_long_ago_is_over(tmp_path: Path, kind: str | None) -> None:
    past: dict[str, Any] = {
        "rewrites": 2,
        "rewrite": "of another",
        "rewrite_kind": kind,
        "rewritten_ms": NOW - 7_200_000,
    }
    erased: dict[str, Any] = {"erasures": 3, "erased_by": "m", "erased_ms": NOW - 7_200_000}
    assert cause_of(a_scene(tmp_path, a_sight(agent=an_agent(**past, **erased)))).cause == "well"


def test_without_a_replica_here_a_view_is_mended_only_in_one_of_a_machine_that_is_good(tmp_path: Path) -> None:
    whole, lost = a_view(tmp_path / "whole"), a_view(tmp_path / "lost", view=False)
    stale = a_view(tmp_path / "stale", *(old_record(name) for name in NAMES))
    scene = replace(seen_in(a_scene(tmp_path), {"m": stale, "one": lost, "two": whole}), orphans=None)
    here = cause_of(scene, None)
    assert (here.cause, {check.name: check.facts.get("via") for check in here.checks}["view"]) == (
        "view-missing",
        "one",
    )
    stuck = replace(scene.probes["one"], share=Failure("preflight", "SHARE_HUNG", "share /srv/share: hung", "look"))
    here = cause_of(replace(scene, probes={**scene.probes, "one": stuck}), None)
    assert (here.cause, {check.name: check.facts.get("via") for check in here.checks}["view"]) == ("well", "two")
    own = cause_of(seen_in(scene, {**scene.views, HERE: whole}), None)
    assert not any("via" in check.facts for check in own.checks)


@pytest.mark.parametrize(("count", "cause"), [(1, "well"), (2, "well"), (3, "old-writer-erases-view")])
def test_a_view_that_passed_to_another_keeper_once_was_erased_by_nobody(tmp_path: Path, count: int, cause: str) -> None:
    erased: dict[str, Any] = {"erasures": count, "erased_by": "m", "erased_ms": NOW - 20_000}
    assert cause_of(a_scene(tmp_path, a_sight(agent=an_agent(**erased)))).cause == cause


@pytest.mark.parametrize(
    ("began_ms", "cause"), [(NOW - 100_000, "well"), (NOW - 200_000, "uploads-stalled")], ids=["just-now", "long-ago"]
)
@pytest.mark.parametrize("known", [True, False], ids=["silent-for-long", "never-seen"])
def test_the_beats_of_a_loop_that_just_came_back_are_still_under_way(
    tmp_path: Path, began_ms: int, cause: str, *, known: bool
) -> None:
    scene = a_scene(tmp_path, a_sight(agent=an_agent(started_ms=began_ms)))
    old = [old_record(sequence=7 - (NOW - began_ms) // 30_000)] if known else []
    behind = a_view(tmp_path / "others", *old, without=["m"])
    scene = seen_in(scene, {**dict.fromkeys([*NAMES, HERE], behind), "m": scene.views["m"]})
    assert cause_of(scene).cause == cause
