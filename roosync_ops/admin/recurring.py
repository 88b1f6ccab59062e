"""What is run again and again on this computer; systemd, cron or the Task Scheduler does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from roosync_ops.errors import USAGE, RoosyncError


@dataclass(frozen=True)
class Job:
    """A command and how often it is run, in minutes. `key` tells it from others; `folder` is its own local one.

    Nothing in the command is a secret: every user of the computer can read it.
    """

    key: str
    command: tuple[str, ...]
    every_min: int
    folder: Path


class RecurringError(RoosyncError):
    """It cannot be installed, asked for or removed here."""

    code = "NOT_SCHEDULED"
    exit_code = USAGE


class JobScheduler(Protocol):
    """One way to run a job again and again. All but `name`, `unavailable` and `note` may raise RecurringError."""

    kind: ClassVar[str]

    def name(self, job: Job) -> str: ...

    def unavailable(self) -> str | None:
        """Return why this computer has it not, None where it has."""

    def texts(self, job: Job) -> Mapping[str, str]:
        """Return the files or lines that a job takes, by their names."""

    def state(self, job: Job) -> str:
        """Return installed, disabled, changed (what is there is not what would be installed now) or absent."""

    def put(self, job: Job) -> None: ...

    def take(self, job: Job) -> None: ...

    def note(self) -> str | None:
        """Return what a person has to know about when it runs."""
        return None

    def install(self, job: Job) -> bool:
        """Return True if that changed anything."""
        if self.state(job) == "installed":
            return False
        self.put(job)
        return True

    def remove(self, job: Job) -> bool:
        """Return True if that changed anything."""
        if self.state(job) == "absent":
            return False
        self.take(job)
        return True
