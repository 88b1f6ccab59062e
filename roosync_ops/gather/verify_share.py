"""How a shared folder really behaves, measured on the operator's own mount: replace, names, locks, flush, propagation.

How each is measured is in on_measure, which machines are asked with as well.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from roosync_ops.remote_script import on_measure
from roosync_ops.remote_script.facts_model import MeasuredSighting
from roosync_ops.remote_script.on_measure import BAD, GOOD, UNKNOWN, percentile
from roosync_ops.wire.folder import ShareUnavailableError
from roosync_ops.wire.times import time_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from roosync_ops.wire.deadline import BoundedShare

#: Fewer beats than this tell nothing of a 99th percentile.
FEW_BEATS: Final = 5
#: The protocol: a machine is offline after this, in s; what arrives later is a false offline.
TIMEOUT_S: Final = 120.0


@dataclass(frozen=True)
class Trait:
    """One thing measured: `verdict` is GOOD, BAD or UNKNOWN; `figures` are numbers by name, the unit in each name."""

    name: str
    verdict: str
    detail: str
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sighting:
    """A beat as it came into a replica. `beat_ms` is by the clock of its maker, `seen_ms` by the replica's computer."""

    machine_id: str
    beat_ms: int
    seen_ms: int


def verify(
    shared: Path, seconds: float, bounded: BoundedShare, tell: Callable[[str], None]
) -> tuple[list[Trait], list[Sighting]]:
    """Measure the folder `shared`; watch it for `seconds` for the beats of machines. Return both.

    Raises ShareHungError, and ShareUnavailableError where it is not there or not even a folder can be made in it.
    """
    traits: list[Trait] = []
    seen: list[MeasuredSighting] = []
    asked = {"shared": str(shared), "token": secrets.token_hex(4), "seconds": seconds}
    parts = on_measure.work(asked)
    try:
        while (part := bounded.call(lambda: next(parts, None), f"measuring {shared}")) is not None:
            if "problem" in part:
                raise ShareUnavailableError(None, part["problem"][1], str(shared))
            if "trait" in part:
                traits.append(Trait(**part["trait"]))
            elif "seen" in part:
                seen.append(MeasuredSighting.model_validate(part["seen"]))
            tell(f"watching beats arrive: {len(seen)} so far" if traits[3:] else f"measured {len(traits)} of 4")
    finally:
        bounded.call(parts.close, "removing the folder")
    return traits, parsed(seen)


def parsed(sightings: Iterable[MeasuredSighting]) -> list[Sighting]:
    """Return what was seen of beats; one whose time cannot be read tells nothing."""
    return [
        Sighting(one.machine_id, at, one.seen_ms) for one in sightings if (at := time_or_none(one.beat)) is not None
    ]


def uncorrected(sightings: list[Sighting], seconds: float) -> Trait:
    """Return what the beats that arrived say where nobody's clock was measured."""
    lags = [(one.seen_ms - one.beat_ms) / 1000 for one in sightings]
    if len(lags) < FEW_BEATS:
        few = {"beats": float(len(lags))}
        return Trait("propagation", UNKNOWN, f"{len(lags)} beats arrived in {seconds:g} s: too few to tell", few)
    low, mid, high = min(lags), percentile(lags, 50), percentile(lags, 99)
    figures = {"beats": float(len(lags)), "p50S": mid, "p99S": high, "spreadS": high - low}
    detail = f"{len(lags)} beats, p50 {mid:.1f} s, p99 {high:.1f} s after they were made (two clocks compared)"
    if low < -1:
        return Trait("propagation", UNKNOWN, f"{detail}: some came before they were made, so a clock is wrong", figures)
    return Trait("propagation", BAD if high > TIMEOUT_S else GOOD, detail, figures)
