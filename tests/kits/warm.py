"""Our command line in a fork of a process that has loaded it: loading takes a command most of its processor.

Each command is a process of its own, with the environment, folder and streams it would have been started with, and
ends as any other. What the start itself promises is tested on real ones: `cli/test_program.py`, `test_streams.py`,
`component/cli/test_front_door.py`. A worker of pyinfra's is begun as ever: nothing that it replaces is loaded here.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The commands that are run on machines' behalf again and again; `roosync_ops.cli` knows which module each is in.
COMMANDS: Final = (
    *("validate", "matrix", "status", "rollout", "restart", "rollback", "stop", "uninstall"),
    *("diagnose", "history", "logs", "machines", "report", "verify-share"),
)
#: What an interpreter reads as it starts, and never again.
_AT_START: Final = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC_")
_CHUNK: Final = 1 << 16
_ONE_AT_A_TIME: Final = threading.Lock()


def can(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Tell whether a command can be such a fork: where one can be made, of what is loaded, as it would have begun."""
    if sys.platform != "linux" or not words or words[0] not in COMMANDS:
        return False
    return _at_start(environment) == _at_start(_Server.of(os.getpid()).environment)


def run(
    program: str, words: Sequence[str], environment: Mapping[str, str], timeout: float, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `subprocess.run` does; what it has not ended by then is killed."""
    (out, its_out), (err, its_err), (status, its_status) = (os.pipe() for _ in range(3))
    request = {"argv": [program, *words], "environment": {**environment}, "folder": str(folder or Path.cwd())}
    try:
        _Server.of(os.getpid()).send(request, [its_out, its_err, its_status])
    finally:
        for theirs in (its_out, its_err, its_status):
            os.close(theirs)
    heard: dict[int, bytes] = {out: b"", err: b"", status: b""}
    try:
        _hear(heard, time.monotonic() + timeout)
    except TimeoutError:
        raise subprocess.TimeoutExpired([program, *words], timeout, heard[out], heard[err]) from None
    finally:
        pid, _, code = heard[status].partition(b" ")
        if not code and pid:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        for ours in heard:
            os.close(ours)
    assert code, f"the fork of {words} was never begun, or lost"
    return subprocess.CompletedProcess([program, *words], int(code), heard[out].decode(), heard[err].decode())


def _hear(heard: dict[int, bytes], until: float) -> None:
    """Read each of them to its end. Raises TimeoutError."""
    left = set(heard)
    while left:
        ready, _, _ = select.select(left, (), (), max(0.0, until - time.monotonic()))
        if not ready:
            raise TimeoutError
        for one in ready:
            chunk = os.read(one, _CHUNK)
            heard[one] += chunk
            left -= set() if chunk else {one}


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_AT_START)}


class _Server:
    """The process that has loaded the command line. It ends with the tests that started it."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,  # what it cannot load it says on the tests' own stderr
                start_new_session=True,
            )
        self._socket = ours

    @staticmethod
    def of(pid: int) -> _Server:
        """Return the one of this process."""
        with _ONE_AT_A_TIME:
            return _server(pid)

    def send(self, request: Mapping[str, object], descriptors: list[int]) -> None:
        socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)


@cache
def _server(pid: int) -> _Server:  # noqa: ARG001 - the key: a fork of the tests has none
    return _Server()


def serve() -> NoReturn:
    """Load the commands, then be each that is asked for, in a fork."""
    from roosync_ops import __main__, cli  # noqa: PLC0415 - the tests' own process need not

    for name in COMMANDS:
        import_module(f"{cli.__name__}.{cli._MODULES.get(name, name.replace('-', '_'))}")
    assert threading.active_count() == 1
    assert not {"ssl", "gevent", "pyinfra"} & {*sys.modules}
    gc.freeze()  # or each fork's first collection copied all of it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those that wait below have ended
    asked = socket.socket(fileno=os.dup(0))
    while True:
        text, descriptors, _, _ = socket.recv_fds(asked, 1 << 20, 3)
        if not text:
            os._exit(0)
        if os.fork() == 0:
            break
        for one in descriptors:
            os.close(one)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    asked.close()
    out, err, status = descriptors
    if child := os.fork():
        _wait_for(child, status, (out, err))
    os.close(status)
    _become(json.loads(text), out, err)
    __main__.program()


def _wait_for(child: int, status: int, others: Sequence[int]) -> None:
    """Tell who a command is, and how it ended."""
    for one in others:
        os.close(one)
    os.write(status, b"%d " % child)
    _, ended = os.waitpid(child, 0)
    with suppress(BrokenPipeError):  # of who was killed nobody hears more
        os.write(status, b"%d" % os.waitstatus_to_exitcode(ended))
    os._exit(0)


def _become(request: dict[str, object], out: int, err: int) -> None:
    """Be the process that was asked for."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(ours, number)
        os.close(ours)
    os.chdir(str(request["folder"]))
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    sys.argv[:] = request["argv"]  # type: ignore[call-overload]
    sys.path[0] = str(Path(sys.argv[0]).parent)


if __name__ == "__main__":
    serve()
