"""What only tests ask of the lab's file-sync product: what a program meets at a share, and what is under way."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from roosync_ops.lab import faults

if TYPE_CHECKING:
    from roosync_ops.judge import Validation
    from roosync_ops.lab.replica import SyncLink
    from roosync_ops.lab.replicator import Replicator


@dataclass(frozen=True, slots=True)
class LocalTrouble:
    """What the machine's own programs meet at the share: the errors are to be raised, None is fine."""

    read: OSError | None = None
    write: OSError | None = None
    hangs: bool = False


def local_trouble(link: SyncLink) -> LocalTrouble:
    """Return what a touch of this machine's share meets now."""
    if "hang" in link.faults:
        return LocalTrouble(hangs=True)
    if "unmounted" in link.faults:
        gone = _error(errno.ENOENT)
        return LocalTrouble(read=gone, write=gone)
    if "read-only" in link.faults:
        return LocalTrouble(write=_error(errno.EROFS))
    return LocalTrouble(write=_error(errno.ENOSPC)) if "full" in link.faults else LocalTrouble()


def is_settled(sync: Replicator) -> bool:
    """Return True if nothing is under way, as far as the last step saw."""
    return not any(
        link.uploads or link.downloads or _has_to_tidy(link) or (link.upset and not link.faults)
        for link in sync.links.values()
    )


def next_due(sync: Replicator) -> float | None:
    """Return the earliest time at which a step has something to do, None while nothing is under way.

    What changes in a replica meanwhile, or a fault that is switched, calls for a step at once.
    """
    dues: list[float] = []
    for link in sync.links.values():
        if link.uploads and faults.goes_up(link):
            dues.extend(link.uploads.values())
        if link.downloads and faults.comes_down(link):
            dues.extend(link.downloads.values())
        if link.vanish_at is not None:
            dues.append(link.vanish_at)
    return min(dues, default=None)


def _has_to_tidy(link: SyncLink) -> bool:
    """Return True if a fault that has ended is still to be put right."""
    return (bool(link.twins) and faults.TWINS not in link.faults) or (link.is_old and "old-files" not in link.faults)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def observed(validation: Validation) -> dict[str, str]:
    """Return what is observed of each machine."""
    return {verdict.machine_id: verdict.observed for verdict in validation.verdicts}
