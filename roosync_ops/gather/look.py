"""What machines say of themselves, and what their own replicas show: one round trip each, all at once, nothing written.

Imports no pyinfra: worker processes do. However a machine, a worker or the network fails, each machine has a Look.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from roosync_ops import typed
from roosync_ops.pyinfra_ops.run import Workers, parts_of
from roosync_ops.remote_script.facts_model import Report
from roosync_ops.transport.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from roosync_ops.fleet import Machine

#: A machine that is on takes its TCP connection within this, a lost packet included, in s; one that is off never does.
CONNECT_S: Final = 1.5
#: A server that took the connection greets and agrees on keys within this or this part of a machine's whole time,
#: whichever is more, and has let us in within the other, in s: one that hangs there is no slow agent.
GREETING: Final = (3.0, 0.2)
LOGIN: Final = (6.0, 0.4)
#: Beyond a machine's own limit: to start the worker, and for it to tell that a machine was late, in s.
_WORKER_S: Final = 5.0
CONNECT: Final = "connect"
LOOK: Final = "look"


@dataclass(frozen=True)
class Look:
    """What one machine answered. `failure.step` is "connect" where it was not reached at all.

    `report` is its own word (facts_model: status is its local truth); `state` is its agent's `state` document, what its
    own replica shows; where there is none although it answered, `state_failure` says why. `seconds` is the round trip.
    """

    machine_id: str
    failure: Failure | None
    report: Report | None
    state: dict[str, Any] | None
    state_failure: Failure | None = None
    seconds: float = 0.0

    @property
    def reached(self) -> bool:
        """Tell whether somebody answered there, whatever was said."""
        return self.failure is None or self.failure.step != CONNECT


def look(
    machines: Sequence[Machine],
    *,
    timeout_s: float,
    connect_timeout_s: float = CONNECT_S,
    with_state: bool = True,
    tell: Callable[[Look], None] = lambda _: None,
) -> dict[str, Look]:
    """Ask every machine at once; return a Look for each, in their order, within about `timeout_s`.

    A machine that cannot be reached or hangs delays none of the others, and never raises. `tell` hears of each
    Look as it comes.
    """
    found: dict[str, Look] = {}
    if not machines:
        return found
    extra = {"withState": with_state}
    reason = ask(machines, extra, timeout_s, connect_timeout_s, lambda event: _noted(event, found, tell))
    for machine in machines:
        if machine.machine_id not in found:
            found[machine.machine_id] = lost(machine.machine_id, reason, timeout_s)
    return {machine.machine_id: found[machine.machine_id] for machine in machines}


def ask(
    machines: Sequence[Machine],
    extra: dict[str, Any],
    timeout_s: float,
    connect_timeout_s: float,
    hear: Callable[[dict[str, Any]], None],
) -> str:
    """Have workers ask every machine at once, what `extra` says, and `hear` each answer as it comes.

    Ends within about `timeout_s`; returns the workers' last words, the reason where an answer is missing.
    """
    requests = [{**_request(part, timeout_s, connect_timeout_s), **extra} for part in _parts(machines)]
    with Workers(requests) as workers:
        timer = threading.Timer(timeout_s + _WORKER_S, workers.end)
        timer.start()
        try:
            for _, event in workers.events():
                if event["event"] == "look":
                    hear(event)
        finally:
            timer.cancel()
        return workers.last_words()


def _noted(event: dict[str, Any], found: dict[str, Look], tell: Callable[[Look], None]) -> None:
    found[event["machine"]] = _look(event)
    tell(found[event["machine"]])


def lost(machine_id: str, reason: str, seconds: float) -> Look:
    """Return the Look of a machine that no worker told of."""
    hint = typed.ours("rollout", machine_id, "--dry", "--verbose")
    failure = Failure(LOOK, "INTERNAL", f"the process that ran pyinfra ended early: {reason}", hint)
    return Look(machine_id, failure, None, None, seconds=seconds)


def _parts(machines: Sequence[Machine]) -> list[list[Machine]]:
    by_name = {machine.machine_id: machine for machine in machines}
    return [[by_name[name] for name in part] for part in parts_of(list(by_name))]


def _request(machines: Sequence[Machine], timeout_s: float, connect_timeout_s: float) -> dict[str, Any]:
    return {
        "look": {machine.machine_id: machine.model_dump(mode="json", exclude={"machine_id"}) for machine in machines},
        "machines": [machine.machine_id for machine in machines],
        "verbose": False,
        "timeout": timeout_s,
        "connectTimeout": min(timeout_s, connect_timeout_s),
        "greetingTimeout": _share_of(timeout_s, *GREETING),
        "loginTimeout": _share_of(timeout_s, *LOGIN),
    }


def _share_of(timeout_s: float, least_s: float, part: float) -> float:
    return min(timeout_s, max(least_s, part * timeout_s))


def _look(event: dict[str, Any]) -> Look:
    name, seconds = event["machine"], float(event["seconds"])
    failure = None if event["failure"] is None else Failure(**event["failure"])
    try:
        report = None if event.get("report") is None else Report.model_validate(event["report"])
    except ValidationError as error:
        hint = typed.ours("rollout", name, "--dry", "--verbose")
        return Look(name, Failure(LOOK, "NOT_UNDERSTOOD", str(error)[:200], hint), None, None, seconds=seconds)
    state = event.get("state")
    if state is None or state.get("success") is True:
        return Look(name, failure, report, state, seconds=seconds)
    return Look(name, failure, report, None, _refusal(name, state), seconds)


def _refusal(name: str, state: dict[str, Any]) -> Failure:
    """Word an agent that could not tell what its replica shows."""
    return Failure(
        LOOK,
        str(state.get("code") or "NO_STATE")[:80],
        str(state.get("message") or "no reason given")[:300],
        typed.ours("diagnose", name),
    )
