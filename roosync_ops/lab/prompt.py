"""Commands one after the other: from `--do`, or from a person at the prompt."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from .console import HELP
from .ctrl_c import audible
from .fleet import LabError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .console import Console, Screen

PROMPT = "lab> "


def run_script(console: Console, screen: Screen, script: str) -> bool:
    """Run a line of commands and stop at the first that fails; tell whether none did."""
    try:
        console.run(script)
    except LabError as error:
        screen.say(f"Error: {error}")
        return False
    return True


def run_prompt(console: Console, screen: Screen, ask: Callable[[str], str] = input) -> None:
    """Take commands until `quit` or the end of input. Ctrl-C ends a `watch`; at the prompt it is the caller's."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - gives `input` its line editing; not every Python has it

    screen.say(f"\nThe fleet is yours:\n{HELP}\n")
    while not console.ended:
        try:
            with audible():
                line = ask(PROMPT)
        except EOFError:
            screen.say("")
            return
        _run_line(console, screen, line)


def _run_line(console: Console, screen: Screen, line: str) -> None:
    try:
        console.run(line)
    except LabError as error:
        screen.say(f"Error: {error}")
    except KeyboardInterrupt:
        screen.say("")
