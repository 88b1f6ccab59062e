"""How a shared folder really behaves, measured on the operator's own mount: replace, names, locks, flush, propagation.

Everything is done in a folder of its own, which is removed; of the heartbeats there is only read. How each is measured
is in on_measure, which machines are asked with as well.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.remote_script import on_measure
from roosync_ops.remote_script.facts_model import MeasuredSighting, ms_of
from roosync_ops.remote_script.on_measure import BAD, GOOD, UNKNOWN, percentile
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.folder import ShareUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

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

    Raises ShareUnavailableError, ShareHungError, and OSError where not even a folder can be made in it.
    """
    place = shared / f"{on_measure.PREFIX}{secrets.token_hex(4)}"
    bounded.call(lambda: _make(shared, place), "making a folder")
    traits = []
    try:
        for measure in on_measure.MEASURES:
            name = measure.__name__
            tell(f"measuring {name}")
            traits.append(Trait(**_measured(bounded, measure, str(place))))
    finally:
        bounded.call(lambda: on_measure.remove(str(place)), "removing the folder")
    tell("watching beats arrive")
    watched = BoundedShare(seconds + bounded.deadline_s).call(
        lambda: list(on_measure.beats(str(shared), seconds)), "watching beats"
    )
    return traits, parsed(map(MeasuredSighting.model_validate, watched))


def _measured(bounded: BoundedShare, measure: Callable[[str], dict[str, Any]], place: str) -> dict[str, Any]:
    return bounded.call(lambda: measure(place), measure.__name__)


def _make(shared: Path, place: Path) -> None:
    if not shared.is_dir():
        raise ShareUnavailableError(2, "no such folder", str(shared))
    on_measure.sweep(str(shared), time.time())
    place.mkdir()


def parsed(seen: Iterable[MeasuredSighting]) -> list[Sighting]:
    """Return what was seen; a beat whose time cannot be read tells nothing."""
    return [Sighting(one.machine_id, at, one.seen_ms) for one in seen if (at := ms_of(one.beat)) is not None]


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
