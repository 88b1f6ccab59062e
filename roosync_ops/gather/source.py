"""Where the shared state is read: a folder, or a machine over SSH."""

import sys
import threading
from typing import Any, Final

from roosync_ops import errors, typed
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.state import SharedState, StateUnavailableError, from_document, read_folder
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, FIRST_READING_S, BoundedShare
from roosync_ops.wire.times import now_ms

#: How long a machine may take to answer over SSH, in seconds, unless --deadline says otherwise.
_VIA_DEADLINE_S: Final = 20.0
#: How long a TCP connection to it may take, in s; and this part of the time the machine has to read, or to say how far
#: it came: the login and its answer's way take the rest.
_CONNECT_S: Final = 10.0
_READING_PART: Final = 0.7
#: How long to wait between two readings of a folder, and of a machine over SSH, in seconds.
_FOLDER_POLL_S: Final = 0.5
_VIA_POLL_S: Final = 2.0


class Source:
    """Where the shared state is read. Calling it reads once and returns the state with the time it was read.

    By one call at a time: however long a share hangs and however often it is asked, that is one thread.
    """

    def __init__(self, shared: str | None, via: Machine | None, deadline_s: float | None) -> None:
        if via is None and not shared:
            raise errors.usage(
                "no shared state is named, so there is nothing to read",
                "add --shared DIR or --via MACHINE, or set ROOSYNC_SHARED_PATH",
            )
        self._shared = shared or ""
        self._via = via
        here = FIRST_READING_S if sys.platform == "win32" else DEFAULT_DEADLINE_S
        self._deadline_s = deadline_s or (here if via is None else _VIA_DEADLINE_S)
        self._bounded = BoundedShare(self._deadline_s)
        self._turn = threading.Lock()

    @property
    def poll_s(self) -> float:
        """How long to wait between two readings, in seconds."""
        return _FOLDER_POLL_S if self._via is None else _VIA_POLL_S

    def __call__(self) -> SharedState:
        """Read now. Raises StateUnavailableError."""
        if self._via is not None:
            asked = now_ms()
            return from_document(read_state(self._via, timeout_s=self._deadline_s), now_ms(), asked)
        # The time before the reading: a slow share must not make what is read from it look older than it is.
        with self._turn:
            return read_folder(self._shared, now_ms(), self._deadline_s, self._bounded)


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


def own_replica(
    shared: str | None, deadline_s: float | None, source: Source | None = None
) -> tuple[SharedState | None, StateUnavailableError | None]:
    """Return this computer's own replica, or why it has none; neither where none is named.

    Who looks again and again passes the same `source`: a share that hangs then costs one thread in all.
    """
    if not shared:
        return None, None
    try:
        return (source or Source(shared, None, deadline_s))(), None
    except StateUnavailableError as error:
        return None, error


def machine_of(fleet: Fleet, name: str) -> Machine:
    """Return the machine `--via` names. Raises CommandError (usage) where the inventory has none of that name."""
    machine = fleet.get(name.lower())
    if machine is None:
        raise errors.usage(f"--via {name}: no such machine in the inventory", "roosync-ops machines list")
    return machine
