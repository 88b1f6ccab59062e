"""How long a file-sync product takes: seeded delays for one upload or one download, as measured and as written down."""

from __future__ import annotations

import random

#: One way of a typical transfer of Google Drive for desktop, in seconds: median, spread (sigma of a log-normal) and
#: bounds. Two ways come to the 5 to 60 s of lab/README.md, "Synced folders".
_MEDIAN_S, _SPREAD, _LOW_S, _HIGH_S = 7.0, 0.6, 2.5, 30.0
#: "More under load": some hours apart, for some minutes, each transfer takes minutes. In seconds.
_BURST_EVERY_S = 6 * 3600.0
_BURST_LASTS_S = (120.0, 600.0)
_BURST_ADDS_S = (60.0, 300.0)


class Delay:
    """Draws how long one transfer of Google Drive's takes, in s. The same seed and the same calls draw the same delays.

    `at(now)` knows whether a burst is on at that time (s, never going back); a plain call draws as outside of bursts.
    """

    def __init__(self, seed: int = 0, factor: float = 1.0) -> None:
        self.seed = seed
        self.factor = factor
        self._draw = random.Random(f"delay {seed}")  # noqa: S311 - a replayable delay, no secret
        self._bursts = random.Random(f"bursts {seed}")  # noqa: S311 - as above
        self._burst: tuple[float, float] | None = None

    @property
    def bounds_s(self) -> tuple[float, float]:
        """The least and the most that a transfer takes outside of bursts, in seconds."""
        return self.factor * _LOW_S, self.factor * _HIGH_S

    def __call__(self) -> float:
        return self.factor * self._typical()

    def at(self, now: float) -> float:
        """Draw one delay that begins at `now`."""
        typical = self._typical()
        extra = self._draw.uniform(*_BURST_ADDS_S)
        return self.factor * (typical + extra if self.in_burst(now) else typical)

    def in_burst(self, now: float) -> bool:
        """Return True if transfers take minutes at `now`. Times are counted from the first that is asked for."""
        start, end = self._burst or self._next_burst(now)
        while now >= end:
            start, end = self._next_burst(end)
        return now >= start

    def scaled(self, factor: float) -> Delay:
        """Return the same delays and bursts in another time: 1/30 for a fleet that lives thirty times as fast."""
        return Delay(self.seed, self.factor * factor)

    def _typical(self) -> float:
        drawn = _MEDIAN_S * self._draw.lognormvariate(0.0, _SPREAD)
        return min(max(drawn, _LOW_S), _HIGH_S)

    def _next_burst(self, after: float) -> tuple[float, float]:
        start = after + self.factor * self._bursts.expovariate(1 / _BURST_EVERY_S)
        self._burst = start, start + self.factor * self._bursts.uniform(*_BURST_LASTS_S)
        return self._burst
