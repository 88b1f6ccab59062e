"""Shares measured on machines, each as its own agent is configured, and how long beats take between them.

However a machine or the network fails, each machine has its part, and what a run that was broken off left in a share
is removed by another.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from roosync_ops.remote_script.facts_model import Measured, parse_measured
from roosync_ops.transport.failure import Failure
from roosync_ops.transport.link import CONNECT

from . import asking
from .probe import probe
from .propagation import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from roosync_ops.fleet import Machine

T = TypeVar("T")

#: What measuring itself may take on a slow share, in s, and a task of a Windows logon session, to begin and to end.
MEASURE_S: Final = 60.0
_TASK_S: Final = 45.0
#: Beyond that: to log in, to start Python, to remove the folder.
_MARGIN_S: Final = 30.0
#: How long clocks may take to be measured, and what is left behind to be removed, in s.
_CLOCK_S: Final = 15.0
_TIDY_S: Final = 30.0


@dataclass(frozen=True)
class Place:
    """A machine's share: what was `measured` there, or the `failure` because of which nothing was."""

    machine_id: str
    measured: Measured | None = None
    failure: Failure | None = None


def clocks(machines: Sequence[Machine], connect_timeout_s: float) -> tuple[dict[str | None, Clock], dict[str, Failure]]:
    """Return the clock of every machine that answers, in one round trip each, and why each other one does not."""
    found = probe(machines, _CLOCK_S, connect_timeout_s, with_state=False)
    known: dict[str | None, Clock] = {
        name: Clock(one.offset_ms, one.error_ms or 0) for name, one in found.items() if one.offset_ms is not None
    }
    return known, {name: one.failure for name, one in found.items() if one.failure is not None}


def measure(
    machines: Sequence[Machine], seconds: float, connect_timeout_s: float, tell: Callable[[str], None]
) -> list[Place]:
    """Measure the share of each machine, all at once; watch each for `seconds`. Return a Place for each, in order.

    KeyboardInterrupt passes through, when what was begun has been tidied up as far as the machines answer.
    """
    token = secrets.token_hex(4)
    limit_s = MEASURE_S + seconds + _TASK_S + _MARGIN_S
    found: dict[str, Place] = {}

    def hear(machine: Machine, place: Place) -> None:
        found[machine.machine_id] = place
        tell(f"measuring {len(machines)} shares: {len(found)} done")

    try:
        tell(f"measuring {len(machines)} shares, for {seconds:g} s and a little more")
        what = {"do": "verify", "token": token, "seconds": seconds, "limit": MEASURE_S}
        asking.each(machines, lambda one: _place(one, what, limit_s, connect_timeout_s), hear)
    finally:
        _tidy([one for one in machines if _may_have_left(found.get(one.machine_id))], token, connect_timeout_s)
    return [found[one.machine_id] for one in machines]


def _place(machine: Machine, what: dict[str, Any], limit_s: float, connect_timeout_s: float) -> Place:
    found = asked(machine, what, limit_s, connect_timeout_s, parse_measured)
    if isinstance(found, Failure):
        return Place(machine.machine_id, failure=found)
    return Place(machine.machine_id, found)


def asked(
    machine: Machine,
    what: dict[str, Any],
    limit_s: float,
    connect_timeout_s: float,
    parse: Callable[[Iterable[str]], T],
) -> T | Failure:
    """Have a machine do `what` with the share of its own agent (see on_verify)."""
    request = {**what, "localDir": machine.local_dir, "shared": machine.shared}
    with asking.way_to(machine, limit_s, connect_timeout_s) as link:
        return asking.answer(machine, link, request, limit_s, lambda lines, _, __: parse(lines))


def _may_have_left(place: Place | None) -> bool:
    """A machine that was not reached was not touched; one that said that nothing is left is believed."""
    if place is None:
        return True
    if place.failure is not None:
        return place.failure.step != CONNECT
    return place.measured is not None and not place.measured.removed


def _tidy(machines: Sequence[Machine], token: str, connect_timeout_s: float) -> None:
    what = {"do": "tidy", "token": token, "seconds": 0.0, "limit": 0.0}
    asking.each(machines, lambda one: _place(one, what, _TIDY_S, connect_timeout_s))


def others(machines: Iterable[Machine], chosen: Sequence[Machine]) -> list[Machine]:
    """Return whose beats may be seen beside those of `chosen`: every machine that should be online."""
    names = {one.machine_id for one in chosen}
    return [one for one in machines if one.machine_id not in names and one.expected == "online"]
