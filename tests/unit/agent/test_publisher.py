"""Sequence and history never go back, whoever rewrites the file; what is not understood is set aside, not lost."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.agent import share
from roosync_ops.agent.config import MAX_RECORD_BYTES
from roosync_ops.agent.journal import Journal
from roosync_ops.agent.local_state import MAX_SET_ASIDE
from roosync_ops.agent.share import replace_file
from roosync_ops.wire.record import OF_A_TWIN
from roosync_ops.wire.times import from_iso, to_iso
from tests.kits.shares import NOW, heartbeat, ours, put
from tests.kits.virtual_agent import Rig


def test_each_beat_counts_one_up_across_restarts(rig: Rig) -> None:
    for expected in (1, 2, 3):
        rig.beat(30)
        assert rig.sequence == expected
    rig.boot()
    rig.beat(30)
    assert rig.sequence == 4


def test_a_file_rolled_back_is_noticed_and_put_right_at_the_next_beat(rig: Rig) -> None:
    rig.beat()
    old = rig.own.read_bytes()
    rig.beat(30)
    rig.beat(3600)
    rig.own.write_bytes(old)
    rig.beat(30)
    record = rig.record()
    assert record["agent"]["sequence"] == 4
    assert len(record["agent"]["upIntervals"]) == 2
    own = rig.notes()["ownFile"]
    assert own["rewrites"] == 1
    assert own["lastDetail"].startswith("sequence 1 instead of 3")


def test_an_old_service_that_strips_our_fields_costs_nothing(rig: Rig) -> None:
    rig.beat()
    rig.beat(30)
    put(rig.shared, heartbeat("myia-web1", age_ms=60_000))
    rig.beat(30)
    assert rig.sequence == 3
    assert rig.record()["agent"]["upIntervals"] == [f"{to_iso(NOW)}/{to_iso(NOW + 60_000)}"]
    assert rig.notes()["ownFile"]["rewrites"] == 1


def test_an_old_service_that_saves_the_last_status_back_is_noticed(rig: Rig) -> None:
    rig.beat()
    put(rig.shared, {**rig.record(), "status": "offline", "offlineSince": to_iso(NOW)})
    rig.beat(30)
    assert rig.record()["status"] == "online"
    assert "status 'offline' instead of 'online'" in rig.notes()["ownFile"]["lastDetail"]


def test_a_lost_journal_and_a_lost_file_are_each_made_up_for_by_the_other(rig: Rig) -> None:
    rig.beat()
    rig.beat(30)
    Path(rig.places.journal).unlink()
    rig.boot()
    rig.beat(30)
    assert rig.sequence == 3
    rig.own.unlink()
    rig.boot()
    rig.beat(30)
    assert rig.sequence == 4
    assert rig.loop.publisher.is_new_machine is False
    assert rig.record()["metadata"]["firstSeen"] == to_iso(NOW)


def test_a_write_that_landed_after_its_deadline_is_our_own_and_no_rewrite(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.beat()
    late: list[bytes] = []
    with monkeypatch.context() as patch:

        def hang(raw: bytes, **_: bool) -> None:
            late.append(raw)
            rig.touch.stuck = True
            rig.loop.publisher.share.probe()

        patch.setattr(rig.loop.publisher.share, "publish", hang)
        rig.beat(30)
    assert rig.notes()["share"]["state"] == "hung"
    rig.own.write_bytes(late[0])
    rig.touch.stuck = False
    rig.beat(30)
    assert rig.sequence == 3
    assert rig.notes()["ownFile"]["rewrites"] == 0


@pytest.mark.parametrize("lives", [1, 3])
def test_a_loop_that_was_killed_before_it_wrote_its_first_beat_down_is_known_by_later_ones(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, lives: int
) -> None:
    """Its record is in the share, and of it the journal holds only that it began; so do lives that got no further."""
    rig.beat()
    begin(rig)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "save", lambda *_: None)
        rig.beat(30)
    for _ in range(lives):
        begin(rig)
    rig.beat(30)
    assert rig.sequence == 3
    assert rig.notes()["ownFile"]["rewrites"] == 0


def begin(rig: Rig) -> None:
    """Begin another life, as `run` does: what it is goes into the journal before it beats."""
    publisher = rig.boot().publisher
    publisher.loop = {"sessionId": publisher.session.session_id}
    publisher.attempt(lambda: None, NOW)


@pytest.mark.parametrize("sequence", [2**53 - 1, 2**53, 2**60, 150_000])
@pytest.mark.parametrize("restart", [False, True])
def test_a_sequence_this_machine_cannot_have_come_to_is_set_aside_and_not_gone_on_from(
    rig: Rig, sequence: int, restart: bool
) -> None:
    rig.beat()
    record = rig.record()
    record["agent"].update(sequence=sequence)
    record["metadata"]["firstSeen"] = "1970-01-01T00:00:00.000Z"
    put(rig.shared, record)
    if restart:
        rig.boot()
    rig.beat(30)
    assert rig.sequence == 2
    assert "cannot have come to" in rig.notes()["ownFile"]["lastDetail"]
    assert [json.loads(raw)["agent"]["sequence"] for raw in rig.set_aside().values()] == [sequence]


def test_a_record_that_somebody_filled_is_written_so_that_it_can_be_read_again(rig: Rig) -> None:
    rig.beat()
    put(rig.shared, {**rig.record(), "filled": "x" * 65_000})
    for beats in range(2, 6):
        rig.beat(30)
        assert rig.sequence == beats
    assert rig.own.stat().st_size < MAX_RECORD_BYTES
    assert rig.notes()["ownFile"]["rewrites"] <= 1


def test_another_agent_under_our_name_is_noticed(rig: Rig) -> None:
    rig.beat()
    record = rig.record()
    record["agent"].update(sequence=50, sessionId="a clone")
    put(rig.shared, record)
    rig.beat(30)
    assert rig.sequence == 51
    assert "another session" in rig.notes()["ownFile"]["lastDetail"]


@pytest.mark.parametrize("restart", [False, True])
def test_what_an_older_service_put_there_of_another_machine_is_neither_our_past_nor_a_twins(
    rig: Rig, restart: bool
) -> None:
    """Of `x` and `myia-x` it makes one, and keeps the newer one's data."""
    rig.beat()
    record = rig.record()
    ours = record["metadata"]["firstSeen"]
    record["metadata"].update(hostname="web1", firstSeen=to_iso(NOW - 86_400_000))
    record["agent"].update(sequence=50, sessionId="web1's", upIntervals=[f"{to_iso(NOW - 7_200_000)}/{to_iso(NOW)}"])
    put(rig.shared, record)
    if restart:
        rig.boot()
    rig.beat(30)
    assert (rig.sequence, rig.record()["metadata"]["firstSeen"]) == (2, ours)
    assert rig.record()["agent"]["upIntervals"] == [f"{to_iso(NOW)}/{to_iso(NOW + 30_000)}"]
    assert rig.notes()["ownFile"]["lastDetail"] == "what another machine wrote"
    assert rig.notes()["ownFile"]["lastKind"] != OF_A_TWIN


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"machineId": "myia-w', id="truncated"),
        pytest.param(b"[]", id="a list"),
        pytest.param('{"machineId": "x"}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"machineId": "somebody-else"}', id="another machine's"),
        pytest.param(os.urandom(2_000_000), id="too large"),
    ],
)
def test_an_own_file_that_is_not_understood_is_set_aside_before_it_is_replaced(rig: Rig, content: bytes) -> None:
    rig.beat()
    rig.own.write_bytes(content)
    rig.beat(30)
    assert rig.sequence == 2
    assert rig.set_aside() == {"myia-web1.json.0": content}
    assert rig.notes()["ownFile"]["rewrites"] == 1


def test_what_is_set_aside_is_bounded_and_the_same_thing_is_kept_once(rig: Rig) -> None:
    for number in range(MAX_SET_ASIDE + 3):
        for _ in range(2):
            rig.own.parent.mkdir(exist_ok=True)
            rig.own.write_bytes(b"rubbish %d" % number)
            rig.beat(30)
    assert len(rig.set_aside()) == MAX_SET_ASIDE


def test_a_beat_replaces_one_file_in_the_share_and_creates_none_locally(rig: Rig, replaced: list[str]) -> None:
    rig.beat()
    local = sorted(Path(rig.places.folder).iterdir())
    replaced.clear()
    rig.beat(1)
    assert replaced == ["myia-web1.json"]
    assert sorted(Path(rig.places.folder).iterdir()) == local


def test_leaving_twice_writes_once_and_a_stranger_is_not_made_to_leave(rig: Rig) -> None:
    assert rig.loop.leave() is False
    put(rig.shared, heartbeat("myia-web1"))
    before = rig.own.read_bytes()
    assert rig.loop.leave() is False
    assert rig.own.read_bytes() == before
    rig.beat()
    assert rig.loop.leave() is True
    after = rig.own.read_bytes()
    assert rig.loop.leave() is False
    assert rig.own.read_bytes() == after


def test_the_heartbeat_is_the_moment_of_the_beat_even_when_the_clock_goes_back(rig: Rig) -> None:
    rig.beat()
    rig.clock.suspend(-7200)
    rig.beat(30)
    assert from_iso(rig.record()["lastHeartbeat"]) == NOW - 7_200_000 + 30_000
    assert rig.sequence == 2


def test_a_large_metadata_fits_the_journal_with_a_full_history(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig("m1", metadata={"note": "x" * 8000})
    ups = [f"{to_iso(NOW - at * 1_000_000)}/{to_iso(NOW - at * 1_000_000)}" for at in range(400, 0, -1)]
    put(rig.shared, ours("m1", upIntervals=ups))
    rig.beat(300)
    assert len(rig.record()["agent"]["upIntervals"]) == 336
    assert rig.notes()["record"] == json.loads(rig.own.read_bytes())


def test_a_leaving_that_is_written_is_one_though_its_second_copy_is_refused(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(path: str, *rest: Any) -> None:
        if path.endswith(".left"):
            raise PermissionError("not that name")
        replace_file(path, *rest)

    rig.beat()
    monkeypatch.setattr(share, "replace_file", refusing)
    assert rig.loop.leave() is True
    assert rig.record()["agent"]["state"] == "left"
    assert rig.notes()["share"]["state"] == "ok"
