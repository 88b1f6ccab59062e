"""A task that runs once in the user's logon session, with the ordinary token, and is gone whatever became of it."""

from __future__ import annotations

from roosync_ops.agent.errors import LocalError, no_session

from . import task_xml
from .schtasks import HAS_NOT_RUN, NO_SESSION, QUEUED, RUNNING, Scheduler
from .task_folder import remove_if_empty
from .task_program import FOLDER, task_name


class OneShot:
    """`with` it nothing stays, neither the task nor its folder. Raises LocalError, and CodedError without a session."""

    def __init__(self, what: str, local_dir: str, scheduler: Scheduler | None = None) -> None:
        self.scheduler = scheduler or Scheduler()
        self._name = task_name(what, local_dir)
        self._folder = local_dir

    def __enter__(self) -> OneShot:  # noqa: PYI034 - Python 3.9 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        try:  # noqa: SIM105 - contextlib is memory held for months
            self.scheduler.delete(self._name)
        except LocalError:
            pass  # never made
        remove_if_empty(FOLDER)

    def run(self, program: task_xml.Program) -> None:
        """Register the task and start it."""
        self.scheduler.create(self._name, task_xml.one_shot(program), self._folder)
        try:
            self.scheduler.run(self._name)
        except LocalError:
            self.has_ended()
            raise

    def has_ended(self) -> bool:
        """Return True if it has run and runs no more."""
        result = self.scheduler.last_result(self._name)
        if result in NO_SESSION:
            raise no_session()
        return result not in (RUNNING, HAS_NOT_RUN, QUEUED)

    def has_not_run(self) -> bool:
        return self.scheduler.last_result(self._name) == HAS_NOT_RUN
