"""`roosync-ops watch` as a process of its own: its lines into a pipe, or its screen on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from tests.kits.hosts import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

#: A loaded computer needs this long for what takes a second, in s.
#: Makes the terminal the controlling one, so that Ctrl-C typed there is a signal; its process is a child of a shell's.
ON_TERMINAL = "import os, sys; os.login_tty(os.dup(0)); os.execv(sys.argv[1], sys.argv[1:])"
COMMAND = (sys.executable, "-m", "roosync_ops", "watch")


def environment(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.environ["PATH"], "XDG_STATE_HOME": str(home / "state"), **more}


class Lines:
    """A watcher that writes JSON lines. `flips` are those it told so far."""

    def __init__(self, home: Path, *words: str | Path, **more: str) -> None:
        self.flips: list[dict[str, Any]] = []
        self.said = ""
        self._process = subprocess.Popen(
            [*COMMAND, "--json", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=home,
            env=environment(home, **more),
        )
        self._threads = [threading.Thread(target=each) for each in (self._read, self._note)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self.flips.append(json.loads(line))

    def _note(self) -> None:
        for line in self._process.stderr or ():
            self.said += line

    def until(self, machine_id: str | None, to: str, seconds: float = PATIENCE_S) -> dict[str, Any]:
        """Wait for a flip, and return it."""
        end = time.monotonic() + seconds
        while True:
            for flip in self.flips:
                if (flip["machineId"], flip["to"]) == (machine_id, to):
                    return flip
            assert time.monotonic() < end, (machine_id, to, self.flips, self.said)
            assert self._process.poll() is None, self.said
            time.sleep(0.1)

    def end(self, number: int = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        code = self._process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.end(signal.SIGKILL)


class Terminal:
    """A watcher on a terminal of `columns` by `rows`. `seen` is every byte it wrote there."""

    def __init__(self, home: Path, *words: str | Path, columns: int = 80, rows: int = 24, **more: str) -> None:
        self.ours, self.theirs = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.theirs)
        self.seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *COMMAND, *map(str, words)],
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            cwd=home,
            env=environment(home, **{"TERM": "xterm", **more}),
            start_new_session=True,
        )

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def attributes(self) -> list[Any]:
        return termios.tcgetattr(self.theirs)

    def until(self, text: str, seconds: float = PATIENCE_S) -> str:
        """Read until `text` is written, and return what was written since the last call."""
        end, since = time.monotonic() + seconds, len(self.seen)
        while text.encode() not in self.seen[since:]:
            assert time.monotonic() < end, self.seen[since:].decode(errors="replace")
            self.read(0.2)
        return self.seen[since:].decode(errors="replace")

    def read(self, seconds: float) -> None:
        if select.select([self.ours], [], [], seconds)[0]:
            self.seen += os.read(self.ours, 65_536)

    def type(self, text: bytes) -> None:
        os.write(self.ours, text)

    def wait(self) -> int:
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end, self.seen[-2000:].decode(errors="replace")
            self.read(0.1)
        self.read(0.1)
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        os.close(self.ours)
        os.close(self.theirs)
