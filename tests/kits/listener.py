"""Whoever listens to machines' records in a shared state: how long each was silent, and how many at once."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from roosync_ops.wire.times import from_iso
from tests.kits.product import record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Listener:
    """Reads the records again and again for the length of a block; what counts are the heartbeats' own times."""

    def __init__(self, shared: Path, names: Sequence[str]) -> None:
        self._shared = shared
        self._heard: dict[str, list[int]] = {name: [] for name in names}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._over.wait(0.1):
            for name, heard in self._heard.items():
                with suppress(OSError, ValueError, KeyError):
                    at = from_iso(record(self._shared, name)["lastHeartbeat"])
                    if not heard or at > heard[-1]:
                        heard.append(at)

    def longest_s(self, name: str) -> float:
        """Return the longest time between two heartbeats of a machine, in s."""
        return max((after - before for before, after in pairwise(self._heard[name])), default=0) / 1000

    def silent_at_once(self, limit_s: float) -> int:
        """Return how many machines, at most, had been silent for longer than `limit_s` at the same time."""
        changes = []
        for heard in self._heard.values():
            gaps = ((before + limit_s * 1000, after) for before, after in pairwise(heard))
            changes += [change for start, end in gaps if end > start for change in ((start, 1), (end, -1))]
        most = now = 0
        for _, change in sorted(changes):
            now += change
            most = max(most, now)
        return most
