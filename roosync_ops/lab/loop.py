"""An event loop on a thread of its own, for the SSH servers: the lab's callers are ordinary blocking code."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

T = TypeVar("T")

#: Nothing the lab asks of its servers takes longer than this, in seconds.
_TIMEOUT_S = 30.0


class LoopThread:
    """Runs coroutines for callers on other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab-ssh", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
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
