"""Where the lab's words go: tables to stdout, explanations to stderr; with --json neither, one document comes later."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from roosync_ops.cli import output

from .board import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.judge import Validation

_UP_AND_CLEAR = "\x1b[{lines}A\x1b[J"
#: For a table that is higher than the screen: there is no going back to its first line.
_HOME_AND_CLEAR = "\x1b[H\x1b[2J"


class Screen:
    """What `play` and the console write on. `shown` keeps every table of a `quiet` screen for its document."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.is_live = not quiet and output.is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb"
        self.shown: list[Validation] = []
        self._height = 0

    @contextmanager
    def progress(self, text: str) -> Iterator[None]:
        """Show, on a terminal, what is under way while the block runs."""
        with output.Progress() as line:
            if not self.quiet:
                line.show(text)
            yield

    def say(self, text: str) -> None:
        if not self.quiet:
            output.note(text)

    def show(self, validation: Validation) -> None:
        if self.quiet:
            self.shown.append(validation)
            return
        text = text_of(validation, output.width_of(sys.stdout), color=output.wants_color(sys.stdout))
        self._height = text.count("\n") + 1
        output.write(text)

    def redraw(self, validation: Validation) -> None:
        """Show a table in the place of the last one; below it where the screen cannot go back."""
        if self.is_live:
            fits = self._height < shutil.get_terminal_size().lines
            sys.stdout.write(_UP_AND_CLEAR.format(lines=self._height) if fits else _HOME_AND_CLEAR)
        elif not self.quiet:
            output.write("")
        self.show(validation)


def is_interactive() -> bool:
    """Return True if somebody sits there who can answer a prompt."""
    return output.is_terminal(sys.stdin) and output.is_terminal(sys.stdout)
