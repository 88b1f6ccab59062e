"""Run one of deploys/*.py on machines and tell what became of each. Imports no pyinfra: worker processes do.

However a machine, a worker or the network fails, the answer is one result per machine, and never an exception.
"""

from __future__ import annotations

import json
import math
import os
import queue
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

import roosync_ops
from roosync_ops import typed
from roosync_ops.transport.failure import Failure
from roosync_ops.transport.ssh_room import ROOM_VARIABLE, room

from .ledger import CHANGED, FAILED, PLANNED, ROLLED_BACK, UNCHANGED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from roosync_ops.fleet import Machine

UNREACHABLE: Final = "unreachable"
SKIPPED: Final = "skipped"
BACK: Final = "rolled-back"
#: How long a TCP connection may take, in s, unless the operator says otherwise. The login has its own limit.
CONNECT_TIMEOUT_S: Final = 10
#: pyinfra keeps one core busy with this many machines; more are shared among workers.
_MACHINES_A_WORKER: Final = 25
#: So much of what a worker said last is read, in bytes.
_LAST_WORDS: Final = 65_536
#: How long a worker that was told to end may take, in s.
_END_S: Final = 5.0


@dataclass(frozen=True)
class Result:
    """What became of one machine. `steps` maps each step to changed, unchanged, planned or failed, in order."""

    machine_id: str
    steps: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    skipped: str | None = None
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    round_trips: int = 0

    @property
    def outcome(self) -> str:
        """changed, unchanged, planned (a dry run's changed), failed, rolled-back, unreachable, or skipped."""
        if self.failure is not None:
            words = {"connect": UNREACHABLE, ROLLED_BACK: BACK}
            return words.get(self.failure.code) or words.get(self.failure.step) or FAILED
        if self.skipped is not None:
            return SKIPPED
        outcomes = self.steps.values()
        return PLANNED if PLANNED in outcomes else CHANGED if CHANGED in outcomes else UNCHANGED

    @property
    def ok(self) -> bool:
        return self.failure is None


@dataclass(frozen=True)
class Event:
    """Something a worker did: `kind` is connected, looked-at or step; `step` is what pyinfra calls the operation."""

    kind: str
    machine_id: str
    step: str | None = None


def deploy_file(name: str) -> Path:
    """Return deploys/<name>.py: beside the package in a checkout, inside it where it was installed."""
    package = Path(roosync_ops.__file__).parent
    for folder in (package / "deploys", package.parent / "deploys"):
        if (folder / f"{name}.py").is_file():
            return folder / f"{name}.py"
    raise FileNotFoundError(f"deploys/{name}.py is not part of this installation")


def run(  # noqa: PLR0913 - each is an option of the commands
    deploy: str,
    machines: Sequence[Machine],
    *,
    dry: bool = False,
    verbose: bool = False,
    is_new: bool = True,
    connect_timeout_s: int = CONNECT_TIMEOUT_S,
    tell: Callable[[Event], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Run deploys/<deploy>.py on `machines`; the results are in their order.

    With `dry` every machine is looked at and none is changed. A shared state that `is_new` has no `heartbeats/` yet, as
    far as is known: one machine at most makes it. KeyboardInterrupt passes through, the workers ended.
    """
    names = [machine.machine_id for machine in machines]
    lines = {machine.machine_id: machine.model_dump(mode="json", exclude={"machine_id"}) for machine in machines}
    request = {
        "deploy": str(deploy_file(deploy)),
        "dry": dry,
        "verbose": verbose,
        "connectTimeout": connect_timeout_s,
    }
    requests = [{**request, "machines": {name: lines[name] for name in part}} for part in parts_of(list(lines))]
    with Workers(requests, verbose=verbose) as workers:
        found: dict[str, Result] = {}
        looking = set(range(len(workers)))
        firsts: list[Any] = []
        for worker, event in workers.events():
            kind = event["event"]
            if kind in ("looked", "gone") and looking:
                looking.discard(worker)
                firsts += [event["first"]] if kind == "looked" else []
                if not looking:
                    workers.send(json.dumps({"go": not dry, "first": _first(firsts) if is_new else None}))
            elif kind == "result":
                found[event["machine"]] = _result(event)
            elif kind in ("connected", "looked-at", "step"):
                tell(Event(kind, event["machine"], event.get("step")))
        reason = workers.last_words()
    return tuple(found.get(name) or _lost(name, reason) for name in names)


def _first(said: Sequence[list[tuple[bool, str]] | None]) -> str | None:
    """Return which machine makes `heartbeats/`, of what the workers said; None where a machine has seen it."""
    if any(names is None for names in said):
        return None
    return min((pair for names in said if names for pair in names), default=(False, None))[1]


def parts_of(names: Sequence[str]) -> list[list[str]]:
    """Share machines among as many workers as are worth starting."""
    count = max(1, min(os.cpu_count() or 1, math.ceil(len(names) / _MACHINES_A_WORKER)))
    return [part for at in range(count) if (part := list(names[at::count]))]


def _result(event: dict[str, Any]) -> Result:
    failure = event["failure"]
    return Result(
        event["machine"],
        event["steps"],
        None if failure is None else Failure(**failure),
        event["skipped"],
        event["replies"],
        event["roundTrips"],
    )


def _lost(name: str, reason: str) -> Result:
    failure = Failure(
        "run",
        "INTERNAL",
        f"the process that ran pyinfra ended early: {reason}",
        typed.ours("rollout", name, "--dry", "--verbose"),
    )
    return Result(name, {"run": FAILED}, failure)


class Workers:
    """Worker processes, each with one request; a context manager that leaves none behind."""

    def __init__(self, requests: Sequence[dict[str, Any]], *, verbose: bool = False) -> None:
        self._requests = requests
        self._verbose = verbose
        self._processes: list[subprocess.Popen[str]] = []
        self._errors: list[IO[bytes]] = []
        self._queue: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        for request in self._requests:
            errors = tempfile.TemporaryFile()
            self._errors.append(errors)
            process = subprocess.Popen(
                [sys.executable, "-m", "roosync_ops.pyinfra_ops.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if self._verbose else errors,
                text=True,
                encoding="utf-8",
                env=_environment(),
                start_new_session=True,  # Ctrl-C is ours to hear, and ours to pass on
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
            self._processes.append(process)
            threading.Thread(target=self._read, args=(len(self._processes) - 1, process), daemon=True).start()
            self._send(process, json.dumps({**request, "repeat": typed.repeated()}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.end()
        for process in self._processes:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    _close(pipe)
        for errors in self._errors:
            errors.close()

    def __len__(self) -> int:
        return len(self._processes)

    def events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield (which worker, what it said) until all have ended; the last of each is `gone`."""
        left = len(self._processes)
        while left:
            worker, event = self._queue.get()
            yield worker, event
            left -= event["event"] == "gone"

    def send(self, line: str) -> None:
        """Tell every worker something."""
        for process in self._processes:
            self._send(process, line)

    def end(self) -> None:
        """Have every worker end now."""
        for process in self._processes:
            process.terminate()

    def last_words(self) -> str:
        """Return the end of what the workers said on stderr."""
        if self._verbose:
            return "see above"
        said = []
        for errors in self._errors:
            errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LAST_WORDS))
            said += errors.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(said) if line.strip()), "without a word")

    @staticmethod
    def _send(process: subprocess.Popen[str], line: str) -> None:
        try:
            if process.stdin is not None:
                process.stdin.write(line + "\n")
                process.stdin.flush()
        except OSError:
            pass  # it has ended; its results are missing and will be named

    def _read(self, at: int, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            event = _event(line)
            if event is not None:
                self._queue.put((at, event))
        self._queue.put((at, {"event": "gone"}))


def _event(line: str) -> dict[str, Any] | None:
    """Return what a worker said; None for what a user's inventory or deploy printed."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _close(pipe: IO[str]) -> None:
    with suppress(OSError):
        pipe.close()


def _environment() -> dict[str, str]:
    """Keep the spinner to us: pyinfra draws one on terminals too. The worker finds this very package."""
    root = str(Path(roosync_ops.__file__).parent.parent)
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYINFRA_PROGRESS": "off", "PYTHONPATH": path, ROOM_VARIABLE: str(room())}
