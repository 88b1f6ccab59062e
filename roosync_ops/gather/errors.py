"""From an exception to one sentence, the next command to type, and an exit code."""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

OK: Final = 0
NOT_AS_EXPECTED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
#: A defect of ours. Not 1: a crash must never read as a verdict about the fleet.
INTERNAL: Final = 70


class Failure(NamedTuple):
    """What went wrong, for people and for programs. `hint` is the next command to type, or None."""

    code: str
    message: str
    hint: str | None
    exit_code: int


class CommandError(Exception):
    """A command cannot go on. `code` is for programs (UPPER_SNAKE), `message` one sentence, `hint` the next command."""

    def __init__(self, code: str, message: str, hint: str | None = None, exit_code: int = NOT_AS_EXPECTED) -> None:
        super().__init__(message)
        self.failure = Failure(code, message, hint, exit_code)


def usage(message: str, hint: str | None = None) -> CommandError:
    """Return the error for a question that makes no sense."""
    return CommandError("USAGE", message, hint, USAGE)


def describe(error: BaseException) -> Failure:
    """Return what to say about `error`, and the exit code it earns; what no room here raises is a defect of ours."""
    if isinstance(error, CommandError):
        return error.failure
    known = _from_below(error)
    if known is not None:
        return known
    return Failure("INTERNAL", f"{type(error).__name__}: {error}", "report it with the lines above", INTERNAL)


def _from_below(error: BaseException) -> Failure | None:
    """Name the errors of the rooms below. A room that was never imported cannot have raised one."""
    rooms = sys.modules
    fleet = rooms.get("roosync_ops.fleet.machine")
    if fleet is not None and isinstance(error, fleet.FleetError):
        return Failure("INVENTORY", str(error), error.hint, USAGE)
    state = rooms.get("roosync_ops.state.errors")
    if state is not None and isinstance(error, state.StateUnavailableError):
        return Failure("SHARED_STATE_UNAVAILABLE", error.reason, error.hint, UNAVAILABLE)
    via = rooms.get("roosync_ops.gather.via")
    if via is not None and isinstance(error, via.ViaError):
        return Failure("SHARED_STATE_UNAVAILABLE", error.reason, error.hint, UNAVAILABLE)
    return None
