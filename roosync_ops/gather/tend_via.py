"""The view rebuilt and our orphans swept in the replica of a machine, where the operator has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from roosync_ops.remote_script.facts_model import Tended

from . import look as looks
from .tidy import TidyError

if TYPE_CHECKING:
    from roosync_ops.fleet import Machine

#: How long it may take on the machine, and with the login, a Python, and a task of a Windows logon session, in s.
_TEND_S: Final = 20.0
_ALL_S: Final = 90.0


def tend(machine: Machine, *, rebuild: bool, dry: bool, connect_timeout_s: float) -> Tended:
    """Sweep our orphans in the replica of `machine`, and `rebuild` the view. With `dry` only look. Raises TidyError."""
    heard: list[dict[str, Any]] = []
    what = {"do": "tend", "rebuild": rebuild, "dry": dry, "limit": _TEND_S}
    reason = looks.ask([machine], {"verify": what}, _ALL_S, connect_timeout_s, heard.append)
    if not heard:
        raise TidyError(f"{machine.machine_id}: the process that ran pyinfra ended early: {reason}")
    if heard[0]["failure"] is not None:
        raise TidyError(f"{machine.machine_id}: {heard[0]['failure']['reason']}")
    try:
        found = Tended.model_validate(heard[0].get("measured"))
    except ValidationError as error:
        raise TidyError(f"{machine.machine_id}: its answer is not what ours would be: {error!s:.120}") from None
    if found.problem is not None:
        raise TidyError(f"{machine.machine_id}: {found.problem[1]}")
    return found
