"""What was measured of shares, and how long beats take between them, with the difference of clocks taken out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

GOOD: Final = "good"
BAD: Final = "bad"
UNKNOWN: Final = "unknown"
#: Fewer beats than this tell nothing of a 99th percentile.
_FEW_BEATS: Final = 5
#: The protocol: a machine is offline after this, in s; what arrives later is a false offline.
_TIMEOUT_S: Final = 120.0
#: A clock that was set shows in beats that came so long before they were made, in s.
_SET_S: Final = 1.0


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


@dataclass(frozen=True)
class ClockOffset:
    """A computer's clock minus ours, in ms, and how wrong that may be."""

    offset_ms: int = 0
    error_ms: int = 0


@dataclass(frozen=True)
class Way:
    """The beats of `source` as they came into the replica of `observer`, None for this computer.

    `lags_s` is how long each was under way, in s, on one clock; each may be wrong by `error_s`, and is too long by as
    much as passes between two looks at a replica.
    """

    source: str
    observer: str | None
    lags_s: tuple[float, ...]
    error_s: float

    @property
    def p50_s(self) -> float:
        return _percentile(self.lags_s, 50)

    @property
    def p99_s(self) -> float:
        return _percentile(self.lags_s, 99)


@dataclass(frozen=True)
class Share:
    """One share: of a machine, or, where `machine_id` is None, this computer's own. `shared` None: it is not known.

    `problem` is (code, sentence, next command) where not all of it could be measured.
    """

    machine_id: str | None
    shared: str | None
    traits: Sequence[Trait] = ()
    problem: tuple[str, str, str] | None = None

    @property
    def ok(self) -> bool:
        return self.problem is None and not any(one.verdict == BAD for one in self.traits)


@dataclass(frozen=True)
class Shares:
    """All that was measured."""

    shares: Sequence[Share]
    ways: Sequence[Way] = ()

    @property
    def ok(self) -> bool:
        return all(one.ok for one in self.shares)


def ways(seen: Mapping[str | None, Iterable[Sighting]], clocks: Mapping[str | None, ClockOffset]) -> list[Way]:
    """Return what each observer saw of each other machine, where both clocks are known, in order of their names.

    A machine's own beats, which take no way, tell nothing.
    """
    found: dict[tuple[str | None, str], list[Sighting]] = {}
    for observer, sightings in seen.items():
        for one in sightings:
            if one.machine_id != observer and one.machine_id in clocks and observer in clocks:
                found.setdefault((observer, one.machine_id), []).append(one)
    measured = []
    for (observer, source), several in sorted(found.items(), key=lambda item: (item[0][0] or "", item[0][1])):
        there, maker = clocks[observer], clocks[source]
        lags = tuple((one.seen_ms - there.offset_ms - (one.beat_ms - maker.offset_ms)) / 1000 for one in several)
        measured.append(Way(source, observer, lags, (there.error_ms + maker.error_ms) / 1000))
    return measured


def propagation(observer: str | None, every: Iterable[Way], seconds: float) -> Trait:
    """Return what the beats of all the others that came into one replica say of it."""
    mine = [way for way in every if way.observer == observer]
    error_s = max((way.error_s for way in mine), default=0.0)
    how = f"(clocks taken out, ± {error_s:.1f} s)"
    return _judged([lag for way in mine for lag in way.lags_s], f" of {len(mine)} others", how, seconds, error_s)


def uncorrected(sightings: Iterable[Sighting], seconds: float) -> Trait:
    """Return what the beats that arrived say where no clock was measured."""
    lags = [(one.seen_ms - one.beat_ms) / 1000 for one in sightings]
    return _judged(lags, "", "after they were made (two clocks compared)", seconds)


def _judged(lags: Sequence[float], of: str, how: str, seconds: float, error_s: float | None = None) -> Trait:
    figures = {"beats": float(len(lags))}
    if len(lags) < _FEW_BEATS:
        said = f"{len(lags)} beats{of} arrived in {seconds:g} s: too few to tell"
        return Trait("propagation", UNKNOWN, said, figures)
    low, mid, high = min(lags), _percentile(lags, 50), _percentile(lags, 99)
    figures |= {"p50S": mid, "p99S": high, **({"spreadS": high - low} if error_s is None else {"errorS": error_s})}
    said = f"{len(lags)} beats{of}, p50 {mid:.1f} s, p99 {high:.1f} s {how}"
    if low < -(error_s or 0.0) - _SET_S:
        return Trait("propagation", UNKNOWN, f"{said}: some came before they were made, so a clock is wrong", figures)
    return Trait("propagation", BAD if high > _TIMEOUT_S else GOOD, said, figures)


def _percentile(values: Iterable[float], percent: int) -> float:
    """Return the value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
