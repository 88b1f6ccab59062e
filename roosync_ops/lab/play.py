"""The procedure, played: one machine is active, three are enrolled by the real rollout, two are switched off.

Tables, read and judged as `roosync-ops validate` does, go to stdout, explanations to stderr; with --json neither, one
document comes later. `roosync-ops` itself is run in a process of its own: pyinfra replaces its process's sockets and
threads.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roosync_ops import process, show
from roosync_ops.cli import output
from roosync_ops.cli.looking import wait_for
from roosync_ops.gather.limits import silently
from roosync_ops.gather.source import Source
from roosync_ops.judge import Validation, validate
from roosync_ops.remote_script.on_common import parse_last_line
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S

from .faults import LabError
from .scenario import HEARTBEAT_INTERVAL_MS, OFFLINE_TIMEOUT_MS

if TYPE_CHECKING:
    from .fleet import LabFleet

#: Between two readings while something is waited for, in seconds.
_POLL_S = 0.1
#: How long one command may take, in seconds; on two cores a rollout takes a few.
TIMEOUT_S = 120.0
#: The group whose machines the rollout is for.
ENROLL = "enroll"
#: How long the table may take to become what it is expected to be, in seconds: several beats and their replication.
PATIENCE_S = 15.0


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
        output.write(show.table(validation, output.style()))


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
    root, ours = (shlex.quote(str(path)) for path in (lab.root, Path(sys.executable).parent))
    return _text("paste").format(root=root, shared=lab.shared.name, machine=machine, bin=ours)


def _environment(lab: LabFleet) -> dict[str, str]:
    """The command carries the lab's mark, so that it ends with the lab; it runs the code that runs here."""
    temporary = str(lab.temporary)
    places = dict.fromkeys(("TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"), temporary)
    places["ROOSYNC_SHARED_PATH"] = str(lab.shared)
    # The operator's own keys are none of the lab's business.
    return process.our_environment("SSH_AUTH_SOCK", **places, **dict([lab.mark]))


@dataclass(frozen=True)
class Outcome:
    """What the play came to, and how many seconds it took. `rollout` is its JSON report where one was asked for."""

    before: Validation
    after: Validation
    rollout: dict[str, Any] | None
    rollout_code: int
    seconds: float

    @property
    def ok(self) -> bool:
        return self.after.ok and self.rollout_code == 0


def play(lab: LabFleet, board: Board, screen: LabScreen) -> Outcome:
    """Play the procedure on a fleet that has just started. Raises LabError, StateUnavailableError."""
    began = time.monotonic()
    screen.say(introduction(lab))
    active = sum(part.group == "active" for part in lab.parts)
    with screen.progress("starting the agent that is active already, and waiting for its first heartbeat"):
        activate(lab)
        before = board.wait(lambda validation: validation.online == active, PATIENCE_S)
    if before.online != active:
        raise LabError(f"{before.online} of the {active} machines that are active already were seen online")
    screen.say("\n1. Before: one machine is active, two are off, three are to be enrolled.\n")
    screen.show(before)
    command = rollout_command(lab)
    # Broken before each of its long options; it can be pasted as it stands.
    shown = re.sub(" (--inventory|--shared)", r" \\\n    \1", shlex.join(command))
    screen.say(f"\n2. The rollout, as you would type it:\n\n  roosync-ops {shown}\n")
    rollout = run(lab, [*command, *(["--json"] if screen.quiet else [])], capture=screen.quiet)
    with screen.progress("waiting for the table to be as expected"):
        # A rollout that failed has said so; the table will not mend itself.
        after = board.wait(lambda validation: validation.ok, 0.0 if rollout.returncode else PATIENCE_S)
    report = parse_last_line((rollout.stdout or b"").decode())
    outcome = Outcome(before, after, report, rollout.returncode, time.monotonic() - began)
    if not outcome.ok:
        # Otherwise the rollout has just shown this same table.
        screen.say("\n3. After:\n")
        screen.show(after)
    return outcome


def introduction(lab: LabFleet) -> str:
    """Return what a person sees here, in a few lines."""
    (low, high), beat, timeout = lab.lag_s, HEARTBEAT_INTERVAL_MS // 1000, OFFLINE_TIMEOUT_MS // 1000
    facts = {"low": low, "high": high, "beat": beat, "timeout": timeout, "warning": timeout * 3 // 4}
    return _text("introduction").format(count=len(lab.names), root=lab.root, **facts)


def _text(name: str) -> str:
    return Path(__file__).with_name(f"{name}.txt").read_text("utf-8").rstrip()


def activate(lab: LabFleet) -> None:
    """Start the agents that were there before the play begins. Raises LabError."""
    for part in lab.parts:
        if part.group == "active":
            lab.activate(part.name)


def rollout_command(lab: LabFleet) -> list[str]:
    """Return the words behind `roosync-ops` that enrol the machines that are to be enrolled."""
    return ["rollout", "--limit", ENROLL, "--inventory", str(lab.inventory), "--shared", str(lab.shared)]
