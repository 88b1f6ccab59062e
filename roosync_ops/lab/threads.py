"""What runs on threads of its own: the SSH servers' event loop, and the replicator. The callers block."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from .replicator import Replicator

T = TypeVar("T")

#: Nothing the lab asks of its servers takes longer than this, in seconds.
_TIMEOUT_S = 30.0
#: Between two looks at the replicas, in seconds: a look at seven costs half a millisecond.
POLL_S = 0.1


class LoopThread:
    """Runs coroutines for callers on other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab-ssh", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(_end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and return its result, or raise what it raised."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT_S)

    def call(self, function: Callable[[], T]) -> T:
        """Call a plain function there: what belongs to the loop is touched on its thread alone."""

        async def work() -> T:
            return function()

        return self.run(work())


async def _end_all() -> None:
    """Cancel every session that is still there, and wait for it to notice."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # Transports close one turn of the loop later.
    await asyncio.sleep(0)


class SyncThread:
    """Steps a replicator until it is closed. Use `lock` around anything else that touches the replicator."""

    def __init__(self, replicator: Replicator) -> None:
        self.replicator = replicator
        self.lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-sync", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def switch(self, name: str, *, up: bool | None = None, down: bool | None = None) -> None:
        """As Replicator.switch, from any thread."""
        with self.lock:
            self.replicator.switch(name, up=up, down=down)

    def _run(self) -> None:
        while not self._end.wait(POLL_S):
            with self.lock:
                self.replicator.step(time.monotonic())
