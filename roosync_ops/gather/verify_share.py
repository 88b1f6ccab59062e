"""How shared folders really behave: measured here, and on machines, each as its own agent is configured.

How each thing is measured is in on_measure. However a machine or the network fails, each machine has its part, and what
a run that was broken off left in a share is removed by another.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from roosync_ops.fleet import Machine
from roosync_ops.judge.shares import Clock, Trait
from roosync_ops.remote_script import on_measure
from roosync_ops.remote_script.facts_model import Measured, MeasuredSighting
from roosync_ops.transport.link import CONNECT, Failure
from roosync_ops.wire.deadline import BoundedShare

from . import asking
from .probe import probe

#: What measuring itself may take on a slow share, in s, and a task of a Windows logon session, to begin and to end.
MEASURE_S: Final = 60.0
_TASK_S: Final = 45.0
#: Beyond that: to log in, to start Python, to remove the folder.
_MARGIN_S: Final = 30.0
#: How long clocks may take to be measured (on Windows an agent takes 30 to answer), and what is left to be removed; s.
_CLOCK_S: Final = 45.0
_TIDY_S: Final = 30.0


def verify(
    shared: Path, seconds: float, bounded: BoundedShare, tell: Callable[[str], None]
) -> tuple[list[Trait], list[MeasuredSighting]]:
    """Measure the folder `shared`; watch it for `seconds` for the beats of machines. Return both.

    Raises ShareHungError, and another OSError where it is not there or not even a folder can be made in it.
    """
    traits: list[Trait] = []
    seen: list[MeasuredSighting] = []
    asked = {"shared": str(shared), "token": secrets.token_hex(4), "seconds": seconds}
    parts = on_measure.work(asked)
    try:
        while (part := bounded.call(lambda: next(parts, None), f"measuring {shared}")) is not None:
            if "problem" in part:
                raise OSError(None, part["problem"][1], str(shared))
            if "trait" in part:
                traits.append(trait(part["trait"]))
            elif "seen" in part:
                seen.append(MeasuredSighting.model_validate(part["seen"]))
            tell(f"watching beats arrive: {len(seen)} so far" if traits[3:] else f"measured {len(traits)} of 4")
    finally:
        bounded.call(parts.close, "removing the folder")
    return traits, seen


def trait(told: Mapping[str, Any]) -> Trait:
    """Return one thing that on_measure found, its figures among the rest."""
    return {**{key: told[key] for key in ("name", "verdict", "detail")}, **told["figures"]}


def clocks(machines: Sequence[Machine], connect_timeout_s: float) -> tuple[dict[str | None, Clock], dict[str, Failure]]:
    """Return the clock of every machine that answers, in one round trip each, and why each other one does not."""
    found = probe(machines, _CLOCK_S, connect_timeout_s, with_state=False)
    known: dict[str | None, Clock] = {
        name: (one.offset_ms, one.error_ms or 0) for name, one in found.items() if one.offset_ms is not None
    }
    return known, {name: one.failure for name, one in found.items() if one.failure is not None}


def measure(
    machines: Sequence[Machine], seconds: float, connect_timeout_s: float, tell: Callable[[str], None]
) -> dict[str, Measured | Failure]:
    """Measure the share of each machine, all at once; watch each for `seconds`. Return what each has to tell.

    KeyboardInterrupt passes through, when what was begun has been tidied up as far as the machines answer.
    """
    token = secrets.token_hex(4)
    limit_s = MEASURE_S + seconds + _TASK_S + _MARGIN_S
    found: dict[str, Measured | Failure] = {}

    def hear(machine: Machine, told: Measured | Failure) -> None:
        found[machine.machine_id] = told
        tell(f"measuring {len(machines)} shares: {len(found)} done")

    def ask(machine: Machine, limit_s: float, what: dict[str, Any]) -> Measured | Failure:
        return asking.about_share(machine, {"token": token, **what}, limit_s, connect_timeout_s, Measured.read)

    try:
        tell(f"measuring {len(machines)} shares, for {seconds:g} s and a little more")
        what = {"do": "verify", "seconds": seconds, "limit": MEASURE_S}
        asking.each(machines, lambda one: ask(one, limit_s, what), hear)
    finally:
        left = [one for one in machines if _may_have_left(found.get(one.machine_id))]
        asking.each(left, lambda one: ask(one, _TIDY_S, {"do": "tidy", "seconds": 0.0, "limit": 0.0}))
    return found


def _may_have_left(told: Measured | Failure | None) -> bool:
    """A machine that was not reached was not touched; one that said that nothing is left is believed."""
    if isinstance(told, Measured):
        return not told.removed
    return told is None or told.step != CONNECT


def others(machines: Iterable[Machine], chosen: Sequence[Machine]) -> list[Machine]:
    """Return whose beats may be seen beside those of `chosen`: every machine that should be online."""
    names = {one.machine_id for one in chosen}
    return [one for one in machines if one.machine_id not in names and one.expected == "online"]
