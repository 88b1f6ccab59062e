"""Where the shared state is read: here, or by a machine over SSH."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from roosync_ops import errors, typed
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.state import SharedState, StateUnavailableError, from_document, open_source
from roosync_ops.wire.times import now_ms

#: How long a machine may take to answer over SSH, in seconds, unless --deadline says otherwise.
_VIA_DEADLINE_S: Final = 20.0
#: How long a TCP connection to it may take, in s; and this part of the time the machine has to read, or to say how far
#: it came: the login and its answer's way take the rest.
_CONNECT_S: Final = 10.0
_READING_PART: Final = 0.7
#: How long to wait between two readings here, and of a machine over SSH, in seconds.
_HERE_POLL_S: Final = 0.5
_VIA_POLL_S: Final = 2.0


class Source:
    """Where the shared state is read. Calling it reads once and returns the state with the time it was read."""

    def __init__(self, shared: str | None, via: Machine | None, deadline_s: float | None) -> None:
        if via is None and not shared:
            raise errors.usage(
                "no shared state is named, so there is nothing to read",
                "add --shared DIR or --via MACHINE, or set ROOSYNC_SHARED_PATH",
            )
        self._read = open_source(shared or "", deadline_s) if via is None else partial(_shown_by, via, deadline_s)
        #: How long to wait between two readings, in seconds.
        self.poll_s = _HERE_POLL_S if via is None else _VIA_POLL_S

    def __call__(self) -> SharedState:
        """Read now. Raises StateUnavailableError."""
        return self._read()


def _shown_by(machine: Machine, deadline_s: float | None) -> SharedState:
    asked = now_ms()
    return from_document(read_state(machine, timeout_s=deadline_s or _VIA_DEADLINE_S), now_ms(), asked)


def read_state(machine: Machine, *, timeout_s: float) -> dict[str, Any]:
    """Return the agent's `state` document as `machine` tells it, within `timeout_s`. Raises StateUnavailableError."""
    from roosync_ops.remote_script import checks  # noqa: PLC0415 - what asks is not needed where a folder is read
    from roosync_ops.remote_script.facts_model import Reply  # noqa: PLC0415 - as above
    from roosync_ops.transport.link import Failure  # noqa: PLC0415 - as above

    from . import asking  # noqa: PLC0415 - as above

    request = checks.state_request(machine.local_dir, machine.share_deadline, _READING_PART * timeout_s)
    found = asking.each([machine], lambda one: asking.put(one, request, timeout_s, _CONNECT_S, Reply.read))
    told = found[machine.machine_id]
    document = told if isinstance(told, Failure) else checks.state_document(machine, told)
    if isinstance(document, Failure):
        if document.code not in ("NO_ANSWER", "TIMEOUT"):
            raise StateUnavailableError(f"{machine.machine_id}: {document.reason}", document.hint)
        longer = typed.ours("validate", "--deadline", f"{4 * timeout_s:g}")
        raise StateUnavailableError(f"{machine.machine_id}: {document.reason}; it may take longer", longer)
    return document


def here(shared: str | None, deadline_s: float | None) -> Source | None:
    """Return what reads this computer's own replica, None where none is named."""
    return Source(shared, None, deadline_s) if shared else None


def own_replica(source: Callable[[], SharedState] | None) -> tuple[SharedState | None, StateUnavailableError | None]:
    """Return this computer's own replica, or why it has none; neither where none is named."""
    try:
        return None if source is None else source(), None
    except StateUnavailableError as error:
        return None, error


def machine_of(fleet: Fleet, name: str) -> Machine:
    """Return the machine `--via` names. Raises CommandError (usage) where the inventory has none of that name."""
    machine = fleet.get(name.lower())
    if machine is None:
        raise errors.usage(f"--via {name}: no such machine in the inventory", "roosync-ops machines list")
    return machine
