"""What really happened to a machine, against which what readers said is held."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from roosync_ops.agent.beat import KEPT_MS
from roosync_ops.wire.times import from_iso

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Period:
    """From `start` to `end` (s; None: still on). `planned` is about its end."""

    start: float
    end: float | None = None
    planned: bool = False


@dataclass
class Life:
    """One machine's agent: when it lived, and what its share took of it. Times in s of the simulation."""

    name: str
    epoch_ms: int
    periods: list[Period] = field(default_factory=list)
    sequence: int = 0
    beats: int = 0
    #: Wall-clock times of the beats that were published, in ms: what the history in the record must cover.
    beat_ms: list[int] = field(default_factory=list)
    #: What went back, or was not covered.
    losses: list[str] = field(default_factory=list)
    unsaid: list[float] = field(default_factory=list)

    def began(self, now: float) -> None:
        self.periods.append(Period(now))

    def ended(self, now: float, *, planned: bool) -> None:
        if self.periods and self.periods[-1].end is None:
            self.periods[-1].end = now
            self.periods[-1].planned = planned

    def left_unsaid(self, now: float) -> None:
        """It was stopped on purpose and could not write so."""
        self.unsaid.append(now)

    def published(self, now: float, record: dict[str, Any], *, leaving: bool) -> None:
        """Hold a record that the share took against all that was published before."""
        agent = record["agent"]
        if agent["sequence"] <= self.sequence:
            self.losses.append(f"{now:.0f} s: sequence {agent['sequence']} after {self.sequence}")
        self.sequence = agent["sequence"]
        if leaving:
            return
        self.beats += 1
        now_ms = from_iso(record["lastHeartbeat"])
        self.beat_ms.append(now_ms)
        if self.beats % 200 == 0:
            self.check_history(now, record)

    def check_history(self, now: float, record: dict[str, Any]) -> None:
        """Each beat of the last seven days lies in one of the record's intervals."""
        now_ms = from_iso(record["lastHeartbeat"])
        self.beat_ms = [at for at in self.beat_ms if at >= now_ms - KEPT_MS]
        pieces = iter(sorted(_intervals(record)))
        start, end = next(pieces, (0, -1))
        for at in sorted(self.beat_ms):
            while end < at:
                start, end = next(pieces, (at + 1, at + 1))
            if at < start:
                self.losses.append(f"{now:.0f} s: the beat at {at} is not in the history")
                return

    def is_alive(self, now: float) -> bool:
        return bool(self.periods) and self.periods[-1].end is None and self.periods[-1].start <= now

    @property
    def alive_since(self) -> float | None:
        return self.periods[-1].start if self.periods and self.periods[-1].end is None else None

    def alive_s(self, until: float) -> float:
        return sum((until if one.end is None else one.end) - one.start for one in self.periods)


def _intervals(record: dict[str, Any]) -> Iterator[tuple[int, int]]:
    for text in record["agent"]["upIntervals"]:
        start, _, end = text.partition("/")
        yield from_iso(start), from_iso(end)
