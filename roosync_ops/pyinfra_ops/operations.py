"""pyinfra operations: the agent rolled out, seen online, restarted, rolled back, proved, stopped, removed.

Each compares what the machine answered with what the inventory says and yields a command only where they differ. A
rollout's steps share one command, and so one round trip and one Python on the machine.
"""

from collections.abc import Callable, Generator
from typing import Final

from pyinfra.api.command import PyinfraCommand
from pyinfra.api.operation import operation

from roosync_ops import typed
from roosync_ops.fleet import Machine
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import ProbeReport
from roosync_ops.transport.link import Failure

from . import commands, facts, plan
from .ledger import ONLINE, PROVED, PYTHON, UNCHANGED, WAITS, ledger
from .preflight import ask, current, follows, report_of
from .settled import build, not_online, not_proved, taken_away

Commands = Generator[PyinfraCommand, None, None]

#: How long a machine waits for what the first one of a fleet wrote, in s: twice what replication takes on a good day.
FOLLOW_S: Final = 120


@operation()
def agent_rolled_out(machine: Machine) -> Commands:
    """Make sure that this build lies there, configured, permanent, registered and running, in one round trip."""

    def compare(report: ProbeReport) -> tuple[str, ...]:
        if not current().state.is_executing:
            ledger(current()).differences = plan.differences(machine, build(), report)
        return plan.missing(machine, build(), report)

    yield from _compared(machine, plan.rollout(machine), compare)


@operation()
def agent_online(machine: Machine) -> Commands:
    """Make sure the machine's last beat is in its share and online; changes nothing, fails the host if it is not."""
    report = report_of(current(), machine)
    failure = report if isinstance(report, Failure) else not_online(machine, report)
    if not isinstance(report, Failure) and plan.PUSH in ledger(current()).steps:  # to the others whatever runs is right
        failure = taken_away(machine, report, ONLINE) or failure
    # Before anything is executed, a machine that is yet to be rolled out is not online, and need not be.
    yield from _unchanged(ONLINE, failure if current().state.is_executing else None)


@operation(is_idempotent=False)
def agent_restarted(machine: Machine) -> Commands:
    """Restart the loop. Readers of the fleet see no gap: the record is not marked as left in between."""
    known = report_of(current(), machine)
    if not isinstance(known, Failure) and known.agent_sha256 is None:
        hint = typed.ours("rollout", machine.machine_id)
        known = Failure(plan.START, "NOT_ENROLLED", "there is no agent on it", hint)
    yield from _started(known, commands.restart(machine))


@operation(is_idempotent=False)
def agent_rolled_back(machine: Machine) -> Commands:
    """Have the build before take over again, whatever the one that runs is worth."""
    yield from _started(report_of(current(), machine), commands.restart(machine, "back"))


@operation()
def agent_proved(machine: Machine) -> Commands:
    """Make sure the loop runs this build, its trial behind it; changes nothing, fails the host if it does not."""
    report = report_of(current(), machine)
    yield from _unchanged(PROVED, report if isinstance(report, Failure) else not_proved(machine, report))


def waits(machine: Machine) -> bool:
    """Return True if a rollout would replace what runs on `machine`; then it is passed over until its batch comes."""
    report = report_of(current(), machine)
    if isinstance(report, Failure) or not plan.replaces(build(), report):
        return False
    ledger(current()).skipped = WAITS
    return True


@operation()
def agent_verified(machine: Machine) -> Commands:
    """Make sure the machine's own replica shows it online, by the procedure's checks; changes nothing, fails if not."""
    host = current()
    ledger(host).round_trips += 1
    arguments = facts.arguments(machine)
    del arguments["shared"]  # the agent's own word, from its config.json
    answer = ask(host, facts.ReplicaFacts, arguments, checks.limit_s(machine))
    state = checks.state_document(machine, answer)
    failure = state if isinstance(state, Failure) else checks.verification(machine, state)
    yield from _unchanged(checks.VERIFY, failure)


@operation()
def agent_stopped(machine: Machine) -> Commands:
    """Make sure the loop does not run; the record says that the machine left."""
    yield from _compared(machine, (plan.STOP,), lambda report: (plan.STOP,) if report.alive else ())


@operation()
def agent_removed(machine: Machine) -> Commands:
    """Make sure nothing of ours is on the machine; its heartbeat record in the share stays, as left."""
    yield from _compared(machine, plan.REMOVAL, plan.removable)


def _compared(machine: Machine, steps: tuple[str, ...], compare: Callable[[ProbeReport], tuple[str, ...]]) -> Commands:
    """Yield the command for those of `steps` that `compare` finds to be done, and note which they are."""
    host, book = current(), ledger(current())
    report, executes = report_of(host, machine), host.state.is_executing
    if isinstance(report, Failure):
        if book.lacks_python and not executes:
            book.consider((PYTHON, *steps), (PYTHON, *steps))
        yield commands.refusal(report)
        return
    todo = compare(report)
    book.consider(steps, todo)
    if todo:
        host.log(f"{'Doing' if executes else 'To do'}: {', '.join(todo)}")
        is_second = plan.REGISTER in todo and executes and follows(host)
        yield commands.do(machine, todo, report, build(), FOLLOW_S if is_second else 0)
    else:
        host.noop(f"{', '.join(steps)}: as the inventory says")


def _started(known: ProbeReport | Failure, command: PyinfraCommand) -> Commands:
    if isinstance(known, Failure):
        yield commands.refusal(known)
    else:
        ledger(current()).consider((plan.START,), (plan.START,))
        yield command


def _unchanged(step: str, failure: Failure | None) -> Commands:
    """Note that `step` holds, or fail the host with why it does not."""
    if failure is not None:
        yield commands.refusal(failure)
    else:
        ledger(current()).steps[step] = UNCHANGED
