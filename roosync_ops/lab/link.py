"""One machine's connection to the file-sync product: what its client remembers, and what is wrong with it."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .replica import File, Replica, Stamp

#: A Past keeps so many versions, and one of each of so many hours.
_RECENT = 6
_HOURS = 6
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Version:
    """What the sync product holds of one file; `file` is None once it has been deleted.

    `whole` is False for what a faulty client shows instead of that version for the time being.
    """

    number: int
    file: File | None
    whole: bool = True


class Past:
    """The versions of one file that the product still has, oldest first: the last few, and one an hour."""

    def __init__(self) -> None:
        self.recent: deque[Version] = deque(maxlen=_RECENT)
        self._hourly: deque[tuple[float, Version]] = deque(maxlen=_HOURS)

    def add(self, now: float, version: Version) -> None:
        """Add the newest version; `now` in seconds."""
        self.recent.append(version)
        if not self._hourly or now - self._hourly[-1][0] >= _HOUR_S:
            self._hourly.append((now, version))

    @property
    def oldest(self) -> Version:
        """The version of hours ago, or the first of all. There is one: a Past begins with its first version."""
        return self._hourly[0][1]


@dataclass(slots=True)
class Link:
    """One machine's connection to the sync product, and what its client remembers.

    `up` and `down` are switches: a change made while `up` is off waits, and goes out when it is on again. `faults` are
    the names of those that are on: see faults.py.
    """

    replica: Replica
    up: bool = True
    down: bool = True
    name: str = ""
    faults: set[str] = field(default_factory=set)
    #: Each file as the last look found it.
    known: dict[str, Stamp] = field(default_factory=dict)
    #: The version of each file that this replica sent or received last.
    held: dict[str, Version] = field(default_factory=dict)
    #: When each transfer is due, in seconds.
    uploads: dict[str, float] = field(default_factory=dict)
    downloads: dict[str, float] = field(default_factory=dict)
    #: Why the last look or transfer failed; empty when it did not.
    trouble: str = ""
    #: Whether a fault was on at the last step: what it left behind is to be put right.
    upset: bool = False
    #: Draws what this machine's faults draw.
    draw: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - replayable, no secret
    #: duplicate-names: under which other name the newest version of a file is shown.
    twins: dict[str, str] = field(default_factory=dict)
    #: old-files: whether that has been done for the fault that is on.
    is_old: bool = False
    #: vanishing: when the next file goes, in seconds.
    vanish_at: float | None = None
