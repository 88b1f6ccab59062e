"""The two old services as wire/README.md describes and measured them, under the same virtual time.

Each keeps its map in memory; what is read and written, and when, is the protocol's; the status is its own answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.record import Record, dump
from roosync_ops.wire.status import OFFLINE, ONLINE, WARNING, status
from roosync_ops.wire.times import BadTimeError, from_iso, to_iso
from tests.kits.sync import local_trouble

from .truth import Life

if TYPE_CHECKING:
    from roosync_ops.lab.replica import SyncLink

    from .hub import Hub
    from .replica import RamReplica

#: Beat and check fire in the same tick, this far apart, in s.
TICK_S: Final = 30.0


class OldMachine:
    """What both generations share. `answer` is what its status tool would say."""

    version = "3.0.0"

    def __init__(self, hub: Hub, replica: RamReplica, link: SyncLink, epoch_ms: int) -> None:
        self.hub = hub
        self.name = name = link.name
        self.replica = replica
        self.link = link
        self.epoch_ms = epoch_ms
        self.life = Life(name, epoch_ms)
        self.memory: dict[str, dict[str, Any]] = {}
        self._run = 0
        #: How often a heartbeat of somebody, as written by this service, went back in time.
        self.rolled_back = 0
        self.runs = False

    def now_ms(self) -> int:
        return self.epoch_ms + int(self.hub.now * 1000)

    def start(self) -> None:
        if self.runs:
            return
        self.runs = True
        self._run += 1
        self.memory = {}
        self.load()
        old = self.memory.get(self.name)
        self.memory[self.name] = self._entry(None if old is None else old["metadata"].get("firstSeen"))
        self.save()
        self.life.began(self.hub.now)
        self._again(self._run)

    def kill(self) -> None:
        self.runs = False
        self.life.ended(self.hub.now, planned=False)

    def stop(self) -> None:
        if self.runs:
            self.at_stop()
            self.runs = False
            self.life.ended(self.hub.now, planned=True)

    def load(self) -> None:
        raise NotImplementedError

    def save(self) -> None:
        raise NotImplementedError

    def tick(self) -> None:
        raise NotImplementedError

    def at_stop(self) -> None:
        self.save()

    def answer(self) -> dict[str, str]:
        now = self.now_ms()
        return {name: _status(entry, now) for name, entry in self.memory.items()}

    def read(self, name: str) -> Any:
        """Return a file's JSON; None where there is none to be had, or it cannot be understood."""
        trouble = local_trouble(self.link)
        if trouble.hangs or trouble.read is not None:
            return None
        try:
            return json.loads(Path(self.replica.root, name).read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Write in place. A refusal is not noticed: the old services answer success all the same."""
        trouble = local_trouble(self.link)
        if trouble.hangs or trouble.write is not None:
            return
        path = Path(self.replica.root, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(dump(value))
        self.replica.touched(name)

    def remove(self, name: str) -> None:
        trouble = local_trouble(self.link)
        if not trouble.hangs and trouble.write is None:
            Path(self.replica.root, name).unlink(missing_ok=True)
            self.replica.touched()

    def _entry(self, first_seen: object) -> dict[str, Any]:
        now = to_iso(self.now_ms())
        metadata = {"firstSeen": first_seen or now, "lastUpdated": now, "version": self.version}
        return {
            "machineId": self.name,
            "lastHeartbeat": now,
            "status": ONLINE,
            "missedHeartbeats": 0,
            "metadata": metadata,
        }

    def _again(self, run: int) -> None:
        def again() -> None:
            if self.runs and run == self._run:
                self.tick()
                self._again(run)

        self.hub.at(self.hub.now + TICK_S, again)


class Old30(OldMachine):
    """Generation 3.0: the whole map in memory, loaded once, the whole file rewritten at every beat and check."""

    def load(self) -> None:
        view = self.read("heartbeat.json")
        entries = view.get("heartbeats") if isinstance(view, dict) else None
        if isinstance(entries, dict):
            self.memory = {name: entry for name, entry in entries.items() if isinstance(entry, dict)}

    def tick(self) -> None:
        self.memory[self.name]["lastHeartbeat"] = to_iso(self.now_ms())
        self.save()

    def save(self) -> None:
        words = self.answer()
        for name, entry in self.memory.items():
            entry["status"] = words[name]
        lists = {word: [name for name, one in words.items() if one == word] for word in (ONLINE, OFFLINE, WARNING)}
        view = {
            "heartbeats": self.memory,
            "onlineMachines": lists[ONLINE],
            "offlineMachines": lists[OFFLINE],
            "warningMachines": lists[WARNING],
            "statistics": {
                "totalMachines": len(words),
                "onlineCount": len(lists[ONLINE]),
                "offlineCount": len(lists[OFFLINE]),
                "warningCount": len(lists[WARNING]),
                "lastHeartbeatCheck": to_iso(self.now_ms()),
            },
        }
        self.write("heartbeat.json", view)


class Old31(OldMachine):
    """Generation 3.1: a file a machine. The check of the same tick saves back the old value over the beat."""

    version = "3.1.0"

    def load(self) -> None:
        folder = Path(self.replica.root, "heartbeats")
        trouble = local_trouble(self.link)
        if trouble.hangs or trouble.read is not None:
            return
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.suffix != ".json":
                continue
            if not path.stat().st_size:  # a later build deletes these
                path.unlink(missing_ok=True)
                self.replica.touched()
                continue
            entry = self.read(f"heartbeats/{path.name}")
            if isinstance(entry, dict) and isinstance(entry.get("machineId"), str) and "metadata" in entry:
                self.memory[entry["machineId"]] = entry

    def tick(self) -> None:
        """Beat in memory; the check re-reads the disk while the beat awaits, and what it read is saved."""
        mine = self.memory[self.name]
        self.load()
        self.memory.setdefault(self.name, mine)
        self._save_own()

    def save(self) -> None:
        self._save_own()

    def at_stop(self) -> None:
        """Rewrite everybody's file from this memory."""
        for name, entry in self.memory.items():
            there = self.read(f"heartbeats/{name}.json")
            if isinstance(there, dict) and str(there.get("lastHeartbeat")) > str(entry.get("lastHeartbeat")):
                self.rolled_back += 1
            self.write(f"heartbeats/{name}.json", entry)

    def _save_own(self) -> None:
        entry = self.memory[self.name]
        entry["status"] = _status(entry, self.now_ms())
        self.write(f"heartbeats/{self.name}.json", entry)


def _status(entry: dict[str, Any], now_ms: int) -> str:
    """The protocol: a heartbeat without a valid time is online for ever to the old services."""
    try:
        return status(Record("", from_iso(entry.get("lastHeartbeat"))), now_ms)
    except BadTimeError:
        return ONLINE
