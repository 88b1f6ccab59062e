"""The worker's half of `look`: every machine asked at once, each within its own time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from gevent import Timeout, joinall
from pyinfra.api.config import Config
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State

from roosync_ops import typed
from roosync_ops.fleet import Machine
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import SilenceError, parse_told
from roosync_ops.transport.failure import Failure

from . import facts, greeting
from .preflight import wrong_system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyinfra.api.host import Host

    Tell = Callable[..., None]
    #: Logs in within so many s; returns why not.
    Connect = Callable[[State, Host, float], Failure | None]
    #: What to do with a machine that let us in, within so many s; yields what is learned, by name.
    Work = Callable[[Host, Machine, dict[str, Any], float], Iterator[tuple[str, Any]]]

#: How much of a machine's whole time a touch of its share may take: one that hangs must leave time to say so.
_SHARE_PART = 0.4
#: A share that gives no answer within this is told as hanging, in s: whoever asks six machines waits for the slowest.
_SHARE_S = 2.5
_STEP = "look"


class LookFacts(facts.MachineFacts):
    """MachineFacts and, in the same round trip, the agent's `state`: what the machine's own replica shows."""

    extra: ClassVar = {"state": True}

    def process(self, output: list[str]) -> Any:
        try:
            return parse_told(output, self._ask.sent_ms, time.time_ns() // 1_000_000)
        except SilenceError as silence:
            return silence


def answer(request: dict[str, Any], connect: Connect, say: Tell) -> None:
    """Look at each machine of `request`, and say so as soon as it is known."""
    each(request, connect, say, _told)


def each(request: dict[str, Any], connect: Connect, say: Tell, work: Work) -> None:
    """Log in to each machine of `request`, all at once, do `work` with it, and say what is learned of each."""
    machines = [Machine.of(name, request["look"][name]) for name in request["machines"]]
    entries = [greeting.patient(machine.entry(), request["greetingTimeout"]) for machine in machines]
    inventory = Inventory((entries, {}))
    state = State(inventory, Config(CONNECT_TIMEOUT=request["connectTimeout"], PARALLEL=len(machines)))
    asked = [(machine, inventory.get_host(machine.machine_id)) for machine in machines]
    joinall([state.pool.spawn(_tell, state, host, machine, request, connect, say, work) for machine, host in asked])


def _tell(  # noqa: PLR0913, PLR0917 - gevent passes them on
    state: State, host: Host, machine: Machine, request: dict[str, Any], connect: Connect, say: Tell, work: Work
) -> None:
    started = time.monotonic()
    found: dict[str, Any] = {"failure": None}
    try:
        found.update(_reached(state, host, machine, request, connect, work))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong on one machine is that machine's failure
        hint = typed.ours("rollout", machine.machine_id, "--dry", "--verbose")
        found["failure"] = Failure(_STEP, "INTERNAL", f"{type(error).__name__}: {error}", hint)._asdict()
    say("look", machine=machine.machine_id, seconds=round(time.monotonic() - started, 3), **found)


def _reached(  # noqa: PLR0913, PLR0917 - as above
    state: State, host: Host, machine: Machine, request: dict[str, Any], connect: Connect, work: Work
) -> Iterator[tuple[str, Any]]:
    """Yield what is learned; what was yielded stands, whatever happens later."""
    end = time.monotonic() + request["timeout"]
    failure = connect(state, host, request["loginTimeout"])
    if failure is None:
        state.activate_host(host)
        failure = wrong_system(host, machine)
    if failure is not None:
        yield "failure", failure._asdict()
        return
    yield from work(host, machine, request, max(1.0, end - time.monotonic()))


def _told(host: Host, machine: Machine, request: dict[str, Any], left_s: float) -> Iterator[tuple[str, Any]]:
    told = _asked(host, machine, left_s, with_state=request["withState"])
    if isinstance(told, SilenceError):
        yield "failure", silent(machine, told)._asdict()
        return
    if request["withState"]:
        yield "state", told.state
    yield "report", told.model_dump(mode="json", by_alias=True, exclude={"state"})


def _asked(host: Host, machine: Machine, left_s: float, *, with_state: bool) -> Any:
    arguments = facts.arguments(machine)
    arguments["share_deadline"] = min(machine.share_deadline, _SHARE_S, left_s * _SHARE_PART)
    told = None
    with Timeout(left_s, False):  # False: end the block in silence
        told = host.get_fact(
            LookFacts if with_state else facts.MachineFacts,
            **arguments,
            _timeout=round(left_s + 1),
            _ignore_errors=True,
        )
    return told or SilenceError("TIMEOUT", f"it took the login, and gave no answer within {left_s:.1f} s")


def silent(machine: Machine, silence: SilenceError) -> Failure:
    """Word a machine that was reached and did not answer what it was asked."""
    return checks.silence(machine, silence)._replace(step=_STEP)
