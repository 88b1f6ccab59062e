"""How long beats take from one machine's replica to another's, with the difference of their clocks taken out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roosync_ops.remote_script.on_measure import BAD, GOOD, UNKNOWN, percentile

from .verify_share import FEW_BEATS, TIMEOUT_S, Sighting, Trait

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: A replica is looked at every half second, so a beat was there up to so long before it was seen, in s.
POLL_S = 0.5


@dataclass(frozen=True)
class Clock:
    """A computer's clock minus ours, in ms, and how wrong that may be."""

    offset_ms: int = 0
    error_ms: int = 0


@dataclass(frozen=True)
class Pair:
    """The beats of `source` as they came into the replica of `observer`, None for this computer.

    `lags_s` is how long each was under way, in s, on one clock; each may be wrong by `error_s`, and is up to POLL_S
    too long.
    """

    source: str
    observer: str | None
    lags_s: tuple[float, ...]
    error_s: float

    @property
    def p50_s(self) -> float:
        return percentile(self.lags_s, 50)

    @property
    def p99_s(self) -> float:
        return percentile(self.lags_s, 99)


def pairs(seen: Mapping[str | None, Iterable[Sighting]], clocks: Mapping[str | None, Clock]) -> list[Pair]:
    """Return what each observer saw of each other machine, where both clocks are known, in order of their names.

    A machine's own beats, which take no way, tell nothing.
    """
    found: dict[tuple[str | None, str], list[Sighting]] = {}
    for observer, sightings in seen.items():
        for one in sightings:
            if one.machine_id != observer and one.machine_id in clocks and observer in clocks:
                found.setdefault((observer, one.machine_id), []).append(one)
    return [
        _pair(clocks[observer], clocks[source], observer, source, sightings)
        for (observer, source), sightings in sorted(found.items(), key=lambda item: (item[0][0] or "", item[0][1]))
    ]


def _pair(there: Clock, maker: Clock, observer: str | None, source: str, sightings: list[Sighting]) -> Pair:
    lags = tuple((one.seen_ms - there.offset_ms - (one.beat_ms - maker.offset_ms)) / 1000 for one in sightings)
    return Pair(source, observer, lags, (there.error_ms + maker.error_ms) / 1000)


def judged(observer: str | None, all_pairs: Iterable[Pair], seconds: float) -> Trait:
    """Return what the beats of all the others that came into one replica say of it."""
    mine = [pair for pair in all_pairs if pair.observer == observer]
    lags = [lag for pair in mine for lag in pair.lags_s]
    if len(lags) < FEW_BEATS:
        said = f"{len(lags)} beats of others arrived in {seconds:g} s: too few to tell"
        return Trait("propagation", UNKNOWN, said, {"beats": float(len(lags))})
    mid, high, error = percentile(lags, 50), percentile(lags, 99), max(pair.error_s for pair in mine)
    figures = {"beats": float(len(lags)), "p50S": mid, "p99S": high, "errorS": error}
    said = f"{len(lags)} beats of {len(mine)} others, p50 {mid:.1f} s, p99 {high:.1f} s"
    said += f" (clocks taken out, ± {error:.1f} s)"
    if min(lags) < -error - 1:
        return Trait("propagation", UNKNOWN, f"{said}: some came before they were made, so a clock was set", figures)
    return Trait("propagation", BAD if high > TIMEOUT_S else GOOD, said, figures)
