"""Two processes of one machine publish: one count, one lock, and a write that hangs keeps it."""

from collections.abc import Callable

import pytest
from filelock import FileLock

from roosync_ops.agent.beat import Session
from roosync_ops.agent.errors import LocalError, ShareTroubleError
from roosync_ops.agent.journal import Journal
from roosync_ops.agent.publisher import HeartbeatPublisher
from roosync_ops.agent.share import FolderShare
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW
from tests.kits.virtual_agent import Rig, Touch


def test_a_register_beside_the_loop_leaves_one_consistent_count(rig: Rig) -> None:
    rig.beat()
    share = FolderShare(rig.config.shared, rig.config.machine_id, rig.touch)
    beside = HeartbeatPublisher(
        rig.config, rig.places, share, Journal(rig.places.journal), Session("boot", "session-1", NOW)
    )
    beside._metadata = {"registeredBy": "manual-procedure"}
    beside.attempt(lambda: beside.beat(NOW + 10_000), NOW + 10_000)
    rig.beat(30)
    assert rig.sequence == 3
    assert rig.record()["metadata"]["registeredBy"] == "manual-procedure"
    assert rig.notes()["ownFile"]["rewrites"] == 0


def test_a_register_of_another_build_beside_the_loop_is_a_beat_of_the_build_that_runs(rig: Rig) -> None:
    runs = {"version": "0.1.0", "buildId": "0123456789abcdef"}
    rig.loop.publisher.loop = {"sessionId": "session-1", "startedAt": to_iso(NOW), **runs}
    rig.beat()
    share = FolderShare(rig.config.shared, rig.config.machine_id, rig.touch)
    beside = HeartbeatPublisher(rig.config, rig.places, share, Journal(rig.places.journal), Session("boot", "x", NOW))
    beside.attempt(beside.join_session, NOW + 10_000)
    beside.attempt(lambda: beside.beat(NOW + 10_000), NOW + 10_000)
    agent = rig.record()["agent"]
    assert {key: agent[key] for key in ("sessionId", *runs)} == {"sessionId": "session-1", **runs}


def test_write_lock_held_elsewhere_delays_a_beat_and_breaks_nothing(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig("m1", share_deadline_s=0.05)
    with FileLock(rig.places.write_lock):
        rig.beat()
        assert not rig.own.exists()
        with pytest.raises(LocalError, match="un autre processus publie"):
            rig.loop.publisher.attempt(lambda: None, NOW)
    rig.beat()
    assert rig.sequence == 1


def test_while_a_hung_write_may_still_land_nobody_else_may_write(rig: Rig) -> None:
    rig.beat()
    rig.touch.stuck = True
    rig.beat(30)
    probe = FileLock(rig.places.write_lock, timeout=0)
    with pytest.raises(TimeoutError):
        probe.acquire()
    share = FolderShare(rig.config.shared, rig.config.machine_id, Touch())
    rig.config.share_deadline_s = 0.05
    other = HeartbeatPublisher(
        rig.config, rig.places, share, Journal(rig.places.journal), Session("boot", "other", NOW)
    )
    with pytest.raises(ShareTroubleError) as caught:
        other.attempt(lambda: other.beat(NOW), NOW)
    assert caught.value.state == "hung"
    rig.touch.stuck = False
    rig.beat(30)
    probe.acquire()
    probe.release()
