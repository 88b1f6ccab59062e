"""Scheduled tasks of the user, on Windows: in the logon session, where the drive of the shared state is mounted.

One keeps the loop alive; another runs one command of ours and is gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib

from roosync_ops.agent.config import Config
from roosync_ops.agent.errors import (
    AGENT_CRASHED,
    TASK_DISABLED,
    CodedError,
    LocalError,
    ProblemError,
    no_session,
)
from roosync_ops.agent.local_state import ASK_LOCK, Places, Using, read_local_state, see_ended, signal_loop
from roosync_ops.agent.lock import is_held
from roosync_ops.wire import local
from roosync_ops.wire.small import suppress, wait_until
from roosync_ops.wire.typed import Callable

from . import Mechanism, task_xml
from .launch import agent_command
from .schtasks import HAS_NOT_RUN, NO_SESSION, QUEUED, RUNNING, Scheduler, remove_if_empty

#: What the loop says on stderr, which pythonw.exe has not got.
LOG = "task.log"
#: How long the loop may take to end once asked to, in s: it writes a last record first.
_END_S = 20.0
#: How long a process may outlive its loop, in s.
_EXIT_S = 5.0
_LOOK_S = 0.05
#: A task that has ended without its loop is run again after so many looks, and given up after so many.
_RUN_AGAIN, _GIVE_UP = 2, 6

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
            reason = f"une tâche planifiée ne peut pas porter « % » ou « $( »: {text!r:.120}"
            raise LocalError(reason, "renommer ce dossier")
    line = subprocess.list2cmdline(arguments)
    return {"command": command[0], "arguments": line, "folder": folder, "user": user}


def windowless(python: str) -> str:
    """Return pythonw.exe beside `python`, or beside what a virtual environment's python starts. Raises LocalError."""
    base = getattr(sys, "_base_executable", None) or python
    for near in (base, python):
        found = os.path.join(os.path.dirname(near), "pythonw.exe")
        if os.path.isfile(found):
            return found
    reason = f"pythonw.exe manque dans {os.path.dirname(base)}: réparer ce Python, ou en indiquer un autre"
    raise LocalError(reason, "where.exe pythonw")


class Task(Mechanism):
    """Permanence by a scheduled task with the user's own token: no service, no password, no other session.

    Enabled it is active, for it is started within a minute; after a reboot its user's logon brings it back: before that
    there is no drive to write to either.
    """

    kind = "task"

    def __init__(self, config: Config, scheduler: Scheduler | None = None) -> None:
        self.name = task_name("heartbeat", config.local_dir)
        self._config = config
        self._local_dir = config.local_dir
        self.log = os.path.join(config.local_dir, LOG)
        self._places = Places(config.instance_dir)
        self._scheduler = scheduler or Scheduler()
        self._known: list[str | None] = []
        self._looks_in_vain = 0

    def installed(self) -> bool:
        return self._document() is not None

    def enabled(self) -> bool:
        document = self._document()
        return document is not None and task_xml.is_enabled(document)

    def install(self, words: list[str]) -> bool:
        """Register the task, not enabled yet where it is new: its trigger would start the loop at once."""
        found, wanted = self._document(), self._wanted(words)
        if found is not None and not task_xml.differences(found, wanted):
            return False
        self._change(lambda: self._scheduler.create(self.name, wanted, self._local_dir))
        return True

    def _wanted(self, words: list[str]) -> str:
        program = program_of(agent_command(words), self._local_dir, self._scheduler.user)
        return task_xml.permanent(program, enabled=self.enabled())

    def changes(self, words: list[str]) -> tuple[str, str]:
        found = task_xml.differences(self._document() or "", self._wanted(words))
        return "; ".join(there for there, _ in found), "; ".join(wanted for _, wanted in found)

    def uninstall(self) -> bool:
        was = self.installed()
        if was:
            self._change(lambda: self._scheduler.do("/Delete", self.name, "/F"))
        forget(self._scheduler, task_name("ask", self._local_dir))  # its asker may have been ended before its end
        local.remove(self.log)
        local.remove(os.path.join(self._local_dir, ASK_LOCK))
        return was

    def start(self, words: list[str] | None) -> None:
        """Enable and run the task; what was typed now goes into it first, so that it holds at the next logon too."""
        if words is not None:
            self.install(words)
        self._looks_in_vain = 0
        with Using(self._places.halted), suppress(FileNotFoundError):
            os.unlink(self._places.halted)
        try:
            self._change(lambda: self._scheduler.do("/Change", self.name, "/ENABLE"))
            self._scheduler.do("/Run", self.name)
        except LocalError as error:
            raise self._refused(error) from None

    def stop(self) -> None:
        """Disable the task, whose triggers would start the loop again, and see the loop end, at worst its process."""
        if not self.enabled():
            return
        places = self._places
        loop = read_local_state(places)["loop"]
        with Using(places.halted):  # an instance that is just starting is wanted no more
            local.write(places.halted, b"")
        self._change(lambda: self._scheduler.do("/Change", self.name, "/DISABLE"))
        if not wait_until(lambda: not is_held(places.loop_lock), _END_S + self._config.share_deadline_s, _LOOK_S):
            signal_loop(places, kill=True)  # schtasks /End does nothing for a hidden task: MS-TSCH 3.2.5.4.12
        tried = local.read_object(places.tried)
        for each in (loop, tried):
            see_ended(each, _EXIT_S)  # until then the task counts as running
        see_ended(tried, _EXIT_S, ends=True)  # it hangs, and would keep the build before from starting (IgnoreNew)

    def failed(self, ask_session: Callable[[], object], *, last: bool) -> ProblemError | None:
        if not self.enabled():
            return self._disabled("est désactivée")
        result = self._scheduler.last_result(self.name)
        if result in NO_SESSION:
            return self._maybe_no_session(ask_session, last=last)
        if result == RUNNING:
            return None
        if result in (HAS_NOT_RUN, QUEUED):
            return no_session() if last else None
        return self._ended(result, last=last)

    def _ended(self, result: int | None, *, last: bool) -> ProblemError | None:
        """An instance that is just ending makes the scheduler ignore the next one (IgnoreNew): it is run once more."""
        self._looks_in_vain += 1
        if self._looks_in_vain == _RUN_AGAIN:
            self._scheduler.do("/Run", self.name)
        if self._looks_in_vain < _GIVE_UP and not last:
            return None
        said = self.last_words()
        code = "inconnu" if result is None else f"0x{result:X}"
        reason = f"l'agent s'est arrêté aussitôt lancé (résultat {code}){f': {said}' if said else ''}"
        return CodedError(AGENT_CRASHED, reason, "action run pour voir l'erreur")

    def _maybe_no_session(self, ask_session: Callable[[], object], *, last: bool) -> ProblemError | None:
        """Find out what a refusal means: a trigger that met a running instance leaves the same result (IgnoreNew).

        A one-shot task has no triggers: that it is refused can only be for want of a session.
        """
        self._looks_in_vain += 1
        if self._looks_in_vain != _RUN_AGAIN and not last:
            return None
        try:
            ask_session()
        except ProblemError as problem:
            return problem
        return None

    def _refused(self, error: LocalError) -> ProblemError:
        if self.installed() and not self.enabled():
            return self._disabled(f"reste désactivée: {error.reason}", error.hint)
        if self._scheduler.last_result(self.name) in NO_SESSION:
            return no_session()
        return error

    def _disabled(self, what: str, hint: str | None = None) -> ProblemError:
        hint = hint or f'schtasks /Change /TN "{self.name}" /ENABLE'
        return CodedError(TASK_DISABLED, f"la tâche {self.name} {what}", hint)

    def _document(self) -> str | None:
        """The task as the scheduler has it, asked for once between two changes of ours."""
        if not self._known:
            self._known.append(self._scheduler.document(self.name))
        return self._known[0]

    def _change(self, work: Callable[[], None]) -> None:
        """Change the task; where that is refused because an older version made it, say what mends that."""
        self._known.clear()
        try:
            work()
        except LocalError as error:
            if "HighestAvailable" not in (self._document() or ""):
                raise
            why = "tâche d'une version antérieure, aux privilèges les plus élevés: un administrateur la supprime"
            raise LocalError(f"{error.reason} ({why})", f'schtasks /Delete /TN "{self.name}" /F') from None
        finally:
            self._known.clear()


def run_once(scheduler: Scheduler, name: str, command: list[str], folder: str) -> None:
    """Have a task run `command` once in the user's logon session. Raises LocalError, CodedError without one."""
    program = program_of(command, folder, scheduler.user)
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + _LIFE_S))
    scheduler.create(name, task_xml.one_shot(program, until), folder)
    try:
        scheduler.do("/Run", name)
    except LocalError:
        has_ended(scheduler, name)
        raise


def has_ended(scheduler: Scheduler, name: str) -> bool:
    """Return True if such a task has run and runs no more. Raises CodedError where there is no logon session."""
    result = scheduler.last_result(name)
    if result in NO_SESSION:
        raise no_session()
    return result not in (RUNNING, HAS_NOT_RUN, QUEUED)


def forget(scheduler: Scheduler, name: str) -> None:
    """Remove such a task, if it was ever made, and what held tasks of ours and no others."""
    with suppress(LocalError):
        scheduler.do("/Delete", name, "/F")
    remove_if_empty(FOLDER)
