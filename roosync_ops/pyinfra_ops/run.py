"""Run one of deploys/*.py on machines and tell what became of each. Imports no pyinfra: worker processes do.

However a machine, a worker or the network fails, the answer is one result per machine, and never an exception.
"""

from __future__ import annotations

import importlib
import math
import os
import secrets
import signal
import sys
import threading
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import roosync_ops
from roosync_ops import typed
from roosync_ops.remote_script import checks
from roosync_ops.transport.link import Failure
from roosync_ops.transport.ssh_files import ROOM_VARIABLE, room

from .ledger import BACK, CHANGED, FAILED, PLANNED, ROLLED_BACK, SKIPPED, UNCHANGED, UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from roosync_ops.fleet import Machine
    from roosync_ops.remote_script.facts_model import ProbeReport
    from roosync_ops.transport.link import Link

    from .plan import Difference

#: Which machines that a worker looked at could make `heartbeats/`, the least first; None: one has seen it.
Firsts: TypeAlias = "list[tuple[bool, str]] | None"
#: What a machine answered that was looked at already; and the way by which, where that goes on.
Answered: TypeAlias = "tuple[ProbeReport, Link | None]"

#: How long a TCP connection may take, in s, unless the operator says otherwise. The login has its own limit.
CONNECT_TIMEOUT_S: Final = 10
#: pyinfra keeps one core busy with this many machines; more are shared among workers.
_MACHINES_A_WORKER: Final = 25
#: So much of what a worker said last counts, in characters.
_LAST_WORDS: Final = 65_536
_CONNECTORS: Final = {"ssh": "ssh:SshConnector", "winrm": "winrm:WinrmConnector"}
#: What pyinfra imports, and a worker does not use: its machines are reached by the system's ssh, and it has no tests.
_UNUSED: Final = {"paramiko": ("PKey", "SSHException"), "unittest.mock": ("Mock", "patch")}
#: How long a worker that was told to end may take, in s.
_END_S: Final = 5.0


@dataclass(frozen=True)
class Result:
    """What became of one machine. `steps` maps each step to changed, unchanged, planned or failed, in order."""

    machine_id: str
    steps: dict[str, str] = field(default_factory=dict)
    failure: Failure | None = None
    skipped: str | None = None
    round_trips: int = 0
    differences: tuple[Difference, ...] = ()

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
    """What is begun on a machine: `step` is what pyinfra calls the operation; None: it was looked at."""

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
    known: Mapping[str, Answered] = MappingProxyType({}),
    connect_timeout_s: int = CONNECT_TIMEOUT_S,
    parallel: int | None = None,
    tell: Callable[[Event | Result], None] = lambda _: None,
    begun: Workers | None = None,
) -> tuple[Result, ...]:
    """Run deploys/<deploy>.py on `machines`; the results are in their order.

    A machine that is `known`, by machineId, is not looked at again. With `dry` every machine is looked at and none is
    changed. A shared state that `is_new` has no `heartbeats/` yet, as far as is known: one machine at most makes it.
    `parallel` machines at most are at it at once. `tell` hears of each machine's result as soon as it is known.
    KeyboardInterrupt passes through, the workers ended.
    """
    request = {
        "deploy": str(deploy_file(deploy)),
        "dry": dry,
        "verbose": verbose,
        "connect_timeout_s": connect_timeout_s,
        "repeat": typed.repeated(),
        "known": dict(known),
    }
    found: dict[str, Result] = {}
    parts = parts_of(machines, parallel)
    share = parallel and parallel // len(parts)
    with begun or Workers({machine.transport for machine in machines}, verbose=verbose) as workers:
        workers.start(len(parts))
        workers.send(*({**request, "machines": part, "parallel": share} for part in parts))
        looking = set(workers.pipes)
        firsts: list[Firsts] = []
        for pipe, said in workers.words():
            if isinstance(said, Result):
                if said.machine_id not in found:
                    tell(said)
                found[said.machine_id] = said
            elif isinstance(said, Event):
                tell(said)
            elif pipe in looking:  # it has looked at each of its machines, or is gone
                looking.discard(pipe)
                firsts += said or ()
                if not looking:
                    workers.send(*[(not dry, _first(firsts) if is_new else None)] * len(parts))
        reason = workers.last_words()
    return tuple(found.get(machine.machine_id) or _lost(machine.machine_id, reason) for machine in machines)


def _first(said: Sequence[Firsts]) -> str | None:
    """Return which machine makes `heartbeats/`, of what the workers said; None where a machine has seen it."""
    if any(names is None for names in said):
        return None
    return min((pair for names in said if names for pair in names), default=(False, None))[1]


def parts_of(machines: Sequence[Machine], parallel: int | None = None) -> list[list[Machine]]:
    """Share machines among as many workers as are worth starting; each is at one machine at least."""
    worth = math.ceil(len(machines) / _MACHINES_A_WORKER)
    count = max(1, min(os.cpu_count() or 1, worth, parallel or worth))
    return [part for at in range(count) if (part := list(machines[at::count]))]


def _lost(name: str, reason: str) -> Result:
    said = f"the process that ran pyinfra ended early: {reason}"
    return Result(name, {"run": FAILED}, Failure("run", "INTERNAL", said, checks.in_detail(name)))


class Workers(AbstractContextManager["Workers"]):
    """Worker processes, each for one request; a context manager that leaves none behind."""

    def __init__(self, transports: set[str], *, verbose: bool) -> None:
        self._transports, self._verbose = transports, verbose
        self._errors: list[Path] = []
        self.pipes: dict[Connection, BaseProcess] = {}

    def start(self, count: int) -> None:
        """Have so many workers; each loads pyinfra, for as long as a login takes, and then waits for its request."""
        import multiprocessing  # noqa: PLC0415 - where a look settles all, there is no worker

        # A fork has what was loaded here: on Linux, of one thread, before ssl, which gevent would come too late for.
        forks = sys.platform == "linux" and threading.active_count() == 1 and "ssl" not in sys.modules
        context: Any = multiprocessing.get_context("fork" if forks else "spawn")
        for _ in range(len(self.pipes), count):
            ours, theirs = context.Pipe()
            self._errors.append(room() / f"{secrets.token_hex(8)}.err")
            inherited = [*self.pipes, ours] if forks else []
            said = (theirs, self._transports, None if self._verbose else self._errors[-1], room(), inherited)
            worker = context.Process(target=_work, args=said, daemon=True)
            self.pipes[ours] = worker
            worker.start()
            theirs.close()

    def __exit__(self, *_: object) -> None:
        for worker in self.pipes.values():
            worker.terminate()
        for pipe, worker in self.pipes.items():
            worker.join(_END_S)
            worker.kill()
            worker.join()
            pipe.close()
        for errors in self._errors:
            errors.unlink(missing_ok=True)

    def words(self) -> Iterator[tuple[Connection, Event | Result | tuple[Firsts] | None]]:
        """Yield (whose, what a worker said) until all have ended; None says that it is gone."""
        from multiprocessing.connection import wait  # noqa: PLC0415 - as above

        left = set(self.pipes)
        while left:
            for pipe in left.intersection(wait(left)):
                try:
                    yield pipe, pipe.recv()
                except (EOFError, OSError):
                    left.discard(pipe)
                    yield pipe, None

    def send(self, *words: dict[str, Any] | tuple[bool, str | None]) -> None:
        """Tell each worker its request; then whether to change its machines, and which machine makes `heartbeats/`.

        The results of one that has ended are missing, and will be named.
        """
        for pipe, word in zip(self.pipes, words, strict=True):
            with suppress(OSError):
                pipe.send(word)

    def last_words(self) -> str:
        """Return the end of what the workers said on stderr."""
        texts = [errors.read_bytes().decode("utf-8", "replace") for errors in self._errors if errors.is_file()]
        said = [line.strip() for text in texts for line in text[-_LAST_WORDS:].splitlines() if line.strip()]
        return said[-1] if said else "see above" if self._verbose else "without a word"


def _work(
    pipe: Connection, transports: set[str], errors: Path | None, folder: Path, inherited: Iterable[Connection]
) -> None:
    """Be a worker: what is printed here is dropped, and Ctrl-C is the parent's to hear, and to pass on."""
    for one in inherited:  # or this process would never see the parent's end
        one.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
    # Keep the spinner to us: pyinfra draws one on terminals too.
    os.environ.update({"PYINFRA_PROGRESS": "off", ROOM_VARIABLE: str(folder)})
    if errors is not None:
        with errors.open("wb") as file:
            os.dup2(file.fileno(), 2)
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as this process lives
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115 - as above
    _load_little(transports)
    from .worker import main  # noqa: PLC0415 - pyinfra

    main(pipe)


class _Unused(ModuleType):
    """Stands for a module of which only `names` are imported, and never used; for any other name it is loaded."""

    def __init__(self, module: str, names: Container[str]) -> None:
        super().__init__(module)
        self._names = names

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            return type(name, (Exception,), {})
        if name.startswith("__"):  # asked for by `import` itself
            raise AttributeError(name)
        sys.modules.pop(self.__name__, None)
        return getattr(importlib.import_module(self.__name__), name)


def _load_little(transports: Iterable[str]) -> None:
    """Have pyinfra and gevent load what this process uses: all of it takes longer than several logins.

    They ask every installed package for connectors, again for each machine, and for listeners to what gevent replaces.
    """
    metadata: Any = importlib.import_module("importlib.metadata")
    ours = [metadata.EntryPoint(name, f"{__package__}.{_CONNECTORS[name]}", "") for name in {"ssh", *transports}]
    ours += [metadata.EntryPoint(f"roosync-{one.name}", one.value, "") for one in ours]
    metadata.entry_points = lambda *, group: ours if group == "pyinfra.connectors" else []
    for module, names in _UNUSED.items():
        sys.modules.setdefault(module, _Unused(module, names))
    from gevent import monkey  # noqa: PLC0415 - a worker's: in place of threads and sockets, before anything uses them

    monkey.patch_all(ssl="winrm" in transports)  # the system's ssh is no ssl of ours
