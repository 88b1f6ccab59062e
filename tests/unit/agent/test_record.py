"""What a beat writes: the protocol's fields in its order, ours under `agent`, formatted as the old services do."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from roosync_ops.wire.record import MAX_SEQUENCE
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, heartbeat, put
from tests.kits.virtual_agent import Rig

GOLDEN = """\
{
  "machineId": "myia-web1",
  "lastHeartbeat": "2026-02-12T10:15:30.123Z",
  "status": "online",
  "missedHeartbeats": 0,
  "metadata": {
    "firstSeen": "2026-02-12T10:15:30.123Z",
    "lastUpdated": "2026-02-12T10:15:30.123Z",
    "version": "3.1.0",
    "hostname": "MYIA-WEB1",
    "platform": "linux",
    "registeredBy": "roosync-ops",
    "registeredAt": "2026-02-12T10:15:30.123Z",
    "rôle": "exécuteur"
  },
  "agent": {
    "version": "0.1.0",
    "buildId": "abc",
    "state": "running",
    "sequence": 1,
    "bootId": "boot",
    "sessionId": "session-1",
    "startedAt": "2026-02-12T10:15:30.123Z",
    "heartbeatInterval": 30000,
    "offlineTimeout": 120000,
    "autoSyncEnabled": true,
    "upIntervals": [
      "2026-02-12T10:15:30.123Z/2026-02-12T10:15:30.123Z"
    ]
  }
}"""


def test_the_first_record_is_the_golden_one_to_the_byte(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("roosync_ops.agent.beat.BUILD", "abc")
    monkeypatch.setattr("roosync_ops.agent.beat.VERSION", "0.1.0")
    rig = make_rig("myia-web1", hostname="MYIA-WEB1", metadata={"rôle": "exécuteur"})
    rig.beat()
    assert rig.own.read_bytes().decode() == GOLDEN


def test_the_view_is_as_an_older_service_formats_it(rig: Rig) -> None:
    rig.beat()
    text = rig.view_path.read_text(encoding="utf-8")
    view = json.loads(text)
    assert list(view) == ["heartbeats", "onlineMachines", "offlineMachines", "warningMachines", "statistics"]
    assert list(view["heartbeats"]["myia-web1"]) == [
        "machineId",
        "lastHeartbeat",
        "status",
        "missedHeartbeats",
        "metadata",
        "agent",
    ]
    assert list(view["heartbeats"]["myia-web1"]["metadata"]) == ["firstSeen", "lastUpdated", "version"]
    assert text == json.dumps(view, indent=2, ensure_ascii=False)


def test_leaving_keeps_the_last_heartbeat_and_writes_offline_since_last(rig: Rig) -> None:
    rig.beat()
    rig.clock.advance(7)
    rig.loop.leave()
    record = rig.record()
    assert record["lastHeartbeat"] == to_iso(NOW)
    assert record["status"] == "offline"
    assert record["agent"]["state"] == "left"
    assert record["agent"]["leftAt"] == record["offlineSince"] == to_iso(NOW + 7_000)
    assert record["agent"]["sequence"] == 2
    assert list(record)[-1] == "offlineSince"


def test_a_machine_that_comes_back_is_online_again_without_a_trace_of_having_left(rig: Rig) -> None:
    rig.beat()
    rig.loop.leave()
    rig.boot().step()
    assert "offlineSince" not in rig.record()
    assert "leftAt" not in rig.record()["agent"]
    assert rig.record()["agent"]["state"] == "running"


def test_leaving_with_a_clock_put_back_does_not_leave_before_the_last_beat(rig: Rig) -> None:
    rig.beat()
    rig.clock.suspend(-3600)
    rig.loop.leave()
    assert rig.record()["agent"]["leftAt"] == rig.record()["lastHeartbeat"]


def test_unknown_fields_on_every_level_are_kept(rig: Rig) -> None:
    rig.beat()
    record = rig.record()
    record["dashboard"] = {"colour": "blue"}
    record["metadata"]["note"] = "été"
    record["agent"]["future"] = [1]
    put(rig.shared, record)
    rig.beat(30)
    rig.beat(30)
    kept = rig.record()
    assert (kept["dashboard"], kept["metadata"]["note"], kept["agent"]["future"]) == ({"colour": "blue"}, "été", [1])
    assert rig.notes()["ownFile"]["rewrites"] == 0


def test_an_older_services_record_is_taken_over_with_its_first_seen(rig: Rig) -> None:
    put(rig.shared, heartbeat("myia-web1", age_ms=86_400_000, extra="kept"))
    rig.beat()
    assert rig.record()["metadata"]["firstSeen"] == to_iso(NOW - 86_400_000)
    assert rig.record()["extra"] == "kept"
    assert rig.loop.publisher.is_new_machine is False


def test_a_machine_that_only_the_view_knows_keeps_its_first_seen(rig: Rig) -> None:
    rig.view_path.write_text(json.dumps({"heartbeats": {"MyIA-Web1": heartbeat("MyIA-Web1", age_ms=5_000_000)}}))
    rig.beat()
    assert rig.record()["metadata"]["firstSeen"] == to_iso(NOW - 5_000_000)
    assert rig.loop.publisher.is_new_machine is False


def test_what_the_operator_passes_once_stays_and_cannot_rewrite_what_is_counted(make_rig: Callable[..., Rig]) -> None:
    passed = {"registeredBy": "manual-procedure", "firstSeen": "never", "version": "9", "rack": 4}
    rig = make_rig("m1", metadata=passed)
    rig.beat()
    rig.config.metadata = {}
    rig.boot()
    rig.beat(30)
    metadata = rig.record()["metadata"]
    assert (metadata["registeredBy"], metadata["rack"], metadata["version"]) == ("manual-procedure", 4, "3.1.0")
    assert metadata["firstSeen"] == to_iso(NOW)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param({"metadata": "none", "agent": 7}, id="wrong types"),
        pytest.param({"agent": {"sequence": "many", "upIntervals": ["x", 3]}}, id="unreadable agent"),
        pytest.param({"agent": {"sequence": MAX_SEQUENCE + 1}}, id="a sequence nobody can count"),
        pytest.param({"metadata": {"firstSeen": "yesterday"}}, id="unreadable firstSeen"),
        pytest.param({"x": "\ud800"}, id="a lone surrogate"),
    ],
)
def test_nothing_in_the_own_file_can_make_a_beat_fail(rig: Rig, part: dict[str, Any]) -> None:
    path = put(rig.shared, heartbeat("myia-web1"))
    path.write_text(json.dumps({**heartbeat("myia-web1"), **part}))
    rig.beat()
    assert rig.sequence == 1
    assert rig.notes()["share"]["state"] == "ok"
