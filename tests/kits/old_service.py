"""Stand-ins for the two old services, written from wire/README.md, as real processes. Standard library only.

python old_service.py overwrites|rewrites|deletes SHARED MACHINE INTERVAL_MS

overwrites  3.0: the map is loaded once at start; at every beat the whole `heartbeat.json` is written from it
rewrites    3.1: every file is loaded at start; at SIGTERM everybody's is written from that memory
deletes     3.1's first start, again and again: `heartbeat.json` is migrated into `heartbeats/` and deleted
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read(path: Path) -> Entry:
    """Return a file's object, {} for whatever is none: 3.0 takes a broken file for an empty fleet."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write(path: Path, value: Entry) -> None:
    """Write in place, as they do: a reader may see 0 bytes."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")


class Old:
    """What both generations share."""

    version = "3.1.0"

    def __init__(self, shared: Path, machine: str) -> None:
        self.view = shared / "heartbeat.json"
        self.folder = shared / "heartbeats"
        self.machine = machine
        self.memory: dict[str, Entry] = {}

    def own(self, machine: str) -> Path:
        return self.folder / f"{machine}.json"

    def beat(self) -> None:
        old = self.memory.get(self.machine, {})
        first = old.get("metadata", {}).get("firstSeen", now())
        self.memory[self.machine] = {
            **old,
            "machineId": self.machine,
            "lastHeartbeat": now(),
            "status": "online",
            "missedHeartbeats": 0,
            "metadata": {"firstSeen": first, "lastUpdated": now(), "version": self.version},
        }

    def load(self) -> None:
        for path in sorted(self.folder.glob("*.json")):
            entry = read(path)
            if isinstance(entry.get("machineId"), str):
                self.memory[entry["machineId"]] = entry

    def end(self) -> None:
        """Nothing, unless a generation does something at stop."""


class Overwrites(Old):
    version = "3.0.0"

    def __init__(self, shared: Path, machine: str) -> None:
        super().__init__(shared, machine)
        self.memory = dict(read(self.view).get("heartbeats", {}))

    def beat(self) -> None:
        super().beat()
        names = list(self.memory)
        statistics = {"totalMachines": len(names), "onlineCount": len(names), "offlineCount": 0, "warningCount": 0}
        view = {"heartbeats": self.memory, "onlineMachines": names, "offlineMachines": [], "warningMachines": []}
        write(self.view, {**view, "statistics": {**statistics, "lastHeartbeatCheck": now()}})


class Rewrites(Old):
    def __init__(self, shared: Path, machine: str) -> None:
        super().__init__(shared, machine)
        self.load()

    def beat(self) -> None:
        super().beat()
        write(self.own(self.machine), self.memory[self.machine])

    def end(self) -> None:
        for machine, entry in self.memory.items():
            write(self.own(machine), entry)


class Deletes(Rewrites):
    def beat(self) -> None:
        entries = read(self.view).get("heartbeats")
        for machine, entry in entries.items() if isinstance(entries, dict) else ():
            if not self.own(machine).exists():
                write(self.own(machine), entry)
        self.view.unlink(missing_ok=True)
        super().beat()

    def end(self) -> None:
        """This one is about the view."""


SERVICES = {"overwrites": Overwrites, "rewrites": Rewrites, "deletes": Deletes}


def main(kind: str, shared: str, machine: str, interval_ms: str) -> None:
    """Beat until SIGTERM."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: over.set())
    service = SERVICES[kind](Path(shared), machine)
    while not over.is_set():
        service.beat()
        over.wait(int(interval_ms) / 1000)
    service.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
