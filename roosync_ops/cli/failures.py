"""From an exception to one sentence, the next command to type, and an exit code."""

import json
import traceback
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import typer

from roosync_ops import errors, typed
from roosync_ops.errors import RoosyncError

from . import output


def describe(error: BaseException) -> RoosyncError:
    """Return what to say about `error`, and the exit code it earns."""
    if isinstance(error, typer.Abort):
        return errors.describe(KeyboardInterrupt())
    if isinstance(error, typer.TyperException):
        # In words that are about what was typed, and not about its validator.
        said = error.format_message().replace("Value error, ", "").replace("Input should be", "must be")
        context = getattr(error, "ctx", None)
        return errors.CommandError("USAGE", said, context and f"{context.command_path} --help", error.exit_code)
    return errors.describe(error)


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Say on stderr what went wrong (with --json on stdout as well, as one document) and return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else errors.OK
    if type(error).__name__ == "NoArgsIsHelpError":  # its text is the help, and is shown already
        output.note(str(error))
        return errors.USAGE
    failure = _of_probe(describe(error), arguments)
    if failure.exit_code == errors.INTERNAL:
        traceback.print_exception(error)
    if failure.exit_code == errors.INTERRUPTED:
        return errors.INTERRUPTED
    output.note(f"Error: {output.spoken(failure.reason, of_agents=failure.exit_code != errors.USAGE)}")
    if failure.hint:
        output.note(f"Next:  {typed.own(failure.hint)}")
    # From the bare command line: it may be what could not be parsed.
    if "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairwise(arguments):
        output.write(json.dumps({"ok": False, "error": document(failure)}))
    return failure.exit_code


def _of_probe(failure: RoosyncError, arguments: Sequence[str]) -> RoosyncError:
    """Return what is wrong with the word behind `--probe` where that is it: it was taken for a machine's name."""
    for before, word in pairwise(arguments):
        if before == "--probe" and failure.reason.startswith(
            (f"{word}: no such", f"Got unexpected extra argument(s) ({word}")
        ):
            said = f"--probe {word}: give auto, always or never; {word} is no machine of the inventory either"
            return errors.usage(said, failure.hint)
    return failure


def delivered(code: int) -> int:
    """Return `code`; or, where it is a verdict that stdout did not take, the code of what was not delivered."""
    trouble = output.undelivered()
    if trouble is None or code not in (errors.OK, errors.NOT_AS_EXPECTED):
        return code
    output.note(f"Error: standard output could not be written: {trouble.strerror}")
    return errors.NOT_DELIVERED


def document(failure: RoosyncError) -> dict[str, Any]:
    """Return what --json says of a failure."""
    return {"code": failure.code, "message": failure.reason, "hint": failure.hint and typed.own(failure.hint)}
