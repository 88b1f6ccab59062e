"""The view in bounds, whatever lies in the share, and what the keeper knows of machines that left."""

import json
import os
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from roosync_ops.agent import share, view_writer
from roosync_ops.state.shared import FILE_DELETED, ROLLED_BACK, assemble
from roosync_ops.wire.files import read_file
from roosync_ops.wire.folder import read_shared
from roosync_ops.wire.merge import merge
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, heartbeat, ours, put, put_view
from tests.kits.virtual_agent import Rig, VirtualClock

Make = Callable[..., Rig]


def test_of_a_flooded_share_the_living_are_kept_and_none_of_it_is_read_at_once(
    make_rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    rig = make_rig("a", clock=clock)
    for number in range(400):
        put(rig.shared, heartbeat(f"m{number:03}", age_ms=900_000 + number))
    alive = make_rig("z", clock=clock)
    opened: list[str] = []

    def noted(path: str, limit: int) -> bytes:
        opened.append(path)
        return read_file(path, limit)

    monkeypatch.setattr("roosync_ops.wire.folder.read_file", noted)
    for _ in range(12):
        opened.clear()
        rig.beat(10)
        assert len(opened) <= share.MAX_FILES
    alive.beat()
    for _ in range(12):
        rig.beat(10)
        alive.beat()
    assert {"a", "z"} <= set(rig.view()["heartbeats"])
    assert len(rig.view()["heartbeats"]) == view_writer.MAX_MACHINES


def test_behind_more_dead_machines_than_are_read_at_once_the_next_one_keeps_the_view(make_rig: Make) -> None:
    clock = VirtualClock()
    rig, first = make_rig("z", clock=clock), make_rig("y", clock=clock)
    for number in range(400):
        put(rig.shared, ours(f"m{number:03}", age_ms=900_000))
    rig.beat()
    assert rig.notes()["view"]["keeper"] == "z"
    first.beat()
    for _ in range(12):
        rig.beat(1)
    assert rig.notes()["view"]["keeper"] == "y"
    rig.beat(300)
    for _ in range(12):
        rig.beat(1)
    assert rig.notes()["view"]["keeper"] == "z"


def test_what_is_larger_than_an_agent_reads_is_rebuilt_without_it(rig: Rig) -> None:
    view = {"heartbeats": {f"m{number}": heartbeat(f"m{number}") for number in range(5_000)}}
    rig.view_path.write_text(json.dumps(view))
    for _ in range(4):
        rig.beat(30)
    assert set(rig.view()["heartbeats"]) == {"myia-web1"}
    assert [json.loads(raw) for raw in rig.set_aside().values()] == [view]


def test_a_view_that_the_past_of_others_makes_too_large_is_written_once_without_it(rig: Rig) -> None:
    for number in range(33):
        put(rig.shared, ours(f"m{number:03}", 10**8, upIntervals=["x" * 120] * 64, stops=["x" * 120] * 64))
    for _ in range(3):
        rig.beat(30)
    before = rig.view_path.stat()
    rig.beat(30)
    assert len(rig.view()["heartbeats"]) == 34
    assert before.st_size <= share.MAX_VIEW_BYTES
    assert rig.view_path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("extra", [1, 60_000])
def test_the_view_that_is_written_can_be_read_again_whatever_older_records_carry(rig: Rig, extra: int) -> None:
    for number in range(20):
        put(rig.shared, heartbeat(f"m{number}", extra="x" * extra))
    put_view(rig.shared, *(heartbeat(f"v{number}", extra="x" * 20_000) for number in range(10)))
    for _ in range(3):
        rig.beat(30)
    assert len(rig.view()["heartbeats"]) == 31
    assert rig.view_path.stat().st_size <= share.MAX_VIEW_BYTES


def test_many_that_are_silent_stay_in_the_view_with_what_it_proves_and_it_is_written_once(rig: Rig) -> None:
    up = [f"{to_iso(NOW - hour * 3_600_000)}/{to_iso(NOW - hour * 3_600_000 + 1)}" for hour in range(99, 35, -1)]
    for number in range(60):
        put(rig.shared, ours(f"m{number:03}", 10**8, sequence=1_000 + number, upIntervals=up))
    for _ in range(3):
        rig.beat(30)
    before = rig.view_path.stat()
    rig.beat(30)
    assert rig.view_path.stat().st_mtime_ns == before.st_mtime_ns
    assert before.st_size <= share.MAX_VIEW_BYTES
    agents = [rig.view()["heartbeats"][f"m{number:03}"]["agent"] for number in range(60)]
    assert [agent["sequence"] for agent in agents] == [*range(1_000, 1_060)]
    assert [agent["upIntervals"] for agent in agents if "upIntervals" in agent] == [up] * view_writer.MAX_PASTS


def test_a_file_that_is_just_arriving_keeps_its_machine_in_the_view(make_rig: Make) -> None:
    clock = VirtualClock()
    rig, other = make_rig("a", clock=clock), make_rig("b", clock=clock)
    for each in (rig, other, rig):
        each.beat()
    other.own.write_bytes(b"")
    rig.view_path.unlink()
    rig.beat(30)
    assert set(rig.view()["heartbeats"]) == {"a", "b"}


def test_the_last_keeper_to_leave_says_so_in_the_view(rig: Rig) -> None:
    rig.beat()
    rig.loop.leave()
    assert rig.view()["offlineMachines"] == ["myia-web1"]


@pytest.mark.parametrize("restart", [False, True])
def test_what_the_keeper_knew_of_a_machine_that_left_outlives_its_file_and_the_view_at_once(
    make_rig: Make, restart: bool
) -> None:
    """One older service wrote its memory over every file as another wrote its own over the view."""
    clock = VirtualClock()
    keeper_, left = make_rig("a", clock=clock), make_rig("b", clock=clock)
    for _ in range(3):
        keeper_.beat(30)
        left.beat()
    memory = left.own.read_bytes()
    clock.advance(30)
    left.loop.leave()
    keeper_.beat()
    keeper_.beat(30)
    left.own.write_bytes(memory)
    keeper_.view_path.write_bytes(json.dumps({"heartbeats": {"c": heartbeat("c", 0, clock.wall_ms())}}).encode())
    if restart:
        keeper_.boot()
    keeper_.beat(30)
    entry = keeper_.view()["heartbeats"]["b"]
    assert (entry["status"], entry["agent"]["state"]) == ("offline", "left")
    assert entry["agent"]["upIntervals"] == left.notes()["record"]["agent"]["upIntervals"]
    assert left.own.read_bytes() == memory  # nobody writes another machine's file


@pytest.mark.parametrize("what", ["rolled back", "deleted"])
def test_a_machine_that_left_has_left_whatever_is_done_to_its_file_and_the_view_before_anybody_read_them(
    rig: Rig, what: str
) -> None:
    """The keeper leaves, and an older service saves its memory before the next one has read a word of it."""
    for _ in range(3):
        rig.beat(30)
    memory = rig.own.read_bytes()
    rig.clock.advance(30)
    rig.loop.leave()
    ups = rig.record()["agent"]["upIntervals"]
    rig.view_path.unlink()
    rig.own.write_bytes(memory)
    os.utime(rig.own, ns=(rig.clock.wall_ns + 10**9,) * 2)
    if what == "deleted":
        rig.own.unlink()
    state = assemble("share", read_shared(str(rig.shared), rig.clock.wall_ms() + 60_000))
    known = state.machines["myia-web1"].record
    assert known.has_left
    assert known.agent["upIntervals"] == ups
    named = {"rolled back": ROLLED_BACK, "deleted": FILE_DELETED}[what]
    assert [(item.file, item.kind) for item in state.findings] == [("heartbeats/myia-web1.json", named)]
    rig.boot()
    rig.beat(30)
    state = assemble("share", read_shared(str(rig.shared), rig.clock.wall_ms()))
    assert state.machines["myia-web1"].record.agent["state"] == "running"
    assert not list(rig.shared.rglob("*.left"))  # a machine that runs says so once


def test_what_the_keeper_remembers_is_bounded_whatever_others_put_into_the_view(rig: Rig) -> None:
    for number in range(400):
        put(rig.shared, heartbeat(f"m{number:03}", 10**7 + number, note="x" * 1_500))
    for _ in range(4):
        rig.beat(30)
    remembered = zlib.decompress(bytes.fromhex(rig.notes()["remembered"]))
    assert 1_500 < len(remembered) <= view_writer.MAX_REMEMBERED_BYTES + 200
    assert len(json.loads(remembered)["heartbeats"]) > 16
    assert rig.notes()["record"] is not None


def test_of_a_machine_that_left_the_keepers_own_record_tells_where_file_and_view_are_both_overwritten(
    make_rig: Make,
) -> None:
    """The view belongs to whoever wrote it last; our own file is nobody else's."""
    clock = VirtualClock()
    keeper_, left = make_rig("a", clock=clock), make_rig("b", clock=clock)
    for _ in range(3):
        keeper_.beat(30)
        left.beat()
    memory = left.own.read_bytes()
    left.loop.leave()
    keeper_.beat(30)
    assert "knows" not in keeper_.record()["agent"]
    left.own.write_bytes(memory)
    for _ in range(2):
        keeper_.beat(30)
    keeper_.view_path.write_bytes(json.dumps({"heartbeats": {"b": json.loads(memory)}}).encode())
    found = merge(read_shared(str(keeper_.shared), clock.wall_ms()).evidence, clock.wall_ms())["b"]
    assert found.record.has_left
    left.boot()
    left.beat(30)
    for _ in range(2):
        keeper_.beat(30)
    assert "knows" not in keeper_.record()["agent"]


def test_what_was_undone_once_stays_known_while_its_machine_is_gone(make_rig: Make) -> None:
    """Where several older services write, each undoes it again, and a reader sees any of them."""
    clock = VirtualClock()
    keeper_, left = make_rig("a", clock=clock), make_rig("b", clock=clock)
    for _ in range(3):
        keeper_.beat(30)
        left.beat()
    memory = left.own.read_bytes()
    left.loop.leave()
    word = left.own.read_bytes()
    keeper_.beat(30)
    for now_there in (memory, word):
        left.own.write_bytes(now_there)
        for _ in range(2):
            keeper_.beat(30)
        assert set(keeper_.record()["agent"]["knows"]) == {"b"}


def test_what_a_record_says_it_knows_is_bounded_and_hostile(rig: Rig) -> None:
    known = {f"m{number}": {**heartbeat(f"m{number}"), "agent": {"sequence": 3}} for number in range(500)}
    knows: dict[str, Any] = {"x": 7, "../evil": heartbeat("x"), "con": {}, "deep": {"agent": {"knows": known}}, **known}
    put(rig.shared, ours("z", knows=knows))
    found = {piece.record.machine_id for piece in read_shared(str(rig.shared), NOW).evidence}
    assert {"m0", "z"} <= found
    assert len(found) <= 34
    assert "evil" not in "".join(found)


def test_a_keeper_without_memory_takes_what_was_put_into_a_machines_file_for_no_word_of_it(make_rig: Make) -> None:
    """An older service takes `x` for `myia-x`, which left; the view alone still knows, and its entry has no past."""
    rig = make_rig("a")
    left = ours("myia-x", 7_200_000, sequence=90, state="left", leftAt=to_iso(NOW - 7_100_000))
    x = {**ours("x", 5_000, sequence=500), "metadata": {"firstSeen": to_iso(NOW - 90_000_000)}}
    put_view(rig.shared, left, x)
    put(rig.shared, x)
    put(rig.shared, {**x, "machineId": "myia-x"}, "myia-x.json")
    rig.beat()
    assert rig.view()["heartbeats"]["myia-x"]["agent"]["state"] == "left"
    assert rig.view()["onlineMachines"] == ["a", "x"]
