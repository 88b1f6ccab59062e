"""The shared state in a synced folder, read with a deadline."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from roosync_ops import typed
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError
from roosync_ops.wire.folder import SETTLE_S, ShareUnavailableError, read_shared

from .errors import StateUnavailableError
from .shared import SharedState, assemble

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.wire.folder import Snapshot

_REASONS: Final = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "is not a folder",
    errno.EACCES: "may not be read by this user",
    errno.EPERM: "may not be read by this user",
}


def read_folder(
    path: str | Path, now_ms: int, deadline_s: float = DEFAULT_DEADLINE_S, bounded: BoundedShare | None = None
) -> SharedState:
    """Read the shared folder `path` at `now_ms` (ms since the epoch), within `deadline_s` seconds.

    Who reads again and again passes the same `bounded`, whose deadline then holds: a share that hangs costs one thread
    in all, not one a reading. Raises StateUnavailableError: missing, no folder, hung, or nothing readable in it.
    """
    shared = str(path)
    snapshot = _read(shared, now_ms, bounded or BoundedShare(deadline_s))
    return assemble(
        shared,
        now_ms,
        snapshot.evidence,
        snapshot.findings,
        view=snapshot.view,
        view_state=snapshot.view_state,
        seen=snapshot.seen,
    )


def _read(shared: str, now_ms: int, bounded: BoundedShare) -> Snapshot:
    try:
        return bounded.call(lambda: read_shared(shared, now_ms, SETTLE_S), f"reading {shared}")
    except ShareHungError as error:
        raise StateUnavailableError(
            f"the shared state {shared} hangs: no answer within {error.deadline_s:g} s",
            typed.ours("matrix"),
        ) from None
    except ShareUnavailableError as error:
        why = _REASONS.get(error.errno or 0, f"cannot be read: {error.strerror}")
        raise StateUnavailableError(f"the shared state {shared} {why}", typed.ours("matrix")) from None
    except ValueError as error:  # a NUL in the path
        raise StateUnavailableError(f"the shared state {shared!r} is no path: {error}", typed.ours("matrix")) from None
