"""From an exception to one sentence, the next command to type, and an exit code."""

from __future__ import annotations

import json
import sys
import traceback
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer

from . import output

if TYPE_CHECKING:
    from collections.abc import Sequence

OK: Final = 0
NOT_AS_EXPECTED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
#: A defect of ours. Not 1: a crash must never read as a verdict about the fleet.
INTERNAL: Final = 70
INTERRUPTED: Final = 130


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
    """Return the error for a command line that makes no sense."""
    return CommandError("USAGE", message, hint, USAGE)


def describe(error: BaseException) -> Failure:
    """Return what to say about `error`, and the exit code it earns."""
    if isinstance(error, CommandError):
        return error.failure
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return Failure("INTERRUPTED", "interrupted", None, INTERRUPTED)
    if isinstance(error, typer.TyperException):
        return Failure("USAGE", error.format_message(), _help_of(error), error.exit_code)
    known = _from_below(error)
    if known is not None:
        return known
    return Failure("INTERNAL", f"{type(error).__name__}: {error}", "report it with the lines above", INTERNAL)


def _help_of(error: Any) -> str | None:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context is not None else None


def _from_below(error: BaseException) -> Failure | None:
    """Name the errors of the rooms below. A room that was never imported cannot have raised one."""
    rooms = sys.modules
    fleet = rooms.get("roosync_ops.fleet.machine")
    if fleet is not None and isinstance(error, fleet.FleetError):
        return Failure("INVENTORY", str(error), "roosync-ops machines check", USAGE)
    state = rooms.get("roosync_ops.state.errors")
    if state is not None and isinstance(error, state.StateUnavailableError):
        return Failure("SHARED_STATE_UNAVAILABLE", error.reason, error.hint, UNAVAILABLE)
    via = rooms.get("roosync_ops.remote.via")
    if via is not None and isinstance(error, via.ViaError):
        return Failure("SHARED_STATE_UNAVAILABLE", error.reason, error.hint, UNAVAILABLE)
    return None


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Say on stderr what went wrong (with --json on stdout as well, as one document) and return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else OK
    if type(error).__name__ == "NoArgsIsHelpError":  # its text is the help, and is shown already
        output.note(str(error))
        return USAGE
    failure = describe(error)
    if failure.exit_code == INTERNAL:
        traceback.print_exception(error)
    if failure.exit_code == INTERRUPTED:
        return INTERRUPTED
    output.note(f"Error: {failure.message}")
    if failure.hint:
        output.note(f"Next:  {failure.hint}")
    if wants_json(arguments):
        output.write(as_json(failure))
    return failure.exit_code


def wants_json(arguments: Sequence[str]) -> bool:
    """Tell from the bare command line whether JSON was asked for: it may be what could not be parsed."""
    return "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def as_json(failure: Failure) -> str:
    """Return the one document that --json prints for a failure."""
    error = {"code": failure.code, "message": failure.message, "hint": failure.hint}
    return json.dumps({"ok": False, "error": error})
