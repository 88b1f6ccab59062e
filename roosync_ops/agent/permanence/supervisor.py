"""The supervisor of a detached loop: forks it, waits, forks again when it crashes.

It forks before anything of weight is imported, so it costs one bare interpreter, most of it shared with its child.
"""

from __future__ import annotations

import os
import signal
import time

from roosync_ops.agent.lock import Lock
from roosync_ops.agent.machine import process_start, signal_process
from roosync_ops.wire import local
from roosync_ops.wire.small import suppress, wait_until
from roosync_ops.wire.typed import Any, Callable

LOCK_NAME = "supervisor.lock"
PID_NAME = "supervisor"
#: Waits between restarts, in s: a killed agent is back within 5 s, one that cannot run does not burn the machine.
BACKOFF_S = (1.0, 2.0, 2.0, 5.0, 10.0, 30.0)
#: A loop that ran this long was well: the next crash counts as the first, in s.
_WELL_S = 60.0


class _Supervisor:
    """One child at a time. Signals are only noted and passed on; the rest happens in `run`."""

    def __init__(self, work: Callable[[], int]) -> None:
        self._work = work
        self._child = 0
        self._ending = False

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        crashes = 0
        while not self._ending:
            began = time.monotonic()
            if self._one_life() == 0:
                break
            crashes = 0 if time.monotonic() - began > _WELL_S else crashes + 1
            wait_until(lambda: self._ending, BACKOFF_S[min(max(crashes - 1, 0), len(BACKOFF_S) - 1)], 0.1)
        return 0

    def _one_life(self) -> int:
        _forget_last_words()
        # Blocked across the fork: a signal in between would reach a child that does not know yet what to do with it.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
        child = os.fork()
        if child == 0:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
            os._exit(_exit_code(self._work))
        self._child = child
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
        status = os.waitpid(child, 0)[1]
        self._child = 0
        return status

    def _end(self, number: int, _frame: Any) -> None:
        self._ending = True
        signal_process(self._child, None, number)  # 0 between two lives: no process


def supervise(folder: str, work: Callable[[], int]) -> int:
    """Keep `work` running in a child until it ends well or SIGTERM comes. One supervisor for each `folder`."""
    lock = Lock(os.path.join(folder, LOCK_NAME))
    if not lock.acquire():
        return 1
    pid = f"{os.getpid()} {process_start(os.getpid()) or '-'}\n"
    local.write(os.path.join(folder, PID_NAME), pid.encode("ascii"))

    def child() -> int:
        lock.release()  # its copy alone: a loop that outlives its supervisor must not look supervised
        return work()

    return _Supervisor(child).run()  # the lock goes with the process: a `stop` that waits for it finds none left


def _exit_code(work: Callable[[], int]) -> int:
    try:
        return work()
    except BaseException:  # noqa: BLE001 - a fork must not return into its parent's code
        import traceback  # noqa: PLC0415 - only a defect pays for it

        traceback.print_exc()
        return 1


def _forget_last_words() -> None:
    """What the last child said on stderr makes room for the next: the file holds one life, not a history."""
    with suppress(OSError):  # stderr is no file
        os.lseek(2, 0, os.SEEK_SET)
        os.ftruncate(2, 0)
