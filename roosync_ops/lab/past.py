"""The versions of one file that the sync product still has: the last few, and one of each of the last hours."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .link import Version

_RECENT = 6
_HOURS = 6
_HOUR_S = 3600.0


class Past:
    """What was there, oldest first, in bounded memory."""

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
