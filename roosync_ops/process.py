"""One child program within a time and so many bytes, in a process group of its own; nothing of it is left behind.

Every program that is run to its end and heard goes through here, ourselves included.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from .errors import RoosyncError

#: How often `watch` is asked, and whether the child has ended although another process holds its stdout, in s.
_TICK_S: Final = 0.2
#: How long what the child wrote last may take to arrive when it has ended, in s.
_DRAIN_S: Final = 2.0
_CHUNK: Final = 65_536
MAX_ERR_BYTES: Final = 1024 * 1024
#: More than this is not read: 2,500 comments (GitHub's most for an issue) of ordinary length.
MAX_OUT_BYTES: Final = 67_108_864


_running: set[subprocess.Popen[bytes]] = set()


class Ended(NamedTuple):
    """`code` is None where we ended it: after the time, at a word of `watch`, or because it said too much."""

    code: int | None
    out: bytes
    err: bytes
    too_much: bool = False

    @property
    def said(self) -> str:
        """What it said went wrong, in one line without anything a terminal obeys."""
        line = " ".join((self.err or self.out).decode("utf-8", "replace").split())[:500]
        return "".join(char if char.isprintable() else "?" for char in line)


class ChildError(RoosyncError):
    """It could not be started, for the system's reason; or it was `ended` by us, and what it did by then is unknown."""

    def __init__(self, reason: str, *, ended: bool) -> None:
        super().__init__(reason)
        self.ended = ended


def ours(*words: str) -> tuple[str, ...]:
    """Return the words that run `roosync-ops WORDS` in this Python."""
    return (sys.executable, "-P", "-m", "roosync_ops", *words)


def our_environment(*without: str, **more: str) -> dict[str, str]:
    """Return this process's environment without some variables and with others, in which our package is found."""
    kept = {name: value for name, value in os.environ.items() if name not in without}
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [kept.get("PYTHONPATH")])])
    return {**kept, "PYTHONPATH": path, **more}


def within(  # noqa: PLR0913 - as `run`
    timeout_s: float,
    words: Sequence[str],
    stdin: bytes = b"",
    *,
    environment: Mapping[str, str] | None = None,
    max_out: int = MAX_OUT_BYTES,
    watch: Callable[[], bool] = lambda: True,
) -> Ended:
    """Run a program to its own end, at most so long. Raises ChildError."""
    try:
        done = run(
            words, stdin, until=time.monotonic() + timeout_s, max_out=max_out, watch=watch, environment=environment
        )
    except (OSError, ValueError) as error:
        raise ChildError(getattr(error, "strerror", None) or str(error), ended=False) from None
    if done.code is None:
        why = "too much to read" if done.too_much else f"no end after {timeout_s:g} s"
        raise ChildError(f"{why}; killed", ended=True)
    return done


class _Reader(threading.Thread):
    """Keeps what comes from one pipe, up to `limit` bytes."""

    def __init__(self, pipe: IO[bytes] | None, limit: int) -> None:
        super().__init__(daemon=True)
        self._pipe, self._limit = pipe, limit
        self.done = threading.Event()
        self.data = bytearray()
        self.too_much = False

    def run(self) -> None:
        if self._pipe is None:
            return
        with suppress(OSError, ValueError), self._pipe:
            while chunk := self._pipe.read(_CHUNK):
                self.data += chunk
                if len(self.data) > self._limit:
                    self.too_much = True
                    break
        self.done.set()


def run(  # noqa: PLR0913 - each bounds the child in another way
    words: Sequence[str],
    stdin: bytes = b"",
    *,
    until: float | None,
    max_out: int,
    watch: Callable[[], bool] = lambda: True,
    environment: Mapping[str, str] | None = None,
    windows: str = "CREATE_NEW_PROCESS_GROUP",
) -> Ended:
    """Run a program to its end, or to `until` (monotonic, in s), or until `watch` returns False. Raises OSError.

    With `max_out` 0 it is not heard at all; `windows` is how it is created there.
    """
    with tempfile.TemporaryFile() as errors:  # no pipe: a proxy that outlives the child may hold it for long

        def quiet() -> bool:
            return os.fstat(errors.fileno()).st_size <= MAX_ERR_BYTES and watch()

        child = subprocess.Popen(  # noqa: S603 - its words are a list, and no shell is there
            words,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if max_out else subprocess.DEVNULL,
            stderr=errors if max_out else subprocess.DEVNULL,
            bufsize=0,
            env=environment,
            start_new_session=True,
            creationflags=getattr(subprocess, windows, 0),
        )
        _running.add(child)
        out = _Reader(child.stdout, max_out)
        writer = threading.Thread(target=_write, args=(child.stdin, stdin), daemon=True)
        try:
            out.start()
            writer.start()
            ended = _waited(child, out, until, quiet)
        finally:
            _end(child)
            _running.discard(child)
        # not join(): in a worker, where gevent plays the threads, that waits for all of it
        if child.stdout is not None:
            out.done.wait(_DRAIN_S)
        too_much = out.too_much or (not ended and os.fstat(errors.fileno()).st_size > MAX_ERR_BYTES)
        errors.seek(0)
        return Ended(child.returncode if ended else None, bytes(out.data), errors.read(MAX_ERR_BYTES), too_much)


def end_all() -> None:
    """End every child that still runs, of whatever thread; each is told as ended by us."""
    for child in tuple(_running):
        _end(child)


def _waited(child: subprocess.Popen[bytes], out: _Reader, until: float | None, watch: Callable[[], bool]) -> bool:
    """Wait for the child's end; False where it is to be ended."""
    while True:
        left = _TICK_S if until is None else min(_TICK_S, until - time.monotonic())
        if out.done.wait(max(0.0, left)):
            break
        if child.poll() is not None:
            return True
        if (until is not None and time.monotonic() >= until) or not watch():
            return False
    if out.too_much:  # it may write on for as long as it likes
        return False
    try:
        child.wait(None if until is None else max(_TICK_S, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _write(pipe: IO[bytes] | None, data: bytes) -> None:
    """A program that is not there ends before it has read anything."""
    if pipe is None:
        return
    view = memoryview(data)
    with suppress(OSError, ValueError), pipe:
        while view:
            view = view[pipe.write(view) :]


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child that still runs, and whatever it started in its group, such as a proxy.

    One that ended by itself may have left a connection for the calls that come after it, whose proxy is in that group.
    """
    if child.poll() is not None:
        return
    if hasattr(os, "killpg"):
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.wait(_DRAIN_S)
