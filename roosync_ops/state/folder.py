"""The shared state in a synced folder, read with a deadline."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from roosync_ops import typed
from roosync_ops.wire.bounds import Bounds, Progress
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError
from roosync_ops.wire.folder import SETTLE_S, ShareUnavailableError, read_shared
from roosync_ops.wire.signs import SIGNS_S, signs_within

from .doubles import read_doubles
from .place import meant, wrong_place
from .shared import SharedState, StateUnavailableError, assemble
from .signs import signs_in

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
    """Read the shared folder `path` at `now_ms` (ms since the epoch); it hangs after `deadline_s` without progress.

    A long reading says on stderr how far it is. Who reads again and again passes the same `bounded`, whose deadline
    then holds: a share that hangs costs one thread in all, not one a reading. Raises StateUnavailableError: missing, no
    folder, no shared state, hung, or nothing readable in it.
    """
    shared = str(path)
    bounded = bounded or BoundedShare(deadline_s)
    snapshot = _read(shared, now_ms, bounded)
    return assemble(shared, snapshot, signs_in(signs_within(bounded.aside(SIGNS_S), shared), now_ms))


def _read(shared: str, now_ms: int, bounded: BoundedShare) -> Snapshot:
    progress = Progress(shared)
    try:
        snapshot = bounded.call(
            lambda: read_shared(shared, now_ms, SETTLE_S, Bounds(tell=progress.tell), read_doubles),
            f"reading {shared}",
            lambda: progress.count,
        )
        if not snapshot.seen:
            _check_place(shared, bounded)
    except ShareHungError as error:
        raise StateUnavailableError(
            f"the shared state {shared} hangs: no answer within {error.deadline_s:g} s",
            typed.ours("matrix"),
        ) from None
    except ShareUnavailableError as error:
        why = _REASONS.get(error.errno or 0, f"cannot be read: {error.strerror}")
        raise _unavailable(shared, why, bounded.call(lambda: meant(shared), f"looking for {shared}")) from None
    except ValueError as error:  # a NUL in the path
        raise StateUnavailableError(f"the shared state {shared!r} is no path: {error}", typed.ours("matrix")) from None
    return snapshot


def _check_place(shared: str, bounded: BoundedShare) -> None:
    """Raise StateUnavailableError for a folder in which nobody beats and nobody should."""
    with suppress(OSError):
        wrong = bounded.call(lambda: wrong_place(shared), f"looking at {shared}")
        if wrong is not None:
            new = "" if wrong[1] else "; where the fleet is new, the first rollout makes it"
            raise _unavailable(shared, f"is no shared state: {wrong[0]}{new}", wrong[1])


def _unavailable(shared: str, why: str, right: str | None) -> StateUnavailableError:
    named = shared if shared.isprintable() and shared == shared.strip().strip("\"'") else repr(shared)
    hint = typed.elsewhere("validate", "--probe") if right is None else typed.ours("status", "--shared", right)
    return StateUnavailableError(f"the shared state {named} {why}", hint)
