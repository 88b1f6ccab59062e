"""Shared folders as they are found in the field: heartbeats of each generation, and views."""

from __future__ import annotations

import gc
import json
import sys
from typing import TYPE_CHECKING, Any

from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.record import dump
from roosync_ops.wire.times import to_iso

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

#: 2026-02-12T10:15:30.123Z, the day of the procedure.
NOW = 1_770_891_330_123


def heartbeat(machine_id: str, age_ms: int = 10_000, now_ms: int = NOW, **extra: Any) -> dict[str, Any]:
    """Return a heartbeat of generation 3.1, as an older service writes it; `extra` fields are added or replaced."""
    heard = to_iso(now_ms - age_ms)
    return {
        "machineId": machine_id,
        "lastHeartbeat": heard,
        "status": "online",
        "missedHeartbeats": 0,
        "metadata": {"firstSeen": heard, "lastUpdated": heard, "version": "3.1.0"},
        **extra,
    }


def ours(machine_id: str, age_ms: int = 10_000, now_ms: int = NOW, sequence: int = 7, **agent: Any) -> dict[str, Any]:
    """Return a heartbeat as our agent writes it."""
    part = {
        "version": "0.1.0",
        "buildId": "0" * 12,
        "state": "running",
        "sequence": sequence,
        "bootId": "b",
        "sessionId": "s",
        "startedAt": to_iso(now_ms - 3_600_000),
        "heartbeatInterval": 30_000,
        "offlineTimeout": 120_000,
        "autoSyncEnabled": True,
        "upIntervals": [f"{to_iso(now_ms - 3_600_000)}/{to_iso(now_ms - age_ms)}"],
        **agent,
    }
    return heartbeat(machine_id, age_ms, now_ms, agent=part)


def put(shared: Path, record: dict[str, Any], name: str | None = None) -> Path:
    """Write a record as `heartbeats/<machineId>.json`, or under another name."""
    folder = shared / "heartbeats"
    folder.mkdir(exist_ok=True)
    path = folder / (name or f"{record['machineId']}.json")
    path.write_bytes(dump(record))
    return path


def put_view(shared: Path, *records: dict[str, Any], now_ms: int = NOW) -> Path:
    """Write `heartbeat.json` as a 3.0 service does."""
    ids = [record["machineId"] for record in records]
    view = {
        "heartbeats": {record["machineId"]: record for record in records},
        "onlineMachines": ids,
        "offlineMachines": [],
        "warningMachines": [],
        "statistics": {
            "totalMachines": len(ids),
            "onlineCount": len(ids),
            "offlineCount": 0,
            "warningCount": 0,
            "lastHeartbeatCheck": to_iso(now_ms),
        },
    }
    path = shared / "heartbeat.json"
    path.write_text(json.dumps(view, ensure_ascii=False, indent=2), encoding="utf-8")
    return path


def share_threads() -> set[int]:
    """The threads of this process that are there to touch a share: one of an earlier test may just be ending."""
    found = set()
    gc.disable()  # collecting meanwhile, CPython before 3.11.5 locks itself up (gh-106883)
    try:
        frames = sys._current_frames()
    finally:
        gc.enable()
    for thread, frame in [*frames.items()]:
        at: FrameType | None = frame
        while at is not None and at.f_code is not BoundedShare._work.__code__:
            at = at.f_back
        if at is not None:
            found.add(thread)
    return found
