"""The lab as its operator has it: the validation table, read and judged as `roosync-ops validate` does, and commands.

Tables go to stdout, explanations to stderr; with --json neither, one document comes later. `roosync-ops` itself is run
in a process of its own: pyinfra replaces its process's sockets and threads.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from roosync_ops import process, show
from roosync_ops.cli import output
from roosync_ops.cli.looking import wait_for
from roosync_ops.gather.limits import silently
from roosync_ops.gather.source import Source
from roosync_ops.judge import Validation, validate
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S

from .faults import LabError

if TYPE_CHECKING:
    from .fleet import LabFleet

#: Between two readings while something is waited for, in seconds.
_POLL_S = 0.1
#: How long one command may take, in seconds; on two cores a rollout takes a few.
TIMEOUT_S = 120.0


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


def run(lab: LabFleet, words: Sequence[str], *, capture: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Run `roosync-ops WORDS` on the lab; with `capture` its standard output comes back. Raises LabError."""
    try:
        return subprocess.run(  # noqa: S603 - our own command
            process.ours(*words),
            cwd=lab.root,
            env=_environment(lab),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"roosync-ops {shlex.join(words)} took longer than {TIMEOUT_S:g} s") from None


def paste_lines(lab: LabFleet) -> str:
    """Return what to type in a second terminal. After the first line every command means the lab and nothing else."""
    machine = next(part.name for part in lab.parts if part.powered)
    return "\n".join(
        (
            f'  cd {shlex.quote(str(lab.root))} && export ROOSYNC_SHARED_PATH="$PWD/{lab.shared.name}"',
            "  roosync-ops validate",
            "  roosync-ops rollout --limit enroll",
            "  pyinfra inventory.py --limit active exec -- hostname",
            f"  ssh -F ssh/config {machine}",
            f"  ssh -F ssh/config {machine} agent status",
            f"  roosync-ops lab fault hang {machine}",
        )
    )


def _environment(lab: LabFleet) -> dict[str, str]:
    """The command carries the lab's mark, so that it ends with the lab; it runs the code that runs here."""
    temporary = str(lab.temporary)
    places = dict.fromkeys(("TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"), temporary)
    places["ROOSYNC_SHARED_PATH"] = str(lab.shared)
    # The operator's own keys are none of the lab's business.
    return process.our_environment("SSH_AUTH_SOCK", **places, **dict([lab.mark]))
