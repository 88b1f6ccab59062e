"""What one reader said, held against the truth: false offlines by cause, deaths missed, how long it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from roosync_ops.judge import verdict as v
from roosync_ops.wire.status import DEFAULT_TIMEOUT_MS, OFFLINE, ONLINE, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .truth import Life

#: Causes of a false offline: the file sync's ordinary delays and bursts alone; a fault on the machine's side, whose
#: beats did not come out; a fault on the reader's own side.
DELAY, WRITER, OBSERVER = "delay", "writer", "observer"
#: A machine that has just started is not yet expected to be seen, in s.
GRACE_S: Final = 600.0
#: The longest that the timeout, a sync delay, a poll and two tries take, in s.
_LONG_DEAD_S: Final = 240.0
#: A death told later than this is one of the tail, in s: the aim of `watch`.
LATE_S: Final = 180.0
TIMEOUT_S: Final = DEFAULT_TIMEOUT_MS / 1000
_NO_DOUBT: Final = frozenset([v.SILENT, v.NEVER_SEEN])
_GONE: Final = frozenset([OFFLINE, UNKNOWN, "absent"])
#: Reasons that a living machine gave itself.
_OWN: Final = frozenset([v.SHARE_STUCK, v.AGENT_SILENT])
#: Reasons that say of a machine by name that a clock is not to be believed.
_CLOCKS: Final = frozenset(
    [v.CLOCK_SUSPECTED, v.CLOCK_DISAGREES, v.CLOCK_CONTRADICTED, v.CLOCK_WRONG, v.READER_CLOCK_WRONG, v.CLOCK_BEHIND]
)


@dataclass
class FalseOffline:
    """A machine that lived was shown offline."""

    machine: str
    at: float
    cause: str
    #: The kind of the reason that the judge gave for it.
    reason: str | None
    #: What it was shown as: offline, or unknown.
    word: str = OFFLINE


@dataclass
class Missed:
    """A machine died, and lived again before anybody was told."""

    machine: str
    at: float
    #: Whether the reader said meanwhile, of this machine by name, that its clock is not to be believed.
    named: bool


@dataclass
class Score:
    """One reader's. Times in s."""

    reader: str
    period_s: float
    false: list[FalseOffline] = field(default_factory=list)
    wrong_s: float = 0.0
    #: Of that, how long the reason given was none but silence.
    bare_s: float = 0.0
    judged_s: float = 0.0
    blind_s: float = 0.0
    detections: list[float] = field(default_factory=list)
    #: The deaths told later than LATE_S: machine, when it died, after how long.
    late: list[tuple[str, float, float]] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    #: Deaths of machines that were shown offline before they died: nothing changed for who looked.
    no_news: int = 0
    deaths: int = 0
    rollbacks: int = 0
    final: dict[str, str] = field(default_factory=dict)
    #: Times a machine dead for longer than any reader needs was shown online, and how long living ones were shown
    #: offline with their own word for it: the agent runs, and its share hangs or refuses.
    false_online: int = 0
    stuck_s: float = 0.0
    _dead: dict[str, float] = field(default_factory=dict)
    _was: dict[str, str] = field(default_factory=dict)
    _waiting: dict[str, float] = field(default_factory=dict)
    _named: set[str] = field(default_factory=set)

    def died(self, machine: str, now: float) -> None:
        self.deaths += 1
        self._dead[machine] = now
        if self._was.get(machine) in _GONE:
            self.no_news += 1
        else:
            self._waiting[machine] = now
            self._named.discard(machine)

    def came_back(self, machine: str) -> None:
        """A machine lives again: a death that nobody told by now was missed."""
        died = self._waiting.pop(machine, None)
        self._dead.pop(machine, None)
        if died is not None:
            self.missed.append(Missed(machine, died, machine in self._named))

    def judge(
        self,
        words: Mapping[str, str] | None,
        lives: Mapping[str, Life],
        now: float,
        causes: Mapping[str, str],
        reason: Callable[[str], str | None] = lambda _name: None,
    ) -> None:
        """Take what the reader says at `now`: a word a machine, or None where it could not read at all.

        `reason` gives the kind of the judge's reason for a machine's word, None for none.
        """
        if words is None:
            self.blind_s += self.period_s
            return
        for name, life in lives.items():
            word = words.get(name, "absent")
            since = life.alive_since
            if since is None and word == ONLINE and now - self._dead.get(name, now) > _LONG_DEAD_S:
                self.false_online += (
                    self._was.get(name) != ONLINE or now - self._dead[name] <= _LONG_DEAD_S + self.period_s
                )
            if since is None:
                self._told(name, word, now, reason)
            else:
                self._alive(name, word, now, since, causes, reason)
            self._was[name] = word
        self.final = {name: words.get(name, "absent") for name in lives}

    def _told(self, name: str, word: str, now: float, reason: Callable[[str], str | None]) -> None:
        died = self._waiting.get(name)
        if died is None:
            return
        if word in _GONE:
            after = now - self._waiting.pop(name)
            self.detections.append(after)
            if after > LATE_S:
                self.late.append((name, died, after))
        elif now - died > TIMEOUT_S and name not in self._named and reason(name) in _CLOCKS:
            self._named.add(name)

    def _alive(  # noqa: PLR0913, PLR0917 - what a judgement of one machine rests on
        self,
        name: str,
        word: str,
        now: float,
        since: float,
        causes: Mapping[str, str],
        reason: Callable[[str], str | None],
    ) -> None:
        self.judged_s += self.period_s
        if now - since < GRACE_S or word not in _GONE:
            return
        why = reason(name)
        if why in _OWN:
            self.stuck_s += self.period_s
            return
        self.wrong_s += self.period_s
        self.bare_s += self.period_s * (why in _NO_DOUBT)
        before = self._was.get(name)
        # What was offline while it was not alive, and never shown otherwise since, became false as its grace ended.
        if before not in _GONE or now - since < GRACE_S + self.period_s:
            self.false.append(FalseOffline(name, now, causes.get(name, DELAY), why, word))

    def count(self, cause: str) -> int:
        return sum(one.cause == cause for one in self.false)

    @property
    def silently_missed(self) -> int:
        return sum(not one.named for one in self.missed)

    def percentile(self, percent: float) -> float | None:
        """Return the detection time that so many percent of the deaths did not exceed."""
        ordered = sorted(self.detections)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else None
