"""The lab's end of a machine's own mounts: starts mounts.py, asks it for covers, and starts processes inside."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .guardian import LAB_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A mount is made in a millisecond; this is for a computer that is busy, in seconds.
_TIMEOUT_S = 15.0
#: Enters in the machine's own home: a working directory from outside would lead around what covers the share.
_INSIDE = 'cd "$0" && exec "$@"'
#: Our own package and nothing else is to be found by it.
_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from roosync_ops.lab.mounts import main; sys.exit(main())"


class NestError(OSError):
    """There is no name space, or no such mount in it; the message says why."""


class Nest:
    """A machine's own mounts, where this computer lets us have them.

    `problem` says why not, and is empty where they are there; it is known once `settle` has returned.
    """

    def __init__(self, home: Path, share: Path, lab_id: str) -> None:
        self._home = home
        self._share = share
        self._lab_id = lab_id
        self._process: subprocess.Popen[bytes] | None = None
        self.problem = "not started"

    def __enter__(self) -> Self:
        """Begin to make them: `settle` waits for that, so that six machines' are made at once."""
        self.problem = "" if sys.platform == "linux" else "only Linux has them"
        self._nsenter = shutil.which("nsenter")
        if not self.problem and self._nsenter is None:
            self.problem = "nsenter (util-linux) is not installed"
        if not self.problem:
            self._start()
        return self

    def settle(self) -> None:
        """Wait until the mounts are there, and a process has been inside; otherwise say in `problem` why not."""
        if self._process is None:
            return
        try:
            self._answer()
            self._spaces = _spaces(self._process.pid)
            subprocess.run(self.inside(["true"]), check=True, capture_output=True, timeout=_TIMEOUT_S)  # noqa: S603 - ours
        except (OSError, subprocess.SubprocessError) as error:
            self.problem = str(error)
            self.__exit__(None, None, None)

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None or process.stdout is None:
            return
        process.stdin.close()
        try:
            process.wait(_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return `command` as it is to be started so that it runs on the machine's own mounts, in its home."""
        if self.problem or self._process is None:
            return list(command)
        enter = [str(self._nsenter), "-t", str(self._process.pid), *self._spaces, "--"]
        return [*enter, "/bin/sh", "-c", _INSIDE, str(self._home), *command]

    def cover(self, kind: str) -> None:
        """Make the share hang, full or read-only for the machine's processes. Raises NestError."""
        self._ask({"cover": kind})

    def uncover(self) -> None:
        """Show the machine its share again. Raises NestError."""
        self._ask({"uncover": True})

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own file, by path
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(Path(__file__).parents[2]), str(self._share)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={LAB_VARIABLE: self._lab_id},
            start_new_session=True,
        )

    def _ask(self, request: dict[str, Any]) -> None:
        if self.problem or self._process is None or self._process.stdin is None:
            raise NestError(self.problem)
        try:
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise NestError("the process that holds them is gone") from None
        self._answer()

    def _answer(self) -> None:
        line = b""
        if self._process is not None and self._process.stdout is not None:
            ready = select.select([self._process.stdout], [], [], _TIMEOUT_S)[0]
            line = self._process.stdout.readline() if ready else b""
        answer: dict[str, Any] = {}
        with suppress(ValueError):
            answer = json.loads(line)
        if not answer.get("ok"):
            raise NestError(answer.get("error") or "no answer from the process that holds them")


def _spaces(pid: int) -> list[str]:
    """Return which of the name spaces of `pid` are not ours, as nsenter's options."""
    others = Path(f"/proc/{pid}/ns/user").readlink() != Path("/proc/self/ns/user").readlink()
    return ["-U", "--preserve-credentials", "-m"] if others else ["-m"]
