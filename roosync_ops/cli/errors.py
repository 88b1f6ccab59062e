"""From an exception to one sentence, the next command to type, and an exit code."""

from __future__ import annotations

import json
import traceback
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import typer

from roosync_ops import errors as below
from roosync_ops import typed
from roosync_ops.errors import (
    INTERNAL,
    INTERRUPTED,
    NOT_AS_EXPECTED,
    NOT_DELIVERED,
    OK,
    UNAVAILABLE,
    USAGE,
    CommandError,
    Failure,
    usage,
)

from . import output

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "INTERNAL",
    "INTERRUPTED",
    "NOT_AS_EXPECTED",
    "NOT_DELIVERED",
    "OK",
    "UNAVAILABLE",
    "USAGE",
    "CommandError",
    "Failure",
    "as_json",
    "delivered",
    "describe",
    "document",
    "report",
    "usage",
    "wants_json",
]


def describe(error: BaseException) -> Failure:
    """Return what to say about `error`, and the exit code it earns."""
    if isinstance(error, typer.Abort):
        return below.describe(KeyboardInterrupt())
    if isinstance(error, typer.TyperException):
        return Failure("USAGE", _plain(error.format_message()), _help_of(error), error.exit_code)
    return below.describe(error)


def _plain(message: str) -> str:
    """Return what typer says in words that are about what was typed, and not about its validator."""
    return message.replace("Value error, ", "").replace("Input should be", "must be")


def _help_of(error: Any) -> str | None:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context is not None else None


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Say on stderr what went wrong (with --json on stdout as well, as one document) and return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else OK
    if type(error).__name__ == "NoArgsIsHelpError":  # its text is the help, and is shown already
        output.note(str(error))
        return USAGE
    failure = _of_probe(describe(error), arguments)
    if failure.exit_code == INTERNAL:
        traceback.print_exception(error)
    if failure.exit_code == INTERRUPTED:
        return INTERRUPTED
    output.note(f"Error: {failure.message}")
    if failure.hint:
        output.note(f"Next:  {typed.own(failure.hint)}")
    if wants_json(arguments):
        output.write(as_json(failure))
    return failure.exit_code


def _of_probe(failure: Failure, arguments: Sequence[str]) -> Failure:
    """Return what is wrong with the word behind `--probe` where that is it: it was taken for a machine's name."""
    for before, word in pairwise(arguments):
        if before == "--probe" and failure.message.startswith(
            (f"{word}: no such", f"Got unexpected extra argument(s) ({word}")
        ):
            said = f"--probe {word}: give auto, always or never; {word} is no machine of the inventory either"
            return failure._replace(code="USAGE", message=said)
    return failure


def delivered(code: int) -> int:
    """Return `code`; or, where it is a verdict that stdout did not take, the code of what was not delivered."""
    trouble = output.undelivered()
    if trouble is None or code not in (OK, NOT_AS_EXPECTED):
        return code
    output.note(f"Error: standard output could not be written: {trouble.strerror}")
    return NOT_DELIVERED


def wants_json(arguments: Sequence[str]) -> bool:
    """Tell from the bare command line whether JSON was asked for: it may be what could not be parsed."""
    return "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def document(failure: Failure) -> dict[str, Any]:
    """Return what --json says of a failure."""
    return {"code": failure.code, "message": failure.message, "hint": failure.hint and typed.own(failure.hint)}


def as_json(failure: Failure) -> str:
    """Return the one document that --json prints where there is nothing else to print."""
    return json.dumps({"ok": False, "error": document(failure)})
