"""What --fix may do in the operator's own replica: rebuild the view, and sweep orphans among our temporary files.

What is done is in on_tidy, which machines do as well where the operator has no replica.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from roosync_ops.remote_script import on_tidy
from roosync_ops.wire.deadline import BoundedShare, ShareHungError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class TidyError(Exception):
    """It could not be done: one sentence."""


def orphans(shared: str, now_s: float, deadline_s: float) -> tuple[str, ...]:
    """Return the orphans in `shared`, relative to it, in order. Raises TidyError."""
    return _bounded(shared, deadline_s, lambda: tuple(sorted(on_tidy.found(shared, now_s))))


def sweep(shared: str, now_s: float, deadline_s: float) -> tuple[str, ...]:
    """Remove the orphans in `shared`; return those that are gone now. Raises TidyError."""
    return _bounded(shared, deadline_s, lambda: on_tidy.swept(shared, now_s))


def rebuild_view(shared: str, now_ms: int, deadline_s: float) -> int:
    """Write `heartbeat.json` anew from all that is there; return how many machines it holds. Raises TidyError.

    A view that is there and cannot be read is set aside beside it, under one name, before it is replaced.
    """
    return _bounded(shared, deadline_s, lambda: on_tidy.rebuilt(shared, now_ms))


def _bounded(shared: str, deadline_s: float, work: Callable[[], T]) -> T:
    try:
        return BoundedShare(deadline_s).call(work, f"tidying {shared}")
    except ShareHungError as error:
        raise TidyError(f"{shared} gave no answer within {error.deadline_s:g} s") from None
    except OSError as error:
        raise TidyError(f"{error.filename or shared}: {error.strerror or error}") from None
