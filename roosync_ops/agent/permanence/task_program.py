"""What a task of ours is called and runs, by a Python without a window; and one that runs once and is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib

from roosync_ops.agent.errors import LocalError, no_session
from roosync_ops.wire.small import suppress

from . import task_xml
from .launch import text_in
from .schtasks import HAS_NOT_RUN, NO_SESSION, QUEUED, RUNNING, Scheduler, remove_if_empty

FOLDER = "roosync-ops"
#: After so long the scheduler deletes the task of a question whose asker was ended, in s: no answer takes longer.
_LIFE_S = 900


def task_name(what: str, local_dir: str) -> str:
    """Return the name of the task that does `what` for one local folder."""
    return f"\\{FOLDER}\\{what}-{zlib.crc32(os.path.normcase(local_dir).encode('utf-8', 'surrogatepass')):08x}"


def program_of(command: list[str], folder: str, user: str) -> task_xml.Program:
    """Return what a task runs for a command of this Python. Raises LocalError where it cannot be written down."""
    command = [windowless(command[0]), *command[1:]]
    arguments = [
        text.replace("%", "\\u0025").replace("$", "\\u0024") if command[at] == "--metadata" else text
        for at, text in enumerate(command[1:])
    ]
    for text in (command[0], folder, *arguments):
        if "%" in text or "$(" in text:
            # Task Scheduler replaces %NAME% and $(Arg0), and knows no way to write them as they are.
            raise LocalError(
                f"une tâche planifiée ne peut pas porter « % » ou « $( »: {text!r:.120}", "renommer ce dossier"
            )
    line = subprocess.list2cmdline(arguments)
    return {"command": command[0], "arguments": line, "folder": folder, "user": user}


def windowless(python: str) -> str:
    """Return pythonw.exe beside `python`, or beside what a virtual environment's python starts. Raises LocalError."""
    base = getattr(sys, "_base_executable", None) or python
    for near in (base, python):
        found = os.path.join(os.path.dirname(near), "pythonw.exe")
        if os.path.isfile(found):
            return found
    folder = os.path.dirname(base)
    raise LocalError(
        f"pythonw.exe manque dans {folder}: réparer ce Python, ou en indiquer un autre", "where.exe pythonw"
    )


def tail(path: str) -> str | None:
    """Return the end of what a process without a console wrote, in one line."""
    return " ".join(text_in(path).split())[-400:] or None


class OneShot:
    """A task that runs once in the user's logon session; nothing stays. Raises LocalError, CodedError without one."""

    def __init__(self, what: str, local_dir: str, scheduler: Scheduler | None = None) -> None:
        self.scheduler = scheduler or Scheduler()
        self._name = task_name(what, local_dir)
        self._folder = local_dir

    def __enter__(self) -> OneShot:  # noqa: PYI034 - Python 3.9 has no Self
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(LocalError):  # never made
            self.scheduler.delete(self._name)
        remove_if_empty(FOLDER)

    def run(self, program: task_xml.Program) -> None:
        """Register the task and start it."""
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + _LIFE_S))
        self.scheduler.create(self._name, task_xml.one_shot(program, until), self._folder)
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
