"""Who keeps the view, when it is written, and what becomes of one that others erase or break."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from roosync_ops.agent import share
from roosync_ops.agent.view_writer import can_keep
from roosync_ops.wire.record import Record
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, heartbeat, ours, put, put_view
from tests.kits.virtual_agent import Rig, VirtualClock

Make = Callable[..., Rig]


def record(age_ms: int = 0, **agent: Any) -> Record:
    data = ours("m1", age_ms=age_ms, **agent)
    return Record("m1", NOW - age_ms, data=data)


@pytest.mark.parametrize(
    ("candidate", "can"),
    [
        pytest.param(record(), True, id="online"),
        pytest.param(record(89_999), True, id="the last moment online"),
        pytest.param(record(90_000), False, id="warning"),
        pytest.param(record(state="left"), False, id="left"),
        pytest.param(record(autoSyncEnabled=False), False, id="told not to"),
        pytest.param(record(-5_001), False, id="from the future"),
        pytest.param(record(100_000, heartbeatInterval=60_000, offlineTimeout=300_000), True, id="a slow one"),
        pytest.param(record(heartbeatInterval="x"), True, id="unreadable interval"),
        pytest.param(Record("m1", NOW, data=heartbeat("m1", age_ms=0)), False, id="an older service"),
    ],
)
def test_only_a_live_agent_that_keeps_views_can_keep_this_one(candidate: Record, can: bool) -> None:
    assert can_keep(candidate, NOW) is can


def test_the_smallest_live_machine_keeps_it_and_the_next_one_when_that_is_gone(make_rig: Make) -> None:
    clock = VirtualClock()
    first, second = make_rig("a", clock=clock), make_rig("b", clock=clock)
    for rig in (first, second, first, second):
        rig.beat()
    assert second.notes()["view"]["keeper"] == "a"
    assert set(first.view()["heartbeats"]) == {"a", "b"}
    before = first.view_path.read_bytes()
    second.beat(89)
    assert second.view_path.read_bytes() == before
    second.beat(1)
    assert second.notes()["view"]["keeper"] == "b"
    assert second.view()["warningMachines"] == ["a"]


def test_others_read_no_file_behind_the_keepers(make_rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    rigs = [make_rig(name, clock=clock) for name in ("a", "b", "c")]
    for rig in rigs:
        rig.beat()
    read: list[str] = []
    real = share._is_taken

    def noted(path: str, machine_id: str, accept: Callable[[Record], bool]) -> bool:
        read.append(machine_id)
        return real(path, machine_id, accept)

    monkeypatch.setattr(share, "_is_taken", noted)
    rigs[2].beat(1)
    assert read == ["a"]


def test_told_not_to_keep_it_an_agent_never_writes_the_view(make_rig: Make) -> None:
    rig = make_rig("a", auto_sync=False)
    rig.beat()
    assert not rig.view_path.exists()
    assert rig.notes()["view"]["keeper"] is None
    other = make_rig("b", clock=rig.clock)
    other.beat()
    assert other.notes()["view"]["keeper"] == "b"
    assert set(other.view()["heartbeats"]) == {"a", "b"}


def test_the_view_is_written_only_when_a_reader_would_act_otherwise(rig: Rig) -> None:
    rig.beat()
    first = rig.view_path.read_bytes()
    rig.beat(30)
    assert rig.view_path.read_bytes() == first
    rig.beat(30)
    assert rig.view()["heartbeats"]["myia-web1"]["lastHeartbeat"] == to_iso(NOW + 60_000)


def test_machines_only_older_services_know_are_merged_in(rig: Rig) -> None:
    put_view(rig.shared, heartbeat("old-3-0", age_ms=200_000, colour="kept"))
    put(rig.shared, heartbeat("old-3-1", age_ms=1_000))
    rig.beat()
    view = rig.view()
    assert set(view["heartbeats"]) == {"myia-web1", "old-3-0", "old-3-1"}
    assert view["heartbeats"]["old-3-0"]["colour"] == "kept"
    assert view["offlineMachines"] == ["old-3-0"]
    assert view["onlineMachines"] == ["myia-web1", "old-3-1"]


@pytest.mark.parametrize("restart", [False, True])
def test_a_lost_view_loses_nothing_not_even_machines_it_alone_knew(rig: Rig, restart: bool) -> None:
    put_view(rig.shared, heartbeat("old-3-0", age_ms=200_000))
    rig.beat()
    rig.view_path.unlink()
    if restart:
        rig.boot()
    rig.beat(30)
    assert set(rig.view()["heartbeats"]) == {"myia-web1", "old-3-0"}


def eraser(rig: Rig, name: str = "myia-po-2026") -> None:
    """A 3.0 process that started before us: it rewrites the view with itself alone."""
    put_view(rig.shared, heartbeat(name, age_ms=0, now_ms=rig.clock.wall_ms()), now_ms=rig.clock.wall_ms())


def test_an_eraser_is_survived_counted_and_named(make_rig: Make) -> None:
    clock = VirtualClock()
    rig, other = make_rig("a", clock=clock), make_rig("b", clock=clock)
    for each in (rig, other, rig):
        each.beat()
    for times in (1, 2, 3):
        eraser(rig)
        rig.beat(30)
        other.beat()
        assert set(rig.view()["heartbeats"]) == {"a", "b", "myia-po-2026"}
        view = rig.notes()["view"]
        assert (view["erasures"], view["erasedBy"], view["erasedAt"]) == (
            times,
            "myia-po-2026",
            to_iso(clock.wall_ms()),
        )


def test_a_machine_that_joins_the_view_is_no_eraser(make_rig: Make) -> None:
    clock = VirtualClock()
    rig, other = make_rig("a", clock=clock), make_rig("b", clock=clock)
    rig.beat()
    other.beat()
    rig.beat(30)
    view = rig.view()
    view["heartbeats"]["c"] = heartbeat("c")
    rig.view_path.write_text(json.dumps(view))
    rig.beat(30)
    assert rig.notes()["view"]["erasures"] == 0


@pytest.mark.parametrize("content", [b"", b'{"heartbeats": {"a"', b"[]", b'{"heartbeats": []}', b"\xff\xfe{"])
def test_an_unreadable_view_is_borne_with_three_times_then_set_aside_and_rebuilt(rig: Rig, content: bytes) -> None:
    put_view(rig.shared, heartbeat("old-3-0"))
    rig.beat()
    rig.view_path.write_bytes(content)
    for _ in range(3):
        rig.beat(30)
        assert rig.view_path.read_bytes() == content
    rig.beat(30)
    assert set(rig.view()["heartbeats"]) == {"myia-web1", "old-3-0"}
    assert rig.set_aside() == {"heartbeat.json.0": content}


def test_entries_that_are_not_understood_are_set_aside_before_they_go(rig: Rig) -> None:
    content = json.dumps({"heartbeats": {"old": {**heartbeat("old"), "lastHeartbeat": "hier"}, "x/y": 7}}).encode()
    rig.view_path.write_bytes(content)
    rig.beat()
    assert set(rig.view()["heartbeats"]) == {"myia-web1"}
    assert rig.set_aside() == {"heartbeat.json.0": content}


def test_a_view_that_cannot_be_moved_aside_is_not_replaced(rig: Rig) -> None:
    rig.view_path.mkdir()
    (rig.view_path / "precious").touch()
    for number in range(8):
        (rig.shared / f".heartbeat.json.{number}.aside").mkdir()
    for _ in range(6):
        rig.beat(30)
    assert (rig.view_path / "precious").exists()
    assert rig.sequence == 6
    share = rig.notes()["share"]
    assert share["state"] == "ok"
    assert share["detail"].startswith("heartbeat.json: ")
