"""The later generations of the old service, each with what it does beside the first ones' work."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from roosync_ops.wire.status import OFFLINE
from roosync_ops.wire.times import from_iso, to_iso

from .old import Old31

#: How often the seldom writer writes a live machine's file, in ms.
SELDOM_MS: Final = 540_000


class Interval(Old31):
    """`start` with an interval, the procedure's own step: now and then everybody's file is saved from this memory."""

    every = 240

    def load(self) -> None:
        """From the disk once: later loads would make its memory newer than the service's is."""
        if not self.memory:
            super().load()
        self._ticks = 0

    def tick(self) -> None:
        self._ticks += 1
        self.memory[self.name]["lastHeartbeat"] = to_iso(self.now_ms())
        self._save_own()
        if not self._ticks % self.every:
            self.at_stop()


class Migrates(Old31):
    """A first start, here at every check: the view's entries go over the machines' files, and it is deleted."""

    def load(self) -> None:
        view = self.read("heartbeat.json")
        entries = view.get("heartbeats") if isinstance(view, dict) else None
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            self.write(f"heartbeats/{name}.json", entry)
        self.remove("heartbeat.json")
        super().load()


class Beats(Old31):
    """What 3.1 would be without the race: each beat reaches its file."""

    def tick(self) -> None:
        self.memory[self.name]["lastHeartbeat"] = to_iso(self.now_ms())
        self._save_own()


class Merges(Beats):
    """2026-04-25 on: it takes `x` for `myia-x`: of the newer one's data it keeps that name's file, and deletes x's."""

    every = 20

    def load(self) -> None:
        super().load()
        self._ticks = 0
        for name, entry in list(self.memory.items()):
            other = self.memory.get(f"myia-{name}")
            if other is not None:
                if str(entry.get("lastHeartbeat")) > str(other.get("lastHeartbeat")):
                    self.memory[f"myia-{name}"] = {**entry, "machineId": f"myia-{name}"}
                    self.write(f"heartbeats/myia-{name}.json", self.memory[f"myia-{name}"])
                self.remove(f"heartbeats/{name}.json")
                del self.memory[name]

    def tick(self) -> None:
        super().tick()
        self._ticks += 1
        if not self._ticks % self.every:
            mine = self.memory[self.name]
            self.load()
            self.memory[self.name] = mine


class Removes(Beats):
    """A build that deletes files: of who is offline by what is stored."""

    def load(self) -> None:
        super().load()
        for name in [name for name, entry in self.memory.items() if entry.get("status") == OFFLINE]:
            del self.memory[name]
            self.remove(f"heartbeats/{name}.json")


class Seldom(Old31):
    """2026-03-08 on: a live machine's file is written at the start and then every nine minutes."""

    def tick(self) -> None:
        now = self.now_ms()
        if now - from_iso(self.memory[self.name]["lastHeartbeat"]) >= SELDOM_MS:
            self.memory[self.name]["lastHeartbeat"] = to_iso(now)
            self._save_own()

    def at_stop(self) -> None:
        """It is killed with its editor."""


class InMemory(Old31):
    """3.2: it beats in memory, loads the files at its start and saves them all at its stop."""

    def save(self) -> None:
        """Nothing until it stops."""

    def tick(self) -> None:
        self.memory[self.name]["lastHeartbeat"] = to_iso(self.now_ms())


class Sweeps(Old31):
    """4.0: no heartbeat; at its start it deletes whatever ends as a temporary file."""

    def load(self) -> None:
        for path in Path(self.replica.root, "heartbeats").glob("*"):
            if path.name.endswith((".tmp", ".lock")) or path.name.startswith(".tmp-"):
                self.remove(f"heartbeats/{path.name}")

    def save(self) -> None:
        """It keeps none."""

    def tick(self) -> None:
        """It beats nowhere."""

    def at_stop(self) -> None:
        """It keeps none."""
