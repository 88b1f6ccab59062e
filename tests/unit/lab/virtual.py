"""Replicas without a disk, and a clock without seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from roosync_ops.lab.replica import File, FolderReplica, Stamp, is_replicated
from roosync_ops.lab.replicator import Replicator
from tests.kits.sync import is_settled


@dataclass
class MemoryReplica(FolderReplica):
    """Files by name, and one counter that stands for mtime, size and inode. `gone` is an unmounted drive."""

    files: dict[str, tuple[File, Stamp]] = field(default_factory=dict)
    gone: bool = False
    writes: int = 0

    def write(self, name: str, content: bytes) -> None:
        self.deliver(name, File(content))

    def text(self, name: str) -> bytes | None:
        return self.files[name][0].content if name in self.files else None

    def contents(self) -> dict[str, bytes]:
        return {name: file.content for name, (file, _) in self.files.items() if is_replicated(name)}

    def scan(self) -> dict[str, Stamp]:
        if self.gone:
            raise OSError("not mounted")
        return {name: stamp for name, (_, stamp) in self.files.items() if is_replicated(name)}

    def stamp(self, name: str) -> Stamp | None:
        return self.files[name][1] if name in self.files else None

    def read(self, name: str) -> File | None:
        return self.files[name][0] if name in self.files else None

    def deliver(self, name: str, file: File) -> Stamp:
        self.writes += 1
        self.files[name] = (file, (self.writes, len(file.content), 0))
        return self.files[name][1]

    def remove(self, name: str) -> None:
        self.files.pop(name, None)


@dataclass
class World:
    """A replicator, its replicas and the time."""

    replicas: dict[str, MemoryReplica]
    sync: Replicator
    now: float = 0.0

    def run(self, seconds: float, poll: float = 0.1) -> None:
        """Let time pass, a look every `poll` seconds."""
        end = self.now + seconds
        while self.now < end:
            self.now += poll
            self.sync.step(self.now)

    def settle(self) -> None:
        """Let time pass until nothing is under way."""
        self.run(0.2)
        for _ in range(200):
            if is_settled(self.sync):
                return
            self.run(1.0, poll=1.0)
        raise AssertionError("the replicas never settled")


def world(*names: str, delay: float = 0.4) -> World:
    """Return as many empty replicas as names, each transfer taking `delay` seconds each way."""
    replicas = {name: MemoryReplica() for name in names}
    return World(replicas, Replicator(replicas, lambda _now: delay))
