"""The shipped loop under virtual time: its clock and the way it touches the share are handed in, nothing sleeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from roosync_ops.agent.beat import Session
from roosync_ops.agent.config import Config
from roosync_ops.agent.journal import Journal
from roosync_ops.agent.local_state import prepare, read_local_state
from roosync_ops.agent.loop import Loop, SystemClock
from roosync_ops.agent.publisher import HeartbeatPublisher
from roosync_ops.agent.share import FolderShare
from roosync_ops.wire.deadline import BoundedShare, ShareHungError
from roosync_ops.wire.status import Thresholds
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class VirtualClock(SystemClock):
    """Wall and monotonic time that pass only when waited for. `until_ns` ends the loop that waits on it."""

    def __init__(self, wall_ms: int = NOW) -> None:
        self.wall_ns = wall_ms * 1_000_000
        self.mono_ns = 5_000_000_000
        self.until_ns: int | None = None

    def wall_ms(self) -> int:
        return self.wall_ns // 1_000_000

    def monotonic_ns(self) -> int:
        return self.mono_ns

    def wait(self, seconds: float) -> None:
        left = float("inf") if self.until_ns is None else (self.until_ns - self.mono_ns) / 1e9
        self.advance(min(seconds, max(left, 0)))

    def stopping(self) -> bool:
        return self.until_ns is not None and self.mono_ns >= self.until_ns

    def advance(self, seconds: float) -> None:
        self.wall_ns += round(seconds * 1e9)
        self.mono_ns += round(seconds * 1e9)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: Linux's monotonic clock stands still meanwhile."""
        self.wall_ns += round(seconds * 1e9)


class Touch(BoundedShare):
    """Runs touches of the share at once; `fault` is raised instead of them, `stuck` makes them miss their deadline."""

    def __init__(self) -> None:
        self.fault: OSError | None = None
        self.stuck = False
        self.doings: list[str] = []

    def call(self, function: Callable[[], T], doing: str, progress: Callable[[], int] | None = None) -> T:  # noqa: ARG002 - nothing takes long here
        self.doings.append(doing)
        if self.stuck:
            raise ShareHungError(doing, 5.0, NOW)
        if self.fault is not None:
            raise self.fault
        return function()

    @property
    def stuck_since_ms(self) -> int | None:
        return NOW if self.stuck else None


class Rig:
    """One machine: its loop, its clock, its share, and what lies on its disks."""

    def __init__(
        self, root: Path, shared: Path, machine_id: str = "myia-web1", clock: VirtualClock | None = None, **config: Any
    ) -> None:
        self.clock = clock or VirtualClock()
        self.touch = Touch()
        self.config = Config(machine_id, str(shared), str(root / "local"), config.pop("thresholds", Thresholds()))
        for name, value in config.items():
            setattr(self.config, name, value)
        self.places = prepare(self.config)
        self.shared = shared
        self.own = shared / "heartbeats" / f"{machine_id}.json"
        self.view_path = shared / "heartbeat.json"
        self.boots = 0
        self.loop = self.boot()

    def boot(self) -> Loop:
        """Begin a new life of the agent with what the last one left on disk."""
        self.boots += 1
        share = FolderShare(self.config.shared, self.config.machine_id, self.touch)
        session = Session("boot", f"session-{self.boots}", self.clock.wall_ms())
        self.loop = Loop(
            HeartbeatPublisher(self.config, self.places, share, Journal(self.places.journal), session), self.clock
        )
        return self.loop

    def beat(self, after_s: float = 0.0) -> None:
        self.clock.advance(after_s)
        self.loop.step()

    def record(self) -> dict[str, Any]:
        return json.loads(self.own.read_bytes())  # type: ignore[no-any-return]

    def view(self) -> dict[str, Any]:
        return json.loads(self.view_path.read_bytes())  # type: ignore[no-any-return]

    def notes(self) -> dict[str, Any]:
        """What `status` would read: the journal, from disk."""
        return read_local_state(self.places)

    @property
    def sequence(self) -> int:
        sequence: int = self.record()["agent"]["sequence"]
        return sequence

    def set_aside(self) -> dict[str, bytes]:
        folder = Path(self.places.set_aside)
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}
