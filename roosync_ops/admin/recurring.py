"""What is run again and again on this computer, and the three that can do it: systemd, cron, the Task Scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from roosync_ops.errors import USAGE, RoosyncError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Job:
    """A command and how often it is run, in minutes. `key` tells it from others; `folder` is its own local one.

    Nothing in the command is a secret: everybody on the computer can read it.
    """

    key: str
    command: tuple[str, ...]
    every_min: int
    folder: Path


class RecurringError(RoosyncError):
    """It cannot be installed, asked for or removed here."""

    code = "NOT_SCHEDULED"
    exit_code = USAGE


class Mechanism(Protocol):
    """One way to run a job again and again. All but `kind`, `name`, `unavailable` and `texts` raise RecurringError.

    `texts` are the files or lines it takes, by their names. `install` and `remove` tell whether they changed anything.
    `state` is one word: installed, disabled, changed (what is there is not what would be installed now) or absent.
    """

    kind: str

    def name(self, job: Job) -> str: ...

    def unavailable(self) -> str | None: ...

    def texts(self, job: Job) -> Mapping[str, str]: ...

    def install(self, job: Job) -> bool: ...

    def remove(self, job: Job) -> bool: ...

    def state(self, job: Job) -> str: ...

    def note(self) -> str | None: ...
