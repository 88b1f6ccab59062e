"""The validation table of the lab, read, judged and shown as `roosync-ops validate` does, and where words go.

Tables go to stdout, explanations to stderr; with --json neither, one document comes later.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from roosync_ops import show
from roosync_ops.cli import output
from roosync_ops.cli.looking import wait_for
from roosync_ops.gather.limits import silently
from roosync_ops.gather.source import Source
from roosync_ops.judge import Validation, validate
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S

from .fleet import LabFleet

#: Between two readings while something is waited for, in seconds.
_POLL_S = 0.1


class Board:
    """Reads the admin machine's replica of a lab, again and again."""

    def __init__(self, lab: LabFleet) -> None:
        self._lab = lab
        self._read = Source(str(lab.shared), None, DEFAULT_DEADLINE_S)

    def check(self) -> Validation:
        """Read and judge now. Raises StateUnavailableError."""
        state = self._read()
        return validate(self._lab.fleet, state, state.read_at_ms)

    def wait(self, holds: Callable[[Validation], bool], seconds: float) -> Validation:
        """Return the first validation that `holds`, or the last one within `seconds`."""
        return wait_for(self.check, holds, seconds, _POLL_S, silently)


class LabScreen:
    """What `play` and the console write on. `shown` keeps every table of a `quiet` screen for its document."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.shown: list[Validation] = []

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
        output.write(show.table(validation, "en", output.width(), color=output.wants_color()))
