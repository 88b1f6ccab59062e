"""The view is the file that both old generations read: keys, order, formatting, and what is worth an upload."""

from __future__ import annotations

from typing import Any

import pytest

from roosync_ops.wire import view
from roosync_ops.wire.merge import FILE, VIEW, Evidence, merge
from roosync_ops.wire.record import dump, parse
from roosync_ops.wire.status import DEFAULT_THRESHOLDS
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, heartbeat, ours

GOLDEN = """{
  "heartbeats": {
    "myia-po-2024": {
      "machineId": "myia-po-2024",
      "lastHeartbeat": "2026-02-12T10:15:20.123Z",
      "status": "online",
      "missedHeartbeats": 0,
      "metadata": {
        "firstSeen": "2026-02-12T10:15:20.123Z",
        "lastUpdated": "2026-02-12T10:15:20.123Z",
        "version": "3.1.0"
      },
      "agent": {
        "version": "0.1.0",
        "state": "running",
        "sequence": 7,
        "sessionId": "s",
        "heartbeatInterval": 30000,
        "offlineTimeout": 120000,
        "autoSyncEnabled": true
      }
    },
    "myia-po-2025": {
      "machineId": "myia-po-2025",
      "lastHeartbeat": "2026-02-12T10:12:10.123Z",
      "status": "offline",
      "missedHeartbeats": 6,
      "metadata": {
        "firstSeen": "2026-02-12T10:12:10.123Z",
        "lastUpdated": "2026-02-12T10:12:10.123Z",
        "version": "3.1.0"
      },
      "note": "kept",
      "offlineSince": "2026-02-12T10:14:10.123Z"
    },
    "myia-web1": {
      "machineId": "myia-web1",
      "lastHeartbeat": "2026-02-12T10:14:00.123Z",
      "status": "warning",
      "missedHeartbeats": 3,
      "metadata": {
        "firstSeen": "2026-02-12T10:14:00.123Z",
        "lastUpdated": "2026-02-12T10:14:00.123Z",
        "version": "3.1.0"
      },
      "agent": {
        "version": "0.1.0",
        "state": "running",
        "sequence": 7,
        "sessionId": "s",
        "heartbeatInterval": 30000,
        "offlineTimeout": 120000,
        "autoSyncEnabled": true
      }
    }
  },
  "onlineMachines": [
    "myia-po-2024"
  ],
  "offlineMachines": [
    "myia-po-2025"
  ],
  "warningMachines": [
    "myia-web1"
  ],
  "statistics": {
    "totalMachines": 3,
    "onlineCount": 1,
    "offlineCount": 1,
    "warningCount": 1,
    "lastHeartbeatCheck": "2026-02-12T10:15:30.123Z"
  }
}"""


def merged(*records: dict[str, Any]) -> dict[str, Evidence]:
    pieces = {}
    for record in records:
        name = record["machineId"]
        pieces[name] = Evidence(parse(record, name)[0], FILE, f"heartbeats/{name}.json")
    return pieces


def built(*records: dict[str, Any], now_ms: int = NOW, old: dict[str, Any] | None = None) -> dict[str, Any]:
    return view.build(merged(*records), old, now_ms, DEFAULT_THRESHOLDS)


def test_the_view_is_byte_for_byte_what_an_old_service_writes() -> None:
    fleet = built(ours("myia-po-2024"), heartbeat("myia-po-2025", 200_000, note="kept"), ours("myia-web1", 90_000))
    assert dump(fleet).decode() == GOLDEN


def test_an_entry_of_a_machine_that_does_not_beat_carries_its_past_which_nobody_would_write_again() -> None:
    left = built(ours("m", 60_000, state="left", leftAt=to_iso(NOW - 50_000), stops=[to_iso(NOW - 50_000)]))
    agent = left["heartbeats"]["m"]["agent"]
    assert (agent["sequence"], agent["leftAt"]) == (7, to_iso(NOW - 50_000))
    assert len(agent["upIntervals"]) == len(agent["stops"]) == 1
    assert "upIntervals" not in built(ours("m"))["heartbeats"]["m"]["agent"]


def test_what_an_entry_carries_is_bounded_whoever_wrote_the_record() -> None:
    many = [f"{to_iso(NOW - at)}/{to_iso(NOW - at)}" for at in range(1_000)]
    agent = built(ours("m", 10**9, version="v" * 10_000, upIntervals=[*many, 7, "x" * 10_000]))["heartbeats"]["m"][
        "agent"
    ]
    assert "version" not in agent
    assert len(agent["upIntervals"]) < 65


def test_of_an_older_service_that_took_a_machine_over_the_entry_keeps_what_our_agent_wrote_before() -> None:
    pieces = [
        Evidence(parse(record, "m")[0], kind, "f")
        for record, kind in (
            (ours("m", 600_000, state="left", leftAt=to_iso(NOW - 590_000)), FILE),
            (heartbeat("m"), VIEW),
        )
    ]
    entry = view.build(merge(pieces, NOW), None, NOW, DEFAULT_THRESHOLDS)["heartbeats"]["m"]
    assert (entry["lastHeartbeat"], "agent" in entry) == (to_iso(NOW - 10_000), False)
    assert (entry["before"]["agent"]["state"], len(entry["before"]["agent"]["upIntervals"])) == ("left", 1)


def test_a_stop_that_the_view_does_not_know_is_worth_an_upload_and_a_beat_that_it_knows_late_is_not() -> None:
    before = built(ours("m", 200_000, sequence=7))
    assert not view.needs_write(before, built(ours("m", 200_000, sequence=7)), NOW, 30_000, DEFAULT_THRESHOLDS)
    assert view.needs_write(before, built(ours("m", 200_000, sequence=8)), NOW, 30_000, DEFAULT_THRESHOLDS)
    running = built(ours("m", 1_000, sequence=7))
    assert not view.needs_write(running, built(ours("m", 900, sequence=8)), NOW, 30_000, DEFAULT_THRESHOLDS)


def test_a_machine_that_was_never_heard_is_left_out_since_old_readers_would_take_it_for_online() -> None:
    assert built(heartbeat("m", lastHeartbeat=None))["heartbeats"] == {}


def test_a_machine_that_left_is_offline_to_old_readers_since_it_left() -> None:
    record = ours("m", 10_000, state="left", leftAt="2026-02-12T10:15:25.000Z")
    fleet = built(record)
    assert fleet["offlineMachines"] == ["m"]
    assert fleet["heartbeats"]["m"]["offlineSince"] == "2026-02-12T10:15:25.000Z"


def test_what_others_put_at_the_top_is_kept() -> None:
    assert built(ours("m"), old={"heartbeats": {}, "extra": 1})["extra"] == 1


@pytest.mark.parametrize("old", [None, {}, {"heartbeats": []}, {"heartbeats": {}}], ids=repr)
def test_a_view_that_lost_machines_is_written_again(old: dict[str, Any] | None) -> None:
    assert view.needs_write(old, built(ours("m")), NOW, 30_000, DEFAULT_THRESHOLDS)


def test_a_view_no_reader_would_act_on_differently_is_not_written() -> None:
    old = built(ours("m", 5_000))
    new = built(ours("m", 0))
    assert not view.needs_write(old, new, NOW, 30_000, DEFAULT_THRESHOLDS)


def test_a_view_that_would_turn_wrong_before_the_next_occasion_is_written_now() -> None:
    old = built(ours("m", 70_000))
    assert view.needs_write(old, built(ours("m", 0)), NOW, 30_000, DEFAULT_THRESHOLDS)
