"""The file-sync product between the replicas: whole files, last writer wins, after a delay. Pure but for the replicas.

A change is noticed in its replica, uploaded after a delay, numbered there by arrival, and downloaded to every other
replica after another delay. Time is passed in (seconds on any one clock), so that hours are tested in milliseconds.
Faults come in through the links: a switch each way, those of faults.py by name, and whatever a replica raises.
The same seed, replicas and times replay the same history, whatever is drawn.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from . import faults
from .replica import File, FileVersions, FolderReplica, SyncLink, Version

#: Each way; together the 0.5 to 1 s after which a beat of one machine is seen by the others.
DEFAULT_DELAY_S = (0.25, 0.5)
#: One way of a typical transfer of Google Drive for desktop, in seconds: median, spread (sigma of a log-normal) and
#: bounds. Two ways come to the 5 to 60 s of lab/README.md, "Synced folders".
_MEDIAN_S, _SPREAD, _LOW_S, _HIGH_S = 7.0, 0.6, 2.5, 30.0
#: "More under load": some hours apart, for some minutes, each transfer takes minutes. In seconds.
_BURST_EVERY_S = 6 * 3600.0
_BURST_LASTS_S = (120.0, 600.0)
_BURST_ADDS_S = (60.0, 300.0)
#: Between two looks at the replicas, in seconds: a look at seven costs half a millisecond.
POLL_S = 0.1


class Delay:
    """Draws how long one transfer of Google Drive's takes, in s. The same seed and the same calls draw the same delays.

    `factor` is another time: 1/30 for a fleet that lives thirty times as fast.
    """

    def __init__(self, seed: int = 0, factor: float = 1.0) -> None:
        self.factor = factor
        self._draw = random.Random(f"delay {seed}")  # noqa: S311 - a replayable delay, no secret
        self._bursts = random.Random(f"bursts {seed}")  # noqa: S311 - as above
        self._burst: tuple[float, float] | None = None

    @property
    def bounds_s(self) -> tuple[float, float]:
        """The least and the most that a transfer takes outside of bursts, in seconds."""
        return self.factor * _LOW_S, self.factor * _HIGH_S

    def __call__(self, now: float) -> float:
        """Draw one delay that begins at `now`, which never goes back: in a burst it is one of minutes."""
        typical = min(max(_MEDIAN_S * self._draw.lognormvariate(0.0, _SPREAD), _LOW_S), _HIGH_S)
        extra = self._draw.uniform(*_BURST_ADDS_S)
        return self.factor * (typical + extra if self.in_burst(now) else typical)

    def in_burst(self, now: float) -> bool:
        """Return True if transfers take minutes at `now`. Times are counted from the first that is asked for."""
        start, end = self._burst or self._next_burst(now)
        while now >= end:
            start, end = self._next_burst(end)
        return now >= start

    def _next_burst(self, after: float) -> tuple[float, float]:
        start = after + self.factor * self._bursts.expovariate(1 / _BURST_EVERY_S)
        self._burst = start, start + self.factor * self._bursts.uniform(*_BURST_LASTS_S)
        return self._burst


def uniform(low_s: float, high_s: float, seed: int = 0) -> Callable[[float], float]:
    """Return a seeded delay, uniform between two bounds in seconds."""
    draw = random.Random(seed)  # noqa: S311 - a replayable delay, no secret
    return lambda _now: draw.uniform(low_s, high_s)


class Replicator:
    """Replicates between `replicas`, by machine; `seed` decides what faults draw. `step`'s time never goes back.

    Its methods may be called on any thread; `lock` is for what else looks at its links.
    """

    def __init__(
        self, replicas: Mapping[str, FolderReplica], delay: Callable[[float], float] | None = None, seed: int = 0
    ) -> None:
        self.delay = delay or uniform(*DEFAULT_DELAY_S)
        self.links = {
            name: SyncLink(replica, name=name, draw=random.Random(f"{seed} {name}"))  # noqa: S311 - replayable, no secret
            for name, replica in replicas.items()
        }
        self._cloud: dict[str, Version] = {}
        self._past: dict[str, FileVersions] = {}
        self._number = 0
        self.lock = threading.Lock()

    def switch(self, name: str, *, up: bool | None = None, down: bool | None = None) -> None:
        """Pause (False) or resume (True) a machine's uploads or downloads; None leaves as it is."""
        link = self.links[name]
        with self.lock:
            link.up = link.up if up is None else up
            link.down = link.down if down is None else down

    def fault(self, name: str, machine: str, *, on: bool = True) -> None:
        """Switch a fault of faults.FAULTS on or off. Raises ValueError, KeyError for no such fault or machine."""
        faults.check_name(name)
        active = self.links[machine].faults
        with self.lock:
            (active.add if on else active.discard)(name)

    def step(self, now: float) -> None:
        """Do everything that is due at `now` (s). A replica in trouble is left out until the next step."""
        with self.lock:
            well = [link for link in self.links.values() if self._notice(link, now)]
            for link in well:
                if link.faults or link.upset:
                    with _noted(link):
                        self._misbehave(link, now)
            for link in well:
                if link.uploads and faults.goes_up(link):
                    self._transfer(link, link.uploads, self._upload, now)
            for link in well:
                if link.downloads and faults.comes_down(link):
                    self._transfer(link, link.downloads, self._download, now)

    def _notice(self, link: SyncLink, now: float) -> bool:
        try:
            faults.check_mounted(link)
            stamps = link.replica.scan()
        except OSError as error:
            link.trouble = str(error)
            return False
        link.trouble = ""
        if stamps == link.known:
            return True
        # In an order of their own, not of a hash's: which change is given which delay is replayed too.
        for name in sorted(stamps.keys() | link.known.keys()):
            if stamps.get(name) != link.known.get(name):
                link.uploads.setdefault(name, now + self._delay(link, now))
        link.known = stamps
        return True

    def _misbehave(self, link: SyncLink, now: float) -> None:
        """Do, and put right, what this machine's client does by itself."""
        faults.tidy_twins(link)
        self._expect(link, faults.rewind(link, self._past), now)
        self._expect(link, faults.vanish(link, self._cloud, now, lambda: self._delay(link, now)), now)
        self._expect(link, faults.overdue(link, self._cloud), now)
        link.upset = bool(link.faults)

    def _expect(self, link: SyncLink, names: list[str], now: float) -> None:
        for name in names:
            link.downloads.setdefault(name, now + self._delay(link, now))

    def _transfer(
        self, link: SyncLink, queue: dict[str, float], transfer: Callable[[SyncLink, str, float], None], now: float
    ) -> None:
        """Try what is due, earliest first; what fails stays due."""
        for _, name in sorted((due, name) for name, due in queue.items() if due <= now):
            with _noted(link):
                transfer(link, name, now)

    def _upload(self, link: SyncLink, name: str, now: float) -> None:
        """Send the file as it is now: a listing may miss a file that is being replaced, so only this look counts."""
        file = link.replica.read(name)
        del link.uploads[name]
        held = link.held.get(name)
        if (held is None or held.whole) and _content(file) == _content(held.file if held else None):
            return
        before = self._cloud.get(name)
        link.held[name] = self._publish(name, file, link, now)
        if before is not None and before.file is not None:
            self._keep(link, name, before, now, overwrites=held is None or held.number != before.number)

    def _publish(self, name: str, file: File | None, sender: SyncLink | None, now: float) -> Version:
        """Make this the newest version of the file, and expect it everywhere but where it came from."""
        self._number += 1
        version = self._cloud[name] = Version(self._number, file)
        self._past.setdefault(name, FileVersions()).add(now, version)
        for link in self.links.values():
            if link is sender:
                link.downloads.pop(name, None)
            else:
                link.downloads.setdefault(name, now + self._delay(link, now))
        return version

    def _keep(self, link: SyncLink, name: str, before: Version, now: float, *, overwrites: bool) -> None:
        """Keep what an upload replaced beside it, where this machine's client does that."""
        product = faults.conflict_product(link, overwrites=overwrites)
        if product is None or before.file is None:
            return
        copy = faults.copy_name(product, name, link.name, before.file.mtime_ns, self._cloud)
        if copy is not None:
            self._publish(copy, before.file, None, now)

    def _download(self, link: SyncLink, name: str, now: float) -> None:
        """Bring the newest version, unless a change of this replica's own is still to go out: that one is later."""
        if name in link.uploads:
            return
        if link.replica.stamp(name) != link.known.get(name):
            link.uploads[name] = now + self._delay(link, now)
            return
        version = self._cloud[name]
        if link.held.get(name) is version:
            del link.downloads[name]
        elif faults.shows_twin(link, name, version):
            faults.show_twin(link, name, version, self._cloud)
            del link.downloads[name]
        else:
            self._arrive(link, name, version, now)

    def _arrive(self, link: SyncLink, name: str, version: Version, now: float) -> None:
        """Put the version into the replica, or first, for the time of another delay, what is shown instead of it."""
        held = link.held.get(name)
        is_shown_already = held is not None and not held.whole and held.number == version.number
        shown = None if is_shown_already else faults.disguise(link, version, self._past[name].recent)
        if shown is None:
            faults.put(link, name, version)
            del link.downloads[name]
        else:
            faults.put(link, name, Version(version.number, shown, whole=False))
            link.downloads[name] = now + self._delay(link, now)

    def _delay(self, link: SyncLink, now: float) -> float:
        drawn = self.delay(now)
        return drawn * faults.SLOW_FACTOR if "slow" in link.faults else drawn


@contextmanager
def _noted(link: SyncLink) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        link.trouble = str(error)


def _content(file: File | None) -> bytes | None:
    return None if file is None else file.content


@contextmanager
def stepping(replicator: Replicator) -> Iterator[Replicator]:
    """Have a thread step a replicator until the block ends."""
    end = threading.Event()

    def run() -> None:
        while not end.wait(POLL_S):
            replicator.step(time.monotonic())

    thread = threading.Thread(target=run, name="lab-sync", daemon=True)
    thread.start()
    try:
        yield replicator
    finally:
        end.set()
        thread.join()
