"""One program, run to its end: bounded in time and in what it says, whatever it does."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

#: More than this is read by nobody, in bytes: 2,500 comments (GitHub's most for an issue) of ordinary length.
MAX_OUTPUT: Final = 67_108_864
#: How long a process that was killed may take to end, in s; one that hangs in the kernel does not.
_KILL_S: Final = 2.0
_CHUNK: Final = 65_536


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    out: bytes
    err: bytes

    @property
    def said(self) -> str:
        """What it said went wrong, in one line without anything a terminal obeys."""
        line = " ".join((self.err or self.out).decode("utf-8", "replace").split())[:500]
        return "".join(char if char.isprintable() else "?" for char in line)


class NotStartedError(Exception):
    """The program could not be started; the message is the system's reason."""


class TimedOutError(Exception):
    """The program had not ended in time, and was killed. What it did by then is not known."""


def run(argv: Sequence[str], timeout_s: float, *, given: bytes = b"", env: Mapping[str, str] | None = None) -> Ended:
    """Run `argv` with `given` on its standard input. Raises NotStartedError or TimedOutError.

    Its children are ended with it where it does not end in time; a process that even a signal does not end is left
    behind, and not waited for.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - words, without a shell
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            start_new_session=os.name == "posix",
        )
    except (OSError, ValueError) as error:
        raise NotStartedError(getattr(error, "strerror", None) or str(error)) from None
    out, err = _Reader(process.stdout), _Reader(process.stderr)
    _write(process.stdin, given)
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        end(process)
        raise TimedOutError(f"no end after {timeout_s:g} s; killed") from None
    except BaseException:
        end(process)
        raise
    return Ended(code, out.text(), err.text())


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all it started."""
    with suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_S)


class _Reader:
    """Reads a pipe to its end in a thread of its own, and keeps MAX_OUTPUT bytes of it."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        self._pipe = pipe
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def text(self) -> bytes:
        # A grandchild may keep the pipe open for as long as it likes.
        self._thread.join(_KILL_S)
        return b"".join(self._parts)

    def _read(self) -> None:
        kept = 0
        if self._pipe is None:
            return
        with suppress(OSError, ValueError), self._pipe as pipe:
            while chunk := pipe.read1(_CHUNK):  # type: ignore[attr-defined] # a BufferedReader, typed as IO
                if kept < MAX_OUTPUT:
                    self._parts.append(chunk)
                    kept += len(chunk)


def _write(pipe: IO[bytes] | None, given: bytes) -> None:
    """Write in a thread of its own: a program need not read what it is given."""

    def write() -> None:
        if pipe is not None:
            with suppress(OSError), pipe:
                pipe.write(given)

    threading.Thread(target=write, daemon=True).start()
