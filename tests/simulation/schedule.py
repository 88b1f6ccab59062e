"""What happens to the fleet, drawn once from a seed: the same for every protocol that is held against it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from roosync_ops.lab.faults import FAULTS

MACHINES: Final = ("myia-ai-01", "myia-po-2023", "myia-po-2024", "myia-po-2025", "myia-po-2026", "myia-web1")
#: The reader's own replica takes part under this name.
ADMIN: Final = "admin"

POWER_CUT: Final = "power-cut"
CRASH: Final = "agent-gone"
RESTART: Final = "agent-killed-and-back"
STOP: Final = "stopped-and-started"
_LIVES: Final = (POWER_CUT, CRASH, RESTART, STOP)

#: From one episode of a machine to the next, on average, in s.
_GAP_S: Final = 4 * 3600.0
_MIN: Final = 60.0
_LASTS_S: Final = {
    POWER_CUT: (20 * _MIN, 240 * _MIN),
    CRASH: (20 * _MIN, 90 * _MIN),
    RESTART: (2.0, 10.0),
    STOP: (20 * _MIN, 120 * _MIN),
}
_FAULT_LASTS_S: Final = (2 * _MIN, 40 * _MIN)
#: Before the end so much is quiet: then everything must be as expected again, without a hand.
QUIET_S: Final = 3600.0


@dataclass(frozen=True)
class Episode:
    """`kind` happens to `machine` from `start` to `end` (s)."""

    machine: str
    kind: str
    start: float
    end: float


def episodes(hours: float, seed: int, *, with_faults: bool = True) -> list[Episode]:
    """Draw all that happens in `hours`; every fault there is comes before one comes again.

    What the end would cut off is left out: a death of a minute cannot be told.
    """
    draw = random.Random(f"schedule {seed}")  # noqa: S311 - a replayable schedule, no secret
    until = hours * 3600 - QUIET_S
    found: list[Episode] = []
    deck: list[str] = []
    clocks = {name: draw.uniform(0.1, 1.0) * _GAP_S for name in (*MACHINES, ADMIN)}
    while True:
        name = min(clocks, key=lambda one: clocks[one])
        start = clocks[name]
        if start > until:
            return found
        kind = _next(deck, draw, with_faults=with_faults)
        if name == ADMIN and kind in _LIVES:
            kind = draw.choice(sorted(FAULTS)) if with_faults else ""
        end = min(start + draw.uniform(*_LASTS_S.get(kind, _FAULT_LASTS_S)), until)
        if kind and end - start >= _LASTS_S.get(kind, _FAULT_LASTS_S)[0]:
            found.append(Episode(name, kind, start, end))
        clocks[name] = end + 600 + draw.expovariate(1 / _GAP_S)


def _next(deck: list[str], draw: random.Random, *, with_faults: bool) -> str:
    if not deck:
        # Silence that means death must be as frequent as silence that does not.
        deck += [*(FAULTS if with_faults else ()), *_LIVES, *_LIVES]
        draw.shuffle(deck)
    return deck.pop()
