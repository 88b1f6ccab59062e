"""What --fix may do in a replica: rebuild the view, and sweep orphans among our temporary files.

What is done is in on_tidy, here in the operator's own replica, or on a machine where the operator has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from roosync_ops.remote_script import on_tidy
from roosync_ops.remote_script.facts_model import Tended, parse_tended
from roosync_ops.transport.failure import Failure
from roosync_ops.wire.deadline import BoundedShare, ShareHungError

from .asking import about_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from roosync_ops.fleet import Machine

T = TypeVar("T")

#: How long it may take on the machine, and with the login, a Python, and a task of a Windows logon session, in s.
_TEND_S: Final = 20.0
_ALL_S: Final = 90.0


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


def tend(machine: Machine, *, rebuild: bool, dry: bool, connect_timeout_s: float) -> Tended:
    """Sweep our orphans in the replica of `machine`, and `rebuild` the view. With `dry` only look. Raises TidyError."""
    what = {"do": "tend", "rebuild": rebuild, "dry": dry, "limit": _TEND_S}
    found = about_share(machine, what, _ALL_S, connect_timeout_s, parse_tended)
    if isinstance(found, Failure):
        raise TidyError(f"{machine.machine_id}: {found.reason}")
    if found.problem is not None:
        raise TidyError(f"{machine.machine_id}: {found.problem[1]}")
    return found
