"""The view rebuilt and our orphans swept in the replica of a machine, where the operator has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.remote_script.facts_model import Tended, parse_tended
from roosync_ops.transport.failure import Failure

from .tidy import TidyError
from .verify_via import asked

if TYPE_CHECKING:
    from roosync_ops.fleet import Machine

#: How long it may take on the machine, and with the login, a Python, and a task of a Windows logon session, in s.
_TEND_S: Final = 20.0
_ALL_S: Final = 90.0


def tend(machine: Machine, *, rebuild: bool, dry: bool, connect_timeout_s: float) -> Tended:
    """Sweep our orphans in the replica of `machine`, and `rebuild` the view. With `dry` only look. Raises TidyError."""
    what = {"do": "tend", "rebuild": rebuild, "dry": dry, "limit": _TEND_S}
    found = asked(machine, what, _ALL_S, connect_timeout_s, parse_tended)
    if isinstance(found, Failure):
        raise TidyError(f"{machine.machine_id}: {found.reason}")
    if found.problem is not None:
        raise TidyError(f"{machine.machine_id}: {found.problem[1]}")
    return found
