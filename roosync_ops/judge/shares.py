"""What was measured of shares, and how long beats take between them, with the difference of clocks taken out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from roosync_ops.remote_script.facts_model import MeasuredSighting

GOOD: Final = "good"
BAD: Final = "bad"
UNKNOWN: Final = "unknown"
#: Fewer beats than this tell nothing of a 99th percentile.
_FEW_BEATS: Final = 5
#: The protocol: a machine is offline after this, in s; what arrives later is a false offline.
_TIMEOUT_S: Final = 120.0
#: A clock that was set shows in beats that came so long before they were made, in s.
_SET_S: Final = 1.0


#: One thing measured, as it is printed: `name`, `verdict` (GOOD, BAD or UNKNOWN), `detail`, and figures, the unit in
#: the name of each.
Trait: TypeAlias = dict[str, Any]
#: A computer's clock minus ours, and how wrong that may be, in ms.
Clock: TypeAlias = tuple[int, int]


class Way(NamedTuple):
    """The beats of `source` as they came into the replica of `observer`, None for this computer.

    `lags_s` is how long each was under way, in s, on one clock; each may be wrong by `error_s`, and is too long by as
    much as passes between two looks at a replica.
    """

    source: str
    observer: str | None
    lags_s: tuple[float, ...]
    error_s: float

    def as_dict(self) -> dict[str, Any]:
        """Return it as it is printed."""
        mid, high = _percentile(self.lags_s, 50), _percentile(self.lags_s, 99)
        figures = {"p50S": round(mid, 3), "p99S": round(high, 3), "errorS": round(self.error_s, 3)}
        return {"source": self.source, "observer": self.observer, "beats": len(self.lags_s), **figures}


def share(
    machine_id: str, shared: str | None, traits: Iterable[Trait] = (), problem: tuple[str, str, str] | None = None
) -> dict[str, Any]:
    """Return the share of a machine as it is printed; `shared` None: it is not known.

    `problem` is (code, sentence, next command) where not all of it could be measured.
    """
    told, (code, reason, hint) = list(traits), problem or (None, None, None)
    row = {"machineId": machine_id, "shared": shared, "ok": problem is None and fit(told), "traits": told}
    return row | {"code": code, "reason": reason, "hint": hint}


def fit(traits: Iterable[Trait]) -> bool:
    """Return True if nothing that was measured is bad."""
    return not any(one["verdict"] == BAD for one in traits)


def ways(seen: Mapping[str | None, Iterable[MeasuredSighting]], clocks: Mapping[str | None, Clock]) -> list[Way]:
    """Return what each observer saw of each other machine, where both clocks are known, in order of their names.

    A machine's own beats, which take no way, tell nothing.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for observer, sightings in seen.items():
        for one in sightings:
            if (
                one.machine_id != observer
                and one.machine_id in clocks
                and observer in clocks
                and one.lag_ms is not None
            ):
                lag_ms = one.lag_ms - clocks[observer][0] + clocks[one.machine_id][0]
                found.setdefault((observer or "", one.machine_id), []).append(lag_ms / 1000)
    return [
        Way(source, observer or None, tuple(lags), (clocks[observer or None][1] + clocks[source][1]) / 1000)
        for (observer, source), lags in sorted(found.items())
    ]


def propagation(observer: str | None, every: Iterable[Way], seconds: float) -> Trait:
    """Return what the beats of all the others that came into one replica say of it."""
    mine = [way for way in every if way.observer == observer]
    error_s = max((way.error_s for way in mine), default=0.0)
    how = f"(clocks taken out, ± {error_s:.1f} s)"
    return _judged([lag for way in mine for lag in way.lags_s], f" of {len(mine)} others", how, seconds, error_s)


def uncorrected(sightings: Iterable[MeasuredSighting], seconds: float) -> Trait:
    """Return what the beats that arrived say where no clock was measured."""
    lags = [one.lag_ms / 1000 for one in sightings if one.lag_ms is not None]
    return _judged(lags, "", "after they were made (two clocks compared)", seconds)


def _judged(lags: Sequence[float], of: str, how: str, seconds: float, error_s: float | None = None) -> Trait:
    figures = {"beats": float(len(lags))}
    verdict, said = UNKNOWN, f"{len(lags)} beats{of} arrived in {seconds:g} s: too few to tell"
    if len(lags) >= _FEW_BEATS:
        low, mid, high = min(lags), _percentile(lags, 50), _percentile(lags, 99)
        figures |= {"p50S": mid, "p99S": high, **({"spreadS": high - low} if error_s is None else {"errorS": error_s})}
        verdict, said = GOOD, f"{len(lags)} beats{of}, p50 {mid:.1f} s, p99 {high:.1f} s {how}"
        if low < -(error_s or 0.0) - _SET_S:
            verdict, said = UNKNOWN, f"{said}: some came before they were made, so a clock is wrong"
        elif high > _TIMEOUT_S:
            verdict = BAD
    return {"name": "propagation", "verdict": verdict, "detail": said, **figures}


def _percentile(values: Iterable[float], percent: int) -> float:
    """Return the value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
