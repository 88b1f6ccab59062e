"""The one family of errors: fields for programs and people alike; what is printed is made of them, where it is printed.

A room's own error is a class here or there that says its `code` and `exit_code` once.
"""

from typing import Final

OK: Final = 0
NOT_AS_EXPECTED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
#: What was found is not where it was to go: a report that was not posted, a stdout that could not be written.
NOT_DELIVERED: Final = 4
#: A defect of ours. Not 1: a crash must never read as a verdict about the fleet.
INTERNAL: Final = 70
INTERRUPTED: Final = 130


class RoosyncError(Exception):
    """`code` is for programs (UPPER_SNAKE), `reason` one sentence, `hint` the next command to type."""

    code: str = "FAILED"
    exit_code: int = NOT_AS_EXPECTED
    hint: str | None = None

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint or self.hint


class CommandError(RoosyncError):
    """A command cannot go on."""

    def __init__(self, code: str, reason: str, hint: str | None = None, exit_code: int = NOT_AS_EXPECTED) -> None:
        super().__init__(reason, hint)
        self.code = code
        self.exit_code = exit_code


def usage(reason: str, hint: str | None = None) -> CommandError:
    """Return the error for a question that makes no sense."""
    return CommandError("USAGE", reason, hint, USAGE)


def describe(error: BaseException) -> RoosyncError:
    """Return what to say about `error`, and the exit code it earns; what is not of the family is a defect of ours."""
    if isinstance(error, RoosyncError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return CommandError("INTERRUPTED", "interrupted", None, INTERRUPTED)
    return CommandError("INTERNAL", f"{type(error).__name__}: {error}", "report it with the lines above", INTERNAL)
