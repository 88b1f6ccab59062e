"""The faults of faults.py in a running lab: in the sync client, and under the share that a machine's programs see."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from .faults import LOCAL, check_name
from .nest import NestError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .nest import Nest
    from .threads import SyncThread

#: The name of a drive that is not mounted; hidden, beside its own.
_UNMOUNTED = ".{name} (not mounted)"
_WAY_OUT = (
    "it takes Linux, nsenter (util-linux), and either root or user name spaces and a /dev/fuse that you may open: "
    "`sudo modprobe fuse`, `sudo chmod 666 /dev/fuse`, or run the lab as root"
)


class Place(NamedTuple):
    """Where a machine's share lies: `drive` is what an unmounting takes away; without a `nest` nothing covers it."""

    drive: Path
    nest: Nest | None


class Mischief:
    """Switches faults of a running fleet on and off, one at a time."""

    def __init__(self, sync: SyncThread, places: Mapping[str, Place]) -> None:
        self._sync = sync
        self._places = places
        self._lock = threading.Lock()

    def switch(self, name: str, machine: str, *, on: bool) -> bool:
        """Switch one fault and tell whether that changed anything. Raises OSError, ValueError with the reason."""
        check_name(name)
        with self._lock:
            active = self.active(machine)
            # What else makes the same share unusable; one that is worse already is not made worse by being cold.
            others = [other for other in active if other in LOCAL and other != name]
            if on and name in LOCAL and others and name != "cold":
                raise ValueError(f"its share is under {others[0]} already; end that first")
            if (name in active) == on:
                return False
            if name in LOCAL and not (name == "cold" and others):
                self._local(name, self._places[machine], on=on)
            with self._sync.lock:
                self._sync.replicator.fault(name, machine, on=on)
            return True

    def active(self, machine: str) -> list[str]:
        """Return the faults of one machine that are on."""
        with self._sync.lock:
            return sorted(self._sync.replicator.links[machine].faults)

    @staticmethod
    def _local(name: str, place: Place, *, on: bool) -> None:
        if name == "unmounted":
            aside = place.drive.with_name(_UNMOUNTED.format(name=place.drive.name))
            (place.drive if on else aside).rename(aside if on else place.drive)
        elif place.nest is None:
            raise ValueError(f"{name} is for machines: the admin's replica is read by your own shell")
        elif not on:
            place.nest.uncover()
        else:
            try:
                place.nest.cover(name)
            except NestError as error:
                raise NestError(f"{name} cannot be caused here: {error}; {_WAY_OUT}") from None
