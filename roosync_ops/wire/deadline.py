"""Every touch of the share is bounded: a call that hangs keeps its thread, never its caller.

A call stuck in the kernel cannot be interrupted from user space, so it is left where it is and no second one is
started beside it: however long the share hangs, it costs one thread.
"""

from __future__ import annotations

import _thread  # threading is 250 kB that a loop would hold for months
import time

from .typed import Callable, T

#: How long one touch of the share may take, in seconds, unless the operator says otherwise.
DEFAULT_DEADLINE_S = 5.0
#: How long a look has on Windows, in s: the first reading after a mount comes from the cloud (23 to 70 s measured).
FIRST_READING_S = 60.0


class ShareHungError(TimeoutError):
    """A touch of the share did not answer in time. `since` is when the stuck call began, in ms since the epoch."""

    def __init__(self, doing: str, deadline_s: float, since_ms: int) -> None:
        self.doing = doing
        self.deadline_s = deadline_s
        self.since_ms = since_ms
        super().__init__(f"no answer from the share within {deadline_s:g} s ({doing})")


class _Job:
    __slots__ = ("doing", "done", "error", "function", "result", "since_ms")

    def __init__(self, function: Callable[[], object], doing: str) -> None:
        self.function = function
        self.doing = doing
        #: Held until it has ended.
        self.done = _thread.allocate_lock()
        self.done.acquire()
        self.result: object = None
        self.error: BaseException | None = None
        self.since_ms = time.time_ns() // 1_000_000

    def is_done(self, within_s: float = 0.0) -> bool:
        """Return True once it has ended, False where that takes longer."""
        ended = self.done.acquire(timeout=within_s)
        if ended:
            self.done.release()  # it stays so for every caller
        return ended


class BoundedShare:
    """Runs calls on one worker thread, one at a time, each with a deadline."""

    def __init__(self, deadline_s: float = DEFAULT_DEADLINE_S) -> None:
        self.deadline_s = deadline_s
        self._stuck: _Job | None = None
        self._job: _Job | None = None
        #: Free while there is work to take.
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._has_worker = False
        self._aside: BoundedShare | None = None

    def aside(self, deadline_s: float) -> BoundedShare:
        """Return another, always the same one: what hangs there holds nothing up that is called here."""
        self._aside = self._aside or BoundedShare(deadline_s)
        return self._aside

    def call(self, function: Callable[[], T], doing: str, progress: Callable[[], int] | None = None) -> T:
        """Return `function()`, or raise what it raised, or ShareHungError once the deadline has passed.

        Where `progress` counts what has been done, the deadline is one without any: much to read is no hung share.

        While an earlier call is still stuck this raises at once, unless that call comes back within the deadline.
        """
        if self._stuck is not None:
            if not self._stuck.is_done(self.deadline_s):
                raise ShareHungError(self._stuck.doing, self.deadline_s, self._stuck.since_ms)
            self._stuck = None
        job = _Job(function, doing)
        self._job = job
        if not self._has_worker:
            # It is not waited for at the end: the interpreter must be able to end while it hangs in the kernel.
            _thread.start_new_thread(self._work, ())
            self._has_worker = True
        self._wake.release()
        moved = 0
        while not job.is_done(self.deadline_s):
            done = 0 if progress is None else progress()
            if done != moved:
                moved = done
                continue
            self._stuck = job
            raise ShareHungError(doing, self.deadline_s, job.since_ms)
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]  # what function() returned, through a slot

    @property
    def stuck_since_ms(self) -> int | None:
        """When the call that is stuck now began (ms since the epoch), or None."""
        stuck = self._stuck
        return stuck.since_ms if stuck is not None and not stuck.is_done() else None

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            job, self._job = self._job, None
            if job is None:
                continue
            try:
                job.result = job.function()
            except BaseException as error:  # noqa: BLE001 - it is handed to the caller, whatever it is
                job.error = error
            job.done.release()
