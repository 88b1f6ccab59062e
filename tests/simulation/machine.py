"""One machine: the shipped loop, its clock, its share with what ails it, its power."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from roosync_ops.agent.beat import Session
from roosync_ops.agent.config import Config
from roosync_ops.agent.errors import ProblemError
from roosync_ops.agent.journal import Journal
from roosync_ops.agent.local_state import prepare
from roosync_ops.agent.loop import Loop, SystemClock
from roosync_ops.agent.publisher import HeartbeatPublisher
from roosync_ops.agent.share import FolderShare
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError
from roosync_ops.wire.names import HEARTBEATS, LEFT_ENDING, VIEW_NAME
from tests.kits.sync import local_trouble

from .hub import Hub, Process
from .truth import Life

if TYPE_CHECKING:
    from collections.abc import Callable

    from roosync_ops.lab.replica import SyncLink

    from .replica import RamReplica

T = TypeVar("T")
#: What a touch that changes the share is called in agent/share.py.
_WRITING = "writing"


class MachineClock(SystemClock):
    """The machine's clock in virtual time. `ahead_ms` is how far its wall clock is from the true time."""

    def __init__(self, hub: Hub, epoch_ms: int, ahead_ms: int = 0) -> None:
        self._hub = hub
        self._epoch_ms = epoch_ms
        self.ahead_ms = ahead_ms
        self.process: Process | None = None
        self.ends = False

    def wall_ms(self) -> int:
        return self._epoch_ms + self.ahead_ms + int(self._hub.now * 1000)

    def monotonic_ns(self) -> int:
        return 5_000_000_000 + int(self._hub.now * 1e9)

    def wait(self, seconds: float) -> None:
        if self.process is not None and not self.ends:
            self.process.sleep(seconds)

    def stopping(self) -> bool:
        return self.ends


class Touch(BoundedShare):
    """The machine's programs touch its share: as BoundedShare does, with the faults of the machine's link."""

    def __init__(self, link: SyncLink, replica: RamReplica, clock: MachineClock) -> None:
        self._link = link
        self._replica = replica
        self._clock = clock
        self._hangs: tuple[Callable[[], object], str, int] | None = None

    @property
    def stuck_since_ms(self) -> int | None:
        self._land()
        return None if self._hangs is None else self._hangs[2]

    def call(self, function: Callable[[], T], doing: str, progress: Callable[[], int] | None = None) -> T:  # noqa: ARG002 - nothing takes long here
        self._land()
        trouble = local_trouble(self._link)
        if trouble.hangs:
            self._hangs = self._hangs or (function, doing, self._clock.wall_ms())
            _, what, since = self._hangs
            self._clock.wait(DEFAULT_DEADLINE_S)
            raise ShareHungError(what, DEFAULT_DEADLINE_S, since)
        error = trouble.write if doing.startswith(_WRITING) else trouble.read
        if error is not None:
            raise error
        try:
            return function()
        finally:
            if doing.startswith(_WRITING):
                self._replica.touched(*self._written(doing))

    def _written(self, doing: str) -> tuple[str, ...]:
        """Name what a touch writes or removes, where that is known: the replica then need not look for it."""
        if doing == "writing own file":
            return tuple(f"{HEARTBEATS}/{self._link.name}{ending}" for ending in (".json", LEFT_ENDING))
        return (VIEW_NAME,) if doing == "writing the view" else ()

    def _land(self) -> None:
        """A call that hung comes back with the share: what it was to write is written then."""
        if self._hangs is None or local_trouble(self._link).hangs:
            return
        function, _, _ = self._hangs
        self._hangs = None
        with suppress(OSError):
            function()
        self._replica.touched()


class Machine:
    """A machine of the fleet. `life` is what really happened to it."""

    def __init__(self, hub: Hub, folder: Path, replica: RamReplica, link: SyncLink, epoch_ms: int) -> None:
        self.hub = hub
        self.name = name = link.name
        self.replica = replica
        self.link = link
        self.clock = MachineClock(hub, epoch_ms)
        self.life = Life(name, epoch_ms)
        self.config = Config(name, str(replica.root), str(folder / "local"))
        self._places = prepare(self.config)
        self._loop: Loop | None = None
        self._touch: Touch | None = None
        self._process: Process | None = None
        self._boots = 0

    @property
    def runs(self) -> bool:
        return self._process is not None and not self._process.is_over

    def start(self) -> None:
        """Begin a new life of the agent, with what the last one left on disk."""
        if self.runs:
            return
        self._boots += 1
        clock = MachineClock(self.hub, self.clock.wall_ms() - int(self.hub.now * 1000) - self.clock.ahead_ms)
        clock.ahead_ms = self.clock.ahead_ms
        self.clock = clock
        self._touch = Touch(self.link, self.replica, clock)
        Path(self._places.loop_lock).touch()  # as the process of a loop has it
        share = FolderShare(self.config.shared, self.name, self._touch)
        session = Session(f"boot-{self._boots}", f"session-{self._boots}", clock.wall_ms())
        publisher = HeartbeatPublisher(self.config, self._places, share, Journal(self._places.journal), session)
        self._loop = Loop(publisher, clock)
        self._witness(publisher)
        self._process = clock.process = Process(self.hub, self._run)
        self.life.began(self.hub.now)

    def kill(self) -> None:
        """The agent is gone at once, without a word."""
        self._end()
        self.life.ended(self.hub.now, planned=False)

    def stop(self) -> None:
        """Ask the agent to leave, as SIGTERM does."""
        if self.runs:
            self.clock.ends = True
            self.life.ended(self.hub.now, planned=True)
            assert self._process is not None
            self._process.wake()

    def _run(self, _process: Process) -> None:
        """What verbs/run.py does with a loop."""
        assert self._loop is not None
        self._loop.run()
        try:
            self._loop.leave()
        except ProblemError:
            self.life.left_unsaid(self.hub.now)
        self._close()

    def _witness(self, publisher: HeartbeatPublisher) -> None:
        """Write down what the share took, beside what the agent thinks of it."""
        publish = publisher._publish

        def witnessed(now_ms: int, *, leaving: bool) -> dict[str, object]:
            record = publish(now_ms, leaving=leaving)
            if record:
                self.life.published(self.hub.now, record, leaving=leaving)
            return record

        publisher._publish = witnessed  # type: ignore[method-assign]

    def _end(self) -> None:
        if not self.runs or self._loop is None or self._process is None:
            return
        self._loop.publisher.journal.save = _saves_nothing  # type: ignore[method-assign]
        self._process.kill()
        self._close()

    def _close(self) -> None:
        """What the system does when a process ends."""
        if self._loop is not None:
            self._loop.publisher._lock.release()
            self._loop.publisher.journal.close()
            self._loop = None


def _saves_nothing(state: dict[str, Any]) -> None:
    """A dead process does not write its journal, whatever `finally` says."""
