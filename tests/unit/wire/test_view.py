"""The view is the file that both old generations read: keys, order, formatting, and what is worth an upload."""

from __future__ import annotations

from typing import Any

import pytest

from roosync_ops.wire import view
from roosync_ops.wire.merge import FILE, Evidence
from roosync_ops.wire.record import dump, parse
from roosync_ops.wire.status import DEFAULT_THRESHOLDS
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
        pieces[name] = Evidence(parse(record, name, name)[0], FILE, f"heartbeats/{name}.json")
    return pieces


def built(*records: dict[str, Any], now_ms: int = NOW, old: dict[str, Any] | None = None) -> dict[str, Any]:
    return view.build(merged(*records), old, now_ms, DEFAULT_THRESHOLDS)


def test_the_view_is_byte_for_byte_what_an_old_service_writes() -> None:
    fleet = built(ours("myia-po-2024"), heartbeat("myia-po-2025", 200_000, note="kept"), ours("myia-web1", 90_000))
    assert dump(fleet).decode() == GOLDEN


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
