"""A scheduled task of the user, on Windows: in the logon session, where the drive of the shared state is mounted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib

from roosync_ops.agent.errors import (
    AGENT_CRASHED,
    DRIVE_NOT_MOUNTED,
    NO_LOGON_SESSION,
    TASK_DISABLED,
    CodedError,
    LocalError,
    ProblemError,
)
from roosync_ops.agent.lock import is_held
from roosync_ops.agent.notes import ASK_LOCK, LOOP_LOCK, places_of, read_notes, unusable
from roosync_ops.agent.share import MISSING
from roosync_ops.wire import local

from . import task_xml
from .launch import agent_command
from .schtasks import HAS_NOT_RUN, NO_SESSION, QUEUED, RUNNING, Scheduler
from .task_folder import remove_if_empty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from roosync_ops.agent.config import Config

FOLDER = "roosync-ops"
#: What the loop says on stderr, which pythonw.exe has not got.
LOG = "task.log"
#: How long the loop may take to end once asked to, in s: it writes a last record first.
_END_S = 20.0
#: How long a process may outlive its loop, in s.
_EXIT_S = 5.0
_LOOK_S = 0.05
#: A task that has ended without its loop is run again after so many looks, and given up after so many.
_RUN_AGAIN, _GIVE_UP = 2, 6


class Task:
    """Permanence by a scheduled task with the user's own token: no service, no password, no other session."""

    kind = "task"

    def __init__(
        self, config: Config, scheduler: Scheduler | None = None, who: Callable[[], str] | None = None
    ) -> None:
        self.name = f"\\{FOLDER}\\heartbeat-{local_name(config.local_dir)}"
        self._config = config
        self._local_dir = config.local_dir
        self._scheduler = scheduler or Scheduler()
        self._who = who or user_name
        self._known: list[str | None] = []
        self._looks_in_vain = 0

    def unavailable(self) -> str | None:
        return None

    def installed(self) -> bool:
        return self._document() is not None

    def enabled(self) -> bool:
        document = self._document()
        return document is not None and task_xml.is_enabled(document)

    def survives_reboot(self) -> bool:
        """It comes back as soon as its user logs on: before that there is no drive to write to either."""
        return self.enabled()

    def active(self) -> bool:
        """Running, or about to: an enabled task is started within a minute."""
        return self.enabled()

    def install(self, words: list[str]) -> bool:
        """Register the task, not enabled yet where it is new: its trigger would start the loop at once."""
        found = self._document()
        enabled = found is not None and task_xml.is_enabled(found)
        wanted = task_xml.permanent(self._program(words), enabled=enabled)
        if found is not None and not task_xml.differs(found, wanted):
            return False
        self._changed()
        self._scheduler.create(self.name, wanted, self._local_dir)
        return True

    def uninstall(self) -> bool:
        was = self.installed()
        self._changed()
        if was:
            self._scheduler.delete(self.name)
        remove_if_empty(FOLDER)
        for name in (LOG, ASK_LOCK):
            path = os.path.join(self._local_dir, name)
            if os.path.exists(path):
                os.unlink(path)
        return was

    def start(self, words: list[str] | None) -> None:
        """Enable and run the task; what was typed now goes into it first, so that it holds at the next logon too."""
        if words is not None:
            self.install(words)
        self._looks_in_vain = 0
        self._changed()
        self._halt(yes=False)
        try:
            self._scheduler.enable(self.name)
            self._scheduler.run(self.name)
        except LocalError as error:
            self._changed()
            raise self._refused(error) from None
        self._changed()

    def stop(self) -> None:
        """Disable the task, whose triggers would start the loop again, and end the loop, at worst its process."""
        if not self.enabled():
            return
        loop = read_notes(places_of(self._config))["loop"]
        self._halt(yes=True)
        self._changed()
        self._scheduler.disable(self.name)
        self._changed()
        until = time.monotonic() + _END_S + self._config.share_deadline_s
        while self._loop_runs() and time.monotonic() < until:
            ask_to_stop(self._config)
            time.sleep(_LOOK_S)
        if self._loop_runs():
            end_hung(loop)  # schtasks /End answers 0 and does nothing for a hidden task: MS-TSCH 3.2.5.4.12
        wait_for_exit(loop)

    def failed(self, share: dict[str, Any], *, last: bool) -> ProblemError | None:
        """Return why the loop does not come up, None while it still may. `last` is the last time of asking.

        `share` is what the loop says of the share, empty while there is no loop. Asked about once a second.
        """
        if share:
            return self._share_trouble(share, last=last)
        if not self.enabled():
            return _coded(TASK_DISABLED, f"la tâche {self.name} est désactivée", _ENABLE)
        result = self._scheduler.last_result(self.name)
        if result in NO_SESSION:
            return self._maybe_no_session(last=last)
        if result == RUNNING:
            return None
        if result in (HAS_NOT_RUN, QUEUED):
            return self._no_session() if last else None
        return self._ended(result, last=last)

    def last_words(self) -> str | None:
        """What the loop wrote before it ended."""
        return tail(self._log)

    @property
    def _log(self) -> str:
        return os.path.join(self._local_dir, LOG)

    def _ended(self, result: int | None, *, last: bool) -> ProblemError | None:
        """An instance that is just ending makes the scheduler ignore the next one (IgnoreNew): it is run once more."""
        self._looks_in_vain += 1
        if self._looks_in_vain == _RUN_AGAIN:
            self._scheduler.run(self.name)
        if self._looks_in_vain < _GIVE_UP and not last:
            return None
        said = self.last_words()
        code = "inconnu" if result is None else f"0x{result:X}"
        reason = f"l'agent s'est arrêté aussitôt lancé (résultat {code}){f': {said}' if said else ''}"
        return _coded(AGENT_CRASHED, reason, "action run pour voir l'erreur")

    def _maybe_no_session(self, *, last: bool) -> ProblemError | None:
        """Find out what a refusal means: a trigger that met a running instance leaves the same result (IgnoreNew).

        A one-shot task has no triggers: that it is refused can only be for want of a session.
        """
        self._looks_in_vain += 1
        if self._looks_in_vain != _RUN_AGAIN and not last:
            return None
        from roosync_ops.agent.flags import Flags  # noqa: PLC0415 - only a start that fails asks
        from roosync_ops.agent.logon import ask  # noqa: PLC0415 - as above

        try:
            ask(Flags("look"), self._config, "look", self._scheduler)
        except ProblemError as problem:
            return problem
        return None

    def _halt(self, *, yes: bool) -> None:
        """Say to an instance that is just starting whether it is still wanted."""
        path = places_of(self._config).halted
        try:
            if yes:
                local.write(path, b"")
            elif os.path.exists(path):
                os.unlink(path)
        except OSError as error:
            raise unusable(path, error) from None

    def _no_session(self) -> ProblemError:
        reason = f"{self._who()} n'a pas de session ouverte: la tâche ne peut pas s'exécuter"
        return _coded(NO_LOGON_SESSION, reason, "ouvrir une session Windows, puis action start")

    def _share_trouble(self, share: dict[str, Any], *, last: bool) -> ProblemError | None:
        """A loop that has just begun still tells of the last one's troubles: once is not believed."""
        if share.get("state") != MISSING:
            return None
        self._looks_in_vain += 1
        if self._looks_in_vain < _RUN_AGAIN and not last:
            return None
        return drive_not_mounted(str(share.get("detail")))

    def _refused(self, error: LocalError) -> ProblemError:
        if self.installed() and not self.enabled():
            return _coded(TASK_DISABLED, f"la tâche {self.name} reste désactivée: {error.reason}", _ENABLE)
        if self._scheduler.last_result(self.name) in NO_SESSION:
            return self._no_session()
        return error

    def _loop_runs(self) -> bool:
        return is_held(os.path.join(self._config.instance_dir, LOOP_LOCK))

    def _program(self, words: list[str]) -> task_xml.Program:
        return program_of(words, self._local_dir, self._who())

    def _document(self) -> str | None:
        """The task as the scheduler has it, asked for once between two changes of ours."""
        if not self._known:
            self._known.append(self._scheduler.document(self.name))
        return self._known[0]

    def _changed(self) -> None:
        self._known.clear()


_ENABLE = "l'activer dans taskschd.msc (une stratégie peut l'interdire), puis action start"


def local_name(local_dir: str) -> str:
    """Return what tells the tasks of one local folder from those of another."""
    return f"{zlib.crc32(os.path.normcase(local_dir).encode('utf-8', 'surrogatepass')):08x}"


def program_of(words: list[str], folder: str, user: str) -> task_xml.Program:
    """Return what a task runs so that the agent gets `words`. Raises LocalError where it cannot be written down."""
    command = agent_command(words)
    command[0] = windowless(command[0])
    arguments = [_escaped_json(command, at) for at in range(1, len(command))]
    for text in (command[0], folder, *arguments):
        if "%" in text or "$(" in text:
            # Task Scheduler replaces %NAME% and $(Arg0), and knows no way to write them as they are.
            raise LocalError(
                f"une tâche planifiée ne peut pas porter « % » ou « $( »: {text!r:.120}", "renommer ce dossier"
            )
    return task_xml.Program(command[0], subprocess.list2cmdline(arguments), folder, user)


def _escaped_json(command: list[str], at: int) -> str:
    if command[at - 1] == "--metadata":
        return command[at].replace("%", "\\u0025").replace("$", "\\u0024")
    return command[at]


def windowless(python: str) -> str:
    """Return pythonw.exe beside `python`, or beside what a virtual environment's python starts. Raises LocalError."""
    base = getattr(sys, "_base_executable", None) or python
    for near in (base, python):
        found = os.path.join(os.path.dirname(near), "pythonw.exe")
        if os.path.isfile(found):
            return found
    folder = os.path.dirname(base)
    raise LocalError(f"pythonw.exe manque dans {folder}", "réparer Python, ou en indiquer un autre (python = ...)")


def user_name() -> str:
    r"""Return `DOMAIN\name` of this process's user, as the account database has it."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - no such library elsewhere

        name, size = ctypes.create_unicode_buffer(512), ctypes.c_ulong(512)
        ask = ctypes.WinDLL("secur32").GetUserNameExW
        ask.restype = ctypes.c_ubyte  # a BOOLEAN, whose upper bits say nothing
        if ask(2, name, ctypes.byref(size)):  # 2: NameSamCompatible
            return name.value
    return f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"


def drive_not_mounted(detail: str) -> ProblemError:
    """Word that the logon session does not have the drive."""
    reason = f"le dossier partagé n'est pas visible dans la session ouverte: {detail}"
    hint = "démarrer le client de synchronisation dans cette session, puis action start"
    return _coded(DRIVE_NOT_MOUNTED, reason, hint, exit_code=3)


def ask_to_stop(config: Config) -> None:
    """Ask the loop to end; nobody may be there to hear it."""
    if sys.platform == "win32":
        from roosync_ops.agent.windows import set_event  # noqa: PLC0415 - each platform loads its own
        from roosync_ops.agent.windows_clock import stop_event  # noqa: PLC0415 - as above

        set_event(stop_event(config.instance))


def end_hung(loop: dict[str, Any]) -> None:
    """End the process behind a loop that does not hear, by its id and its creation time."""
    if sys.platform == "win32" and isinstance(loop.get("pid"), int):
        from roosync_ops.agent.windows import end_process  # noqa: PLC0415 - as above

        end_process(loop["pid"], str(loop.get("start")))


def wait_for_exit(loop: dict[str, Any]) -> None:
    """Wait a moment for the process behind a loop that gave its lock back: until then its task counts as running."""
    if sys.platform == "win32" and isinstance(loop.get("pid"), int):
        from roosync_ops.agent.windows import wait_for_end  # noqa: PLC0415 - as above

        wait_for_end(loop["pid"], str(loop.get("start")), _EXIT_S)


def tail(path: str) -> str | None:
    """Return the end of what a process without a console wrote, in one line."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return " ".join(file.read().split())[-400:] or None
    except OSError:
        return None


def _coded(code: str, reason: str, hint: str, exit_code: int = 1) -> CodedError:
    return CodedError(code, reason, hint, exit_code)
