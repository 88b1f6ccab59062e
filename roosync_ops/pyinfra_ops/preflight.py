"""Look before anything is changed: is it the machine that the inventory means, and can an agent live there.

Deploys call these before any operation. pyinfra runs a deploy's own code on every host before it executes the first
operation on any, so every machine has been looked at before one is changed.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from gevent import Timeout
from pyinfra.api.facts import FactBase
from pyinfra.api.host import Host
from pyinfra.context import ctx_host, ctx_state

from roosync_ops import typed
from roosync_ops.fleet import FleetError, Machine
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import ProbeReport
from roosync_ops.remote_script.question import SilenceError
from roosync_ops.transport.link import PREFLIGHT, Failure

from . import commands, facts
from .connector import Connector
from .ledger import CHANGED, PYTHON, UNCHANGED, ledger
from .settled import has_seen

Answer = TypeVar("Answer")
#: Beyond the fact's own limit: a machine without a Python downloads one, in s.
INSTALL_S: Final = 900
#: How much later than pyinfra gives up a fact, its command is given up for good, in s.
_GRACE_S: Final = 5


def known_machine() -> Machine | None:
    """Return the machine of the host at hand, reached and sure to be itself; None, and the host failed, otherwise."""
    return _checked(checks.known)


def ready_machine() -> Machine | None:
    """Return the machine of the host at hand if an agent can live there; None, and the host failed, otherwise.

    A machine that is expected offline is passed over, with a word, unless `--limit` names it.
    """
    host = current()
    machine = machine_of(host)
    limit = ctx_state.get().limit_hosts
    is_named = isinstance(limit, list) and host in limit
    if isinstance(machine, Machine) and machine.expected == "offline" and not is_named:
        ledger(host).skipped = f"expected offline{f' ({machine.why})' if machine.why else ''}; name it with --limit"
        host.log(f"Skipped: {ledger(host).skipped}")
        return None
    return _checked(checks.everything)


def current() -> Host:
    """Return the host at hand itself, not pyinfra's stand-in for it, which is equal to nothing."""
    host: Host = ctx_host.get()
    return host


def machine_of(host: Host) -> Machine | Failure:
    """Return what the inventory says about `host`, or what is wrong with it."""
    try:
        return Machine.of_host(host.name, host.data.dict())
    except FleetError as error:
        return Failure(PREFLIGHT, "INVENTORY", str(error), typed.ours("machines", "check"))


def report_of(host: Host, machine: Machine) -> ProbeReport | Failure:
    """Return what is known of `host`, asking it where nothing is. A Python is installed where that is now due."""
    book = ledger(host)
    if book.report is not None:
        return book.report
    if (failure := wrong_system(host, machine)) is not None:
        return failure
    installs = book.lacks_python and host.state.is_executing
    book.round_trips += 1
    limit = checks.limit_s(machine) + (INSTALL_S if installs else 0)
    answer = ask(host, facts.MachineFacts, {**facts.arguments(machine), "bootstrap": installs}, limit)
    if isinstance(answer, SilenceError):
        return checks.silence(machine, answer)
    book.report = answer
    if installs:
        book.lacks_python = False
        book.steps[PYTHON] = CHANGED
    return (checks.everything(machine, answer) if installs else None) or answer


def wrong_system(host: Host, machine: Machine) -> Failure | None:
    """Return why `host` cannot be asked at all: what answers there is not what the inventory says."""
    connector = host.connector
    if not isinstance(connector, Connector) or (machine.system == "windows") != connector.is_windows:
        said = (
            f"it is reached as another system than {machine.system}: its host is to be named {machine.host_name!r}, "
            f"as machine({machine.machine_id!r}, system={machine.system!r}, ...) does"
        )
        return Failure(PREFLIGHT, "INVENTORY", said, typed.ours("machines", "check"))
    return checks.system(machine, connector.link.banner)


def ask(host: Host, fact: type[FactBase[Answer]], arguments: dict[str, Any], limit_s: int) -> Answer | SilenceError:
    """Return a fact of `host`, or that no answer came in time or the connection was lost."""
    # pyinfra's own timeout covers the output and not the exit status.
    with Timeout(limit_s + _GRACE_S, TimeoutError):
        # The reason is told by the caller, in our words.
        answer: Answer | None = host.get_fact(fact, **arguments, _timeout=limit_s, _ignore_errors=True)
    return answer or SilenceError("TIMEOUT", f"nothing within {limit_s} s, or the connection was lost")


def first(hosts: Iterable[Host]) -> list[tuple[bool, str]] | None:
    """Return which of `hosts`, looked at, is to make `heartbeats/`: at most one, best is least. None where it is made.

    The machine of the smallest name also keeps the view, so that no second one of that is made either.
    """
    active = [host for host in hosts if host in host.state.active_hosts and ledger(host).skipped is None]
    books = {host.name: ledger(host) for host in active}
    if any(book.report is not None and has_seen(book.report) for book in books.values()):
        return None
    return sorted((book.report is None, name) for name, book in books.items())[:1]


def follows(host: Host) -> bool:
    """Return True if `host` is to wait for what another machine of this run writes: so says the caller, or we.

    A sync product makes two folders of one that two machines make before they see each other's.
    """
    book = ledger(host)
    if book.follows is None:
        others = list(host.state.inventory)
        names = [name for _, name in first(others) or ()]
        for other in others:
            ledger(other).follows = other.name not in names
    share = book.report and book.report.share
    return bool(book.follows) and not (share and share.heartbeats)


def _checked(check: Callable[[Machine, ProbeReport], Failure | None]) -> Machine | None:
    host = current()
    machine = machine_of(host)
    failure = machine if isinstance(machine, Failure) else _problem(host, machine, check)
    if failure is not None:  # this host alone, before anything is changed on it
        commands.refuse(host.state, host, failure)
        host.state.fail_hosts({host})
        return None
    ledger(host).steps[PREFLIGHT] = UNCHANGED
    return machine if isinstance(machine, Machine) else None


def _problem(host: Host, machine: Machine, check: Callable[[Machine, ProbeReport], Failure | None]) -> Failure | None:
    report = report_of(host, machine)
    if not isinstance(report, Failure):
        return check(machine, report)
    if report.code == "NO_PYTHON" and machine.bootstrap_python and check is checks.everything:
        ledger(host).lacks_python = True  # the rollout's first step; what else there is to know is looked at then
        return None
    return report
