"""How long a file-sync product takes: seeded delays for one upload or one download, as measured and as written down."""

from __future__ import annotations

import random
from dataclasses import dataclass

#: One way of a typical transfer of Google Drive for desktop, in seconds: median, spread (sigma of a log-normal) and
#: bounds. Two ways come to the 5 to 60 s of lab/README.md, "Synced folders".
_MEDIAN_S, _SPREAD, _LOW_S, _HIGH_S = 7.0, 0.6, 2.5, 30.0
#: "More under load": some hours apart, for some minutes, each transfer takes minutes. In seconds.
_BURST_EVERY_S = 6 * 3600.0
_BURST_LASTS_S = (120.0, 600.0)
_BURST_ADDS_S = (60.0, 300.0)


@dataclass(frozen=True)
class Shape:
    """What a product's delays are drawn from; all in seconds. `burst_every_s` 0 is a product without bursts."""

    median_s: float = _MEDIAN_S
    spread: float = _SPREAD
    low_s: float = _LOW_S
    high_s: float = _HIGH_S
    burst_every_s: float = _BURST_EVERY_S
    burst_lasts_s: tuple[float, float] = _BURST_LASTS_S
    burst_adds_s: tuple[float, float] = _BURST_ADDS_S


class Delay:
    """Draws how long one transfer takes, in seconds. The same seed and the same calls draw the same delays.

    `at(now)` knows whether a burst is on at that time (s, never going back); a plain call draws as outside of bursts.
    """

    def __init__(self, shape: Shape, seed: int = 0, factor: float = 1.0) -> None:
        self.shape = shape
        self.seed = seed
        self.factor = factor
        self._draw = random.Random(f"delay {seed}")  # noqa: S311 - a replayable delay, no secret
        self._bursts = random.Random(f"bursts {seed}")  # noqa: S311 - as above
        self._burst: tuple[float, float] | None = None

    @property
    def bounds_s(self) -> tuple[float, float]:
        """The least and the most that a transfer takes outside of bursts, in seconds."""
        return self.factor * self.shape.low_s, self.factor * self.shape.high_s

    def __call__(self) -> float:
        return self.factor * self._typical()

    def at(self, now: float) -> float:
        """Draw one delay that begins at `now`."""
        typical = self._typical()
        extra = self._draw.uniform(*self.shape.burst_adds_s)
        return self.factor * (typical + extra if self.in_burst(now) else typical)

    def in_burst(self, now: float) -> bool:
        """Return True if transfers take minutes at `now`. Times are counted from the first that is asked for."""
        if not self.shape.burst_every_s:
            return False
        start, end = self._burst or self._next_burst(now)
        while now >= end:
            start, end = self._next_burst(end)
        return now >= start

    def scaled(self, factor: float) -> Delay:
        """Return the same delays and bursts in another time: 1/30 for a fleet that lives thirty times as fast."""
        return Delay(self.shape, self.seed, self.factor * factor)

    def _typical(self) -> float:
        shape = self.shape
        drawn = shape.median_s * self._draw.lognormvariate(0.0, shape.spread)
        return min(max(drawn, shape.low_s), shape.high_s)

    def _next_burst(self, after: float) -> tuple[float, float]:
        start = after + self.factor * self._bursts.expovariate(1 / self.shape.burst_every_s)
        self._burst = start, start + self.factor * self._bursts.uniform(*self.shape.burst_lasts_s)
        return self._burst


def drive(seed: int = 0) -> Delay:
    """Return Google Drive's delays: 5 to 60 s from writer to reader, minutes in the bursts, which are hours apart."""
    return Delay(Shape(), seed)
