"""The shared state in a synced folder, read with a deadline."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError
from roosync_ops.wire.folder import SETTLE_S, ShareUnavailableError, read_shared

from .errors import StateUnavailableError
from .shared import SharedState, assemble
from .signs import read_signs

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.wire.folder import Snapshot

    from .signs import Sign

_REASONS: Final = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "is not a folder",
    errno.EACCES: "may not be read by this user",
    errno.EPERM: "may not be read by this user",
}
_HINT: Final = (
    "name the folder with --shared DIR or ROOSYNC_SHARED_PATH, start the sync product, or look through a machine of "
    "the fleet: roosync-ops validate --via MACHINE"
)


def read_folder(
    path: str | Path, now_ms: int, deadline_s: float = DEFAULT_DEADLINE_S, bounded: BoundedShare | None = None
) -> SharedState:
    """Read the shared folder `path` at `now_ms` (ms since the epoch), within `deadline_s` seconds.

    Who reads again and again passes the same `bounded`, whose deadline then holds: a share that hangs costs one thread
    in all, not one a reading. Raises StateUnavailableError: missing, no folder, hung, or nothing readable in it.
    """
    shared = str(path)
    snapshot, signs = _read(shared, now_ms, bounded or BoundedShare(deadline_s))
    return assemble(
        shared,
        now_ms,
        snapshot.evidence,
        snapshot.findings,
        view=snapshot.view,
        view_state=snapshot.view_state,
        seen=snapshot.seen,
        signs=signs,
    )


def _read(shared: str, now_ms: int, bounded: BoundedShare) -> tuple[Snapshot, dict[str, Sign]]:
    try:
        return bounded.call(
            lambda: (read_shared(shared, now_ms, SETTLE_S), read_signs(shared, now_ms)), f"reading {shared}"
        )
    except ShareHungError as error:
        raise StateUnavailableError(
            f"the shared state {shared} hangs: no answer within {error.deadline_s:g} s",
            "restart the sync product on this computer, allow more time with --deadline SECONDS, or look through a "
            "machine of the fleet: roosync-ops validate --via MACHINE",
        ) from None
    except ShareUnavailableError as error:
        why = _REASONS.get(error.errno or 0, f"cannot be read: {error.strerror}")
        raise StateUnavailableError(f"the shared state {shared} {why}", _HINT) from None
    except ValueError as error:  # a NUL in the path
        raise StateUnavailableError(f"the shared state {shared!r} is no path: {error}", _HINT) from None
