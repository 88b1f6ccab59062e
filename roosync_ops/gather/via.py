"""The shared state through a machine that has it: for an admin machine that has no Drive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from roosync_ops.remote_script import replica
from roosync_ops.remote_script.facts_model import Reply, parse_reply
from roosync_ops.state import StateUnavailableError
from roosync_ops.transport.failure import Failure

from . import asking

if TYPE_CHECKING:
    from roosync_ops.fleet import Machine

#: How long a TCP connection may take, in s.
_CONNECT_S: Final = 10.0
#: So much of the time is kept to log in and to start: what is left the machine has to read, and to say how far it came.
_LOGIN_S: Final = 5.0


def read_state(machine: Machine, *, timeout_s: float) -> dict[str, Any]:
    """Return the agent's `state` document as `machine` tells it, within `timeout_s`. Raises StateUnavailableError."""
    found = asking.each([machine], lambda one: _asked(one, timeout_s))[machine.machine_id]
    document = found if isinstance(found, Failure) else replica.document(machine, found)
    if isinstance(document, Failure):
        more = "; it may take longer: --deadline SECONDS" if document.code in ("NO_ANSWER", "TIMEOUT") else ""
        raise StateUnavailableError(f"{machine.machine_id}: {document.reason}{more}", document.hint)
    return document


def _asked(machine: Machine, timeout_s: float) -> Reply | Failure:
    request = replica.request(machine.local_dir, machine.share_deadline, max(timeout_s / 2, timeout_s - _LOGIN_S))
    with asking.way_to(machine, timeout_s, _CONNECT_S) as link:
        return asking.answer(machine, link, request, timeout_s, lambda lines, _, __: parse_reply(lines))
