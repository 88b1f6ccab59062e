"""A scheduled task of this user, on Windows: in the logon session, where the drive of the shared state is mounted."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Final

from roosync_ops.agent.errors import LocalError
from roosync_ops.agent.permanence import task_xml
from roosync_ops.agent.permanence.schtasks import Scheduler, remove_if_empty, user_name
from roosync_ops.agent.permanence.task import FOLDER

from .recurring import Job, JobScheduler, RecurringError

_TRIGGER: Final = Path(__file__).with_name("schedule.xml").read_text("utf-8")
#: A run is bounded by itself; this is for one that hangs in the kernel.
_LIMIT: Final = "PT30M"
_WHAT: Final = "roosync-ops: validate the fleet, refresh the dashboard, notify on flips"
_HINT: Final = "schtasks /Query /TN \\roosync-ops\\ /V /FO LIST"


class Tasks(JobScheduler):
    r"""A job as the task `\roosync-ops\validate-KEY`."""

    kind = "task"

    def __init__(self, scheduler: Scheduler | None = None) -> None:
        self._scheduler = scheduler or Scheduler()

    def name(self, job: Job) -> str:
        return f"\\{FOLDER}\\validate-{job.key}"

    def unavailable(self) -> str | None:
        return None if sys.platform == "win32" else "there is no Task Scheduler on this computer"

    def texts(self, job: Job) -> Mapping[str, str]:
        with _recurring("whoami /user"):
            return {f"validate-{job.key}.xml": task_text(job, self._scheduler.user)}

    def put(self, job: Job) -> None:
        (text,) = self.texts(job).values()
        with _recurring():
            self._scheduler.create(self.name(job), text, str(job.folder))

    def take(self, job: Job) -> None:
        with _recurring():
            self._scheduler.do("/Delete", self.name(job), "/F")
        remove_if_empty(FOLDER)

    def state(self, job: Job) -> str:
        with _recurring():
            found = self._scheduler.document(self.name(job))
        if found is None:
            return "absent"
        (text,) = self.texts(job).values()
        if task_xml.differences(found, text):
            return "changed"
        return "installed" if task_xml.is_enabled(found) else "disabled"

    def note(self) -> str | None:
        return f"it runs while {user_name()} is logged on: only then is the drive of the shared state there"


@contextmanager
def _recurring(hint: str = _HINT) -> Iterator[None]:
    try:
        yield
    except LocalError as error:
        raise RecurringError(error.reason, hint) from None


def task_text(job: Job, user: str) -> str:
    """Return the XML of the task. Raises RecurringError for a path that a task cannot hold.

    Task Scheduler replaces %NAME% and $(Arg0), and knows no way to write them as they are.
    """
    python = PureWindowsPath(job.command[0])
    windowless = str(python.with_name("pythonw.exe")) if python.name.lower() == "python.exe" else str(python)
    arguments = subprocess.list2cmdline(job.command[1:])
    for text in (windowless, arguments, str(job.folder)):
        if "%" in text or "$(" in text or not text.isprintable():
            raise RecurringError(f"a scheduled task cannot hold this: {text!a:.200}", "move what has such a path")
    program = {"command": windowless, "arguments": arguments, "folder": str(job.folder), "user": user}
    parts = {"triggers": _TRIGGER.format(every=job.every_min), "restart": "", "limit": _LIMIT}
    return task_xml.document_of(program, _WHAT, enabled=True, **parts)
