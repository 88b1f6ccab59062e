"""The process that runs pyinfra: one deploy on some machines, through pyinfra's API.

A process of its own, because gevent replaces the threads and sockets of whatever process it works in, and a share that
hangs is bounded by real threads. It tells its parent what it does, and waits between looking and changing to be told to
go: however many workers there are, every machine has been looked at before one is changed, and one at most is the first
to write into a new shared state.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from gevent import joinall, spawn
from pyinfra import logger
from pyinfra.api.config import Config
from pyinfra.api.exceptions import ConnectError, PyinfraError
from pyinfra.api.inventory import Inventory
from pyinfra.api.operations import run_ops
from pyinfra.api.output import set_echo
from pyinfra.api.state import BaseStateCallback, State, StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_inventory, ctx_state

from roosync_ops import process, typed
from roosync_ops.fleet import Machine
from roosync_ops.remote_script.checks import in_detail, unreachable
from roosync_ops.transport.link import UNREACHABLE, Failure, LinkError

from .ledger import PLANNED, ledger
from .preflight import first
from .run import Event, Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from types import CodeType

    from pyinfra.api.host import Host

#: How long logging out may take, in s.
_PART_S: Final = 2.0
#: A machine that is connected to is a few descriptors and some memory here.
_MAX_PARALLEL: Final = 200


class _Teller(BaseStateCallback):
    """Passes on what pyinfra does, as it does it."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self._succeeded: Counter[str] = Counter()

    def operation_host_start(self, state: State, host: Host, op_hash: str) -> None:  # type: ignore[override] # it calls the object
        if op_hash in state.ops[host]:
            self.pipe.send(Event(host.name, " ".join(state.get_op_meta(op_hash).names)))

    def operation_host_success(self, state: State, host: Host, op_hash: str, retry_count: int = 0) -> None:  # type: ignore[override] # noqa: ARG002 - as above
        self._succeeded[host.name] += 1
        if self._succeeded[host.name] == len(state.ops[host]):
            self.pipe.send(_result(state, host))

    def operation_host_error(self, state: State, host: Host, *_: object) -> None:  # type: ignore[override] # as above
        self.refused(state, host)

    def refused(self, state: State, host: Host) -> None:
        """Tell of a machine that goes no further; one that has no reason yet is given one in the end."""
        if ledger(host).failure is not None:
            self.pipe.send(_result(state, host))


def main(pipe: Connection) -> NoReturn:
    """Answer one request, and end; the exit code is 0 unless this process itself is at fault."""
    signal.signal(signal.SIGTERM, _end)
    code = 0
    try:
        request = pipe.recv()
        _set_up_logging(verbose=request["verbose"])
        typed.repeat(request["repeat"])
        _run(pipe, request)
    except (BrokenPipeError, EOFError):  # the parent has gone
        code = 1
    except Exception as error:  # noqa: BLE001 - the last line on stderr is each machine's reason
        traceback.print_exception(error)
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - a process of ours reads it
        code = 1
    # Not sys.exit: connections that hang keep greenlets, and waiting for those is what must not happen.
    os._exit(code)


def _end(*_: object) -> None:
    """The parent wants no more: nothing that was begun goes on."""
    process.end_all()
    os._exit(1)


def _set_up_logging(*, verbose: bool) -> None:
    """Send pyinfra's own words to stderr where they were asked for, nowhere otherwise."""
    handler = logging.StreamHandler(sys.stderr) if verbose else logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO if verbose else logging.ERROR)
    if verbose:
        set_echo(lambda message=None, **_: print(message, file=sys.stderr))  # noqa: T201 - --verbose asked for it


def _run(pipe: Connection, request: dict[str, Any]) -> None:
    """Look at every machine, wait for `go`, change what differs, and tell what became of each."""
    state = _state_of(request)
    hosts = [host for host in state.inventory if state.is_host_in_limit(host)]
    for host in hosts:
        if (known := request["known"].get(host.name)) is not None:
            book = ledger(host)
            (book.report, book.link), book.round_trips = known, 1
    teller = _Teller(pipe)
    state.add_callback_handler(teller)
    state.set_stage(StateStage.Prepare)
    deploy = compile(Path(request["deploy"]).read_bytes(), request["deploy"], "exec")
    joinall([state.pool.spawn(_look_at, state, host, deploy, teller) for host in hosts])
    pipe.send((first(hosts),))
    goes, makes = pipe.recv()
    if goes and state.active_hosts:
        for host in hosts:
            ledger(host).follows = makes != host.name
        state.active_hosts = _InTurn(state.active_hosts, makes)
        _change(state)
    for host in hosts:
        pipe.send(_result(state, host))
    joinall([spawn(_part, host) for host in hosts if host.connected], timeout=_PART_S)


def _part(host: Host) -> None:
    """Log out: a WinRM service keeps an idle shell for minutes. Whatever goes wrong, the results have been told."""
    try:
        host.disconnect()
    except Exception as error:  # noqa: BLE001 - see above
        logger.debug("%s: %s", host.name, error)


def _state_of(request: dict[str, Any]) -> State:
    """Return pyinfra's state for the machines, as the inventory was read: once, by the parent process."""
    state = State(check_for_changes=request["dry"])
    state.cwd = os.getcwd()  # noqa: PTH109 - pyinfra holds it as a text
    ctx_state.set(state)
    most = request["parallel"] or _MAX_PARALLEL
    config = Config(CONNECT_TIMEOUT=request["connect_timeout_s"], PARALLEL=max(1, min(most, len(request["machines"]))))
    ctx_config.set(config)
    inventory = Inventory(([machine.entry() for machine in request["machines"]], {}))
    ctx_inventory.set(inventory)
    state.init(inventory, config, initial_limit=list(inventory))
    if request["verbose"]:
        state.print_noop_info = state.print_fact_info = True
    return state


def _look_at(state: State, host: Host, deploy: CodeType, teller: _Teller) -> None:
    """Connect to a machine and run the deploy's own code for it; what goes wrong there is that machine's failure."""
    try:
        if _connect(state, host):
            state.activate_host(host)
            with ctx_config.use(state.config.copy()), ctx_host.use(host):
                exec(deploy, {})  # noqa: S102 - one of ours
    except Exception as error:  # noqa: BLE001 - see above
        if ledger(host).failure is None:
            logger.exception("%s", host.name)
            ledger(host).fail(_internal("prepare", host, error))
        state.failed_hosts.add(host)
        state.active_hosts.discard(host)
    teller.pipe.send(Event(host.name))
    teller.refused(state, host)


def _internal(step: str, host: Host, error: Exception) -> Failure:
    return Failure(step, "INTERNAL", f"{type(error).__name__}: {error}", in_detail(host.name))


def _connect(state: State, host: Host) -> bool:
    """Log in; our connectors bound each part of a login."""
    try:
        host.connect(show_errors=False, raise_exceptions=True)
    except (ConnectError, PyinfraError, TimeoutError, OSError) as error:
        state.failed_hosts.add(host)
        known = error.__cause__ if isinstance(error.__cause__, LinkError) else LinkError(UNREACHABLE, "")
        machine = Machine.of_host(host.name, host.data.dict())
        ledger(host).fail(unreachable(machine, known.code, error, known.hint))
        return False
    return True


class _InTurn(set["Host"]):
    """The machines in their order, behind the one whose first beat all wait for: a small pool would starve it."""

    def __init__(self, hosts: set[Host], first: str | None) -> None:
        super().__init__(hosts)
        self._first = first

    def __iter__(self) -> Iterator[Host]:
        return iter(sorted(super().__iter__(), key=lambda host: (host.name != self._first, host.name)))


def _change(state: State) -> None:
    state.set_stage(StateStage.Execute)
    try:
        run_ops(state)
    except PyinfraError as error:
        logger.info("%s", error)  # no machine is left to go on with; each has its reason
    except Exception as error:  # noqa: BLE001 - each machine gets a result
        logger.exception("the run ended early")
        for host in state.active_hosts:
            ledger(host).fail(_internal("run", host, error))


def _result(state: State, host: Host) -> Result:
    """Return what became of one machine. A host that pyinfra failed has a reason here, always."""
    book = ledger(host)
    if host in state.failed_hosts and book.failure is None:
        where = next((step for step, outcome in book.steps.items() if outcome == PLANNED), "run")
        book.fail(Failure(where, "FAILED", "pyinfra gave it up", in_detail(host.name)))
    return Result(host.name, book.steps, book.failure, book.skipped, book.round_trips, book.differences)
