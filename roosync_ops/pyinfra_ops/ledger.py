"""What is known of one machine during one run, and what was done to it: kept on pyinfra's host, gone with the run.

pyinfra evaluates every operation twice, to show what it would do and to do it, and asks its facts each time. Here a
machine is asked once, and again by the answer of whatever changed it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyinfra.api.host import Host

    from roosync_ops.remote_script.facts_model import ProbeReport, Reply
    from roosync_ops.transport.link import Failure, Link

    from .plan import Difference

_KEY = "roosync"

PYTHON: Final = "python"
ONLINE: Final = "online"
PROVED: Final = "proved"
#: What is said of a machine whose agent is replaced when its batch comes.
WAITS: Final = "its agent is replaced when its turn comes"
#: The code and the outcome of a machine that is back on the build before; and the code of one that may come to be.
ROLLED_BACK: Final = "ROLLED_BACK"
ON_TRIAL: Final = "ON_TRIAL"
#: The code of one on which another computer's build runs by now.
REPLACED: Final = "REPLACED"

CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
PLANNED: Final = "planned"
FAILED: Final = "failed"
UNREACHABLE: Final = "unreachable"
SKIPPED: Final = "skipped"
BACK: Final = "rolled-back"


@dataclass
class Ledger:
    """One machine's run. `steps` maps each step to its outcome, in the order they came up."""

    report: ProbeReport | None = None
    #: The way to it, where it was looked at by another.
    link: Link | None = None
    steps: dict[str, str] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    failure: Failure | None = None
    skipped: str | None = None
    #: There is no Python on it yet, and the inventory lets the rollout install one.
    lacks_python: bool = False
    #: Another machine makes `heartbeats/`: what that one wrote is to come here first. None where that is not settled.
    follows: bool | None = None
    round_trips: int = 0

    def consider(self, steps: tuple[str, ...], todo: tuple[str, ...]) -> None:
        """Note which of `steps` are to be done; what is done already keeps its outcome."""
        for step in steps:
            if self.steps.get(step) != CHANGED:
                self.steps[step] = PLANNED if step in todo else UNCHANGED

    def take(self, reply: Reply) -> None:
        """Note what a machine answered to a change; its new status replaces what was known."""
        for done in reply.done:
            self.steps[done.step] = CHANGED
        if self.report is not None:
            self.report = self.report.model_copy(update={"status": reply.status, "agent_sha256": reply.agent_sha256})

    def fail(self, failure: Failure) -> Failure:
        """Note why this machine goes no further. The first reason stands: what follows follows from it."""
        if self.failure is None:
            self.failure = failure
            self.steps[failure.step] = FAILED
        return self.failure


def ledger(host: Host) -> Ledger:
    """Return `host`'s ledger, opening it at the first call."""
    found: Ledger = host.connector_data.setdefault(_KEY, Ledger())
    return found
