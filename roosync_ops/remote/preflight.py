"""Look before anything is changed: is it the machine that the inventory means, and can an agent live there.

Deploys call these before any operation. pyinfra runs a deploy's own code on every host before it executes the first
operation on any, so every machine has been looked at before one is changed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gevent import Timeout
from pyinfra import logger
from pyinfra.context import ctx_host, ctx_state

from roosync_ops.fleet import FleetError, Machine

from . import checks, facts
from .facts_model import Report, SilenceError
from .ledger import PREFLIGHT, UNCHANGED, Failure, ledger

# paramiko's threads tell of a connection that never was by a traceback; whoever connected tells the failure itself.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyinfra.api.facts import FactBase
    from pyinfra.api.host import Host


Answer = TypeVar("Answer")
#: How much later than pyinfra gives up a fact, its command is given up for good, in s.
_GRACE_S: Final = 5


def known_machine() -> Machine | None:
    """Return the machine of the host at hand, reached and sure to be itself; None, and the host failed, otherwise."""
    return _checked(checks.identity)


def ready_machine() -> Machine | None:
    """Return the machine of the host at hand if an agent can live there; None, and the host failed, otherwise.

    A machine that is expected offline is passed over, with a word, unless `--limit` names it.
    """
    host = current()
    machine = machine_of(host)
    if isinstance(machine, Machine) and machine.expected == "offline" and not _is_named(host):
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
        return Failure(PREFLIGHT, "INVENTORY", str(error), "roosync-ops machines check")


def report_of(host: Host, machine: Machine) -> Report | Failure:
    """Return what is known of `host`, asking it where nothing is."""
    book = ledger(host)
    if book.report is None:
        book.round_trips += 1
        answer = ask(host, machine, facts.MachineFacts, facts.arguments(machine))
        if answer is None:
            answer = SilenceError("TIMEOUT", f"nothing within {facts.limit_s(machine)} s, or the connection was lost")
        if isinstance(answer, SilenceError):
            return checks.silence(machine, answer)
        book.report = answer
    return book.report


def ask(host: Host, machine: Machine, fact: type[FactBase[Answer]], arguments: dict[str, Any]) -> Answer | None:
    """Return a fact of `host`; None where no answer came in time or the connection was lost."""
    limit = facts.limit_s(machine)
    # pyinfra's own timeout covers the output and not the exit status.
    with Timeout(limit + _GRACE_S, TimeoutError):
        answer: Answer | None = host.get_fact(
            fact,
            **arguments,
            _timeout=limit,
            _ignore_errors=True,  # the reason is told by the caller, in our words
        )
    return answer


def refuse(host: Host, failure: Failure) -> None:
    """Fail `host`, and no other, before anything is changed on it."""
    ledger(host).fail(failure)
    host.log_styled(failure.sentence(), fg="red", log_func=logger.error)
    host.state.fail_hosts({host})


def _is_named(host: Host) -> bool:
    limit = ctx_state.get().limit_hosts
    return isinstance(limit, list) and host in limit


def _checked(check: Callable[[Machine, Report], Failure | None]) -> Machine | None:
    host = current()
    machine = machine_of(host)
    failure = machine if isinstance(machine, Failure) else _problem(host, machine, check)
    if failure is not None:
        refuse(host, failure)
        return None
    ledger(host).steps[PREFLIGHT] = UNCHANGED
    return machine if isinstance(machine, Machine) else None


def _problem(host: Host, machine: Machine, check: Callable[[Machine, Report], Failure | None]) -> Failure | None:
    report = report_of(host, machine)
    return report if isinstance(report, Failure) else check(machine, report)
