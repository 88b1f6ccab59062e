"""The replicator on a thread of its own, in real time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from .replicator import Replicator

#: Between two looks at the replicas, in seconds: a look at seven costs half a millisecond.
POLL_S = 0.1


class SyncThread:
    """Steps a replicator until it is closed. Use `lock` around anything else that touches the replicator."""

    def __init__(self, replicator: Replicator, poll_s: float = POLL_S) -> None:
        self.replicator = replicator
        self.lock = threading.Lock()
        self._poll_s = poll_s
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-sync", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def switch(self, name: str, *, up: bool | None = None, down: bool | None = None) -> None:
        """As Replicator.switch, from any thread."""
        with self.lock:
            self.replicator.switch(name, up=up, down=down)

    def fault(self, name: str, machine: str, *, on: bool = True) -> None:
        """As Replicator.fault, from any thread; of the share under a machine's processes it changes nothing."""
        with self.lock:
            self.replicator.fault(name, machine, on=on)

    def _run(self) -> None:
        while not self._end.wait(self._poll_s):
            with self.lock:
                self.replicator.step(time.monotonic())
