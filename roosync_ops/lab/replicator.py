"""The file-sync product between the replicas: whole files, last writer wins, after a delay. Pure but for the replicas.

A change is noticed in its replica, uploaded after a delay, numbered there by arrival, and downloaded to every other
replica after another delay. Time is passed in (seconds on any one clock), so that hours are tested in milliseconds.
Faults come in through the links: a switch each way, a delay each way, and whatever a Replica chooses to raise.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .replica import File, Replica, Stamp


#: Each way; together the 0.5 to 1 s after which a beat of one machine is seen by the others.
DEFAULT_DELAY_S = (0.25, 0.5)


@dataclass(frozen=True, slots=True)
class Version:
    """What the sync product holds of one file; `file` is None once it has been deleted."""

    number: int
    file: File | None


@dataclass(slots=True)
class Link:
    """One machine's connection to the sync product, and what its client remembers.

    `up` and `down` are switches: a change made while `up` is off waits, and goes out when it is on again.
    """

    replica: Replica
    up: bool = True
    down: bool = True
    #: Each file as the last look found it.
    known: dict[str, Stamp] = field(default_factory=dict)
    #: The version of each file that this replica sent or received last.
    held: dict[str, Version] = field(default_factory=dict)
    #: When each transfer is due, in seconds.
    uploads: dict[str, float] = field(default_factory=dict)
    downloads: dict[str, float] = field(default_factory=dict)
    #: Why the last look or transfer failed; empty when it did not.
    trouble: str = ""


def uniform(low_s: float, high_s: float, seed: int = 0) -> Callable[[], float]:
    """Return a seeded delay, uniform between two bounds in seconds."""
    draw = random.Random(seed)  # noqa: S311 - a replayable delay, no secret
    return lambda: draw.uniform(low_s, high_s)


class Replicator:
    """Replicates between `replicas`, by name of the machine. Call `step` with a time that never goes back."""

    def __init__(self, replicas: Mapping[str, Replica], delay: Callable[[], float] | None = None) -> None:
        self.delay = delay or uniform(*DEFAULT_DELAY_S)
        self.links = {name: Link(replica) for name, replica in replicas.items()}
        self._held: dict[str, Version] = {}
        self._number = 0

    def switch(self, name: str, *, up: bool | None = None, down: bool | None = None) -> None:
        """Pause (False) or resume (True) a machine's uploads or downloads; None leaves as it is."""
        link = self.links[name]
        link.up = link.up if up is None else up
        link.down = link.down if down is None else down

    def step(self, now: float) -> None:
        """Do everything that is due at `now` (s). A replica in trouble is left out until the next step."""
        well = [link for link in self.links.values() if self._notice(link, now)]
        for link in well:
            if link.up:
                self._transfer(link, link.uploads, self._upload, now)
        for link in well:
            if link.down:
                self._transfer(link, link.downloads, self._download, now)

    def is_settled(self) -> bool:
        """Tell whether nothing is under way, as far as the last step saw."""
        return not any(link.uploads or link.downloads for link in self.links.values())

    def _notice(self, link: Link, now: float) -> bool:
        try:
            stamps = link.replica.scan()
        except OSError as error:
            link.trouble = str(error)
            return False
        for name in stamps.keys() | link.known.keys():
            if stamps.get(name) != link.known.get(name):
                link.uploads.setdefault(name, now + self.delay())
        link.known = stamps
        link.trouble = ""
        return True

    def _transfer(
        self, link: Link, queue: dict[str, float], transfer: Callable[[Link, str, float], None], now: float
    ) -> None:
        """Try what is due, earliest first; what fails stays due."""
        for name in sorted((name for name, due in queue.items() if due <= now), key=queue.__getitem__):
            try:
                transfer(link, name, now)
            except OSError as error:
                link.trouble = str(error)

    def _upload(self, link: Link, name: str, now: float) -> None:
        """Send the file as it is now: a listing may miss a file that is being replaced, so only this look counts."""
        file = link.replica.read(name)
        del link.uploads[name]
        held = link.held.get(name)
        if _content(file) == _content(held.file if held else None):
            return
        self._number += 1
        link.held[name] = self._held[name] = Version(self._number, file)
        link.downloads.pop(name, None)
        for other in self.links.values():
            if other is not link:
                other.downloads.setdefault(name, now + self.delay())

    def _download(self, link: Link, name: str, now: float) -> None:
        """Bring the newest version, unless a change of this replica's own is still to go out: that one is later."""
        if name in link.uploads:
            return
        if link.replica.stamp(name) != link.known.get(name):
            link.uploads[name] = now + self.delay()
            return
        version = self._held[name]
        if link.held.get(name) is not version:
            self._put(link, name, version.file)
            link.held[name] = version
        del link.downloads[name]

    @staticmethod
    def _put(link: Link, name: str, file: File | None) -> None:
        if file is None:
            link.replica.remove(name)
            link.known.pop(name, None)
        else:
            link.known[name] = link.replica.deliver(name, file)


def _content(file: File | None) -> bytes | None:
    return None if file is None else file.content
