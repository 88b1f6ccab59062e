"""The procedure, played: one machine is active, three are enrolled by the real rollout, two are switched off."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roosync_ops.judge import Validation

from .board import Board, LabScreen, run
from .faults import LabError
from .host import document_in
from .scenario import HEARTBEAT_INTERVAL_MS, OFFLINE_TIMEOUT_MS

if TYPE_CHECKING:
    from .fleet import LabFleet

#: The group whose machines the rollout is for.
ENROLL = "enroll"
#: How long the table may take to become what it is expected to be, in seconds: several beats and their replication.
PATIENCE_S = 15.0


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
    screen.say(f"\n2. The rollout, as you would type it:\n\n{_paste(command)}\n")
    rollout = run(lab, [*command, *(["--json"] if screen.quiet else [])], capture=screen.quiet)
    with screen.progress("waiting for the table to be as expected"):
        # A rollout that failed has said so; the table will not mend itself.
        after = board.wait(lambda validation: validation.ok, 0.0 if rollout.returncode else PATIENCE_S)
    outcome = Outcome(before, after, document_in(rollout.stdout), rollout.returncode, time.monotonic() - began)
    if not outcome.ok:
        # Otherwise the rollout has just shown this same table.
        screen.say("\n3. After:\n")
        screen.show(after)
    return outcome


def introduction(lab: LabFleet) -> str:
    """Return what a person sees here, in a few lines."""
    low, high = lab.lag_s
    beat, timeout = HEARTBEAT_INTERVAL_MS // 1000, OFFLINE_TIMEOUT_MS // 1000
    warning = timeout * 3 // 4
    return (
        f"A fleet of {len(lab.names)} machines on this computer, in {lab.root}\n"
        "  Each is a real SSH server on 127.0.0.1 with a name, a home and a replica of\n"
        f"  the shared folder of its own; what one writes, others see {low:.2g} to {high:.2g} s later.\n"
        f"  A heartbeat every {beat} s, warning after {warning} s, offline after {timeout} s: faster than\n"
        "  in the field (30, 90 and 120 s), so that it can be watched."
    )


def activate(lab: LabFleet) -> None:
    """Start the agents that were there before the play begins. Raises LabError."""
    for part in lab.parts:
        if part.group == "active":
            lab.activate(part.name)


def rollout_command(lab: LabFleet) -> list[str]:
    """Return the words behind `roosync-ops` that enrol the machines that are to be enrolled."""
    return ["rollout", "--limit", ENROLL, "--inventory", str(lab.inventory), "--shared", str(lab.shared)]


def _paste(command: list[str]) -> str:
    """Break a command before each of its long options; it can be pasted as it stands."""
    return "  roosync-ops " + shlex.join(command).replace(" --inventory", " \\\n    --inventory").replace(
        " --shared", " \\\n    --shared"
    )
