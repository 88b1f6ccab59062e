"""What machines say of themselves, and what their own replicas show: one round trip each, nothing written."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from roosync_ops import typed
from roosync_ops.remote_script.facts_model import Report, Told, parse_told
from roosync_ops.transport.failure import Failure
from roosync_ops.transport.link import CONNECT
from roosync_ops.transport.reach import Reach, reach_of

from . import asking
from .asking import CONNECT_S, LOOK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from roosync_ops.fleet import Machine

#: How much of a machine's whole time a touch of its share may take: one that hangs must leave time to say so.
_SHARE_PART: Final = 0.4
#: A share that gives no answer within this is told as hanging, in s: whoever asks six machines waits for the slowest.
_SHARE_S: Final = 2.5
#: Who is come to when the time is over has so long all the same, in s: enough to be refused.
_LEAST_S: Final = 0.5


@dataclass(frozen=True)
class Look:
    """What one machine answered. `failure.step` is "connect" where it was not reached at all.

    `report` is its own word (facts_model: status is its local truth); `state` is its agent's `state` document, what its
    own replica shows; where there is none although it answered, `state_failure` says why. `seconds` is the round trip.
    `reach` is how far it was on the way there.
    """

    machine_id: str
    failure: Failure | None
    report: Report | None
    state: dict[str, Any] | None
    state_failure: Failure | None = None
    seconds: float = 0.0
    reach: Reach | None = None

    @property
    def reached(self) -> bool:
        """Return True if somebody answered there, whatever was said."""
        return self.failure is None or self.failure.step != CONNECT


def look(  # noqa: PLR0913 - whom, how long, what, and whom to tell
    machines: Sequence[Machine],
    *,
    timeout_s: float,
    connect_timeout_s: float = CONNECT_S,
    with_state: bool = True,
    overall: bool = False,
    tell: Callable[[Look], None] = lambda _: None,
) -> dict[str, Look]:
    """Ask every machine at once; return a Look for each, in their order, within about `timeout_s`.

    A machine that cannot be reached or hangs delays none of the others, and never raises. `tell` hears of each
    Look as it comes. `overall`: who is come to late, behind very many others, has no more than is left of that time.
    """
    until = time.monotonic() + timeout_s if overall else None

    def one(machine: Machine) -> Look:
        began = time.monotonic()
        left_s = timeout_s if until is None else max(_LEAST_S, until - began)
        with asking.way_to(machine, left_s, connect_timeout_s) as link:
            link.failed = None
            told = asking.answer(machine, link, _request(machine, left_s, with_state=with_state), left_s, parse_told)
            return _look(machine.machine_id, told, reach_of(machine, link), round(time.monotonic() - began, 3))

    return asking.each(machines, one, lambda _, found: tell(found))


def _request(machine: Machine, timeout_s: float, *, with_state: bool) -> dict[str, Any]:
    return {
        "do": "probe",
        "localDir": machine.local_dir,
        "shared": machine.shared,
        "shareDeadline": min(machine.share_deadline, _SHARE_S, timeout_s * _SHARE_PART),
        "state": with_state,
    }


def _look(name: str, told: Told | Failure, reach: Reach, seconds: float) -> Look:
    if isinstance(told, Failure):
        return Look(name, told, None, None, seconds=seconds, reach=reach)
    state = told.state
    if state is None or state.get("success") is True:
        return Look(name, None, told, state, seconds=seconds, reach=reach)
    return Look(name, None, told, None, _refusal(name, state), seconds, reach)


def _refusal(name: str, state: dict[str, Any]) -> Failure:
    """Word an agent that could not tell what its replica shows."""
    return Failure(
        LOOK,
        str(state.get("code") or "NO_STATE")[:80],
        str(state.get("message") or "no reason given")[:300],
        typed.ours("diagnose", name),
    )
