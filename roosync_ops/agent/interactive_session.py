"""A question to the user's logon session, from a session that does not see the share: Windows alone.

An SSH session may lack the drive that the desktop has. A one-shot task of ours runs the same verb there; its answer
comes back in a file of the local folder, and nothing of it stays.
"""

from __future__ import annotations

import json
import os
import sys
import time

from roosync_ops.wire import local
from roosync_ops.wire.deadline import FIRST_READING_S, BoundedShare, ShareHungError
from roosync_ops.wire.files import patiently
from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Answer, Callable, Json

from .config import Config
from .errors import AGENT_CRASHED, AgentError, CodedError, LocalError, no_session
from .flags import Flags
from .local_state import ASK_LOCK, Using, take

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .permanence.schtasks import Scheduler

#: How long another question may take, and how long an answer may, beside the touches of the share, in s.
_TURN_S = 60.0
_ANSWER_S = 30.0
_LOOK_S = 0.05
#: How often the scheduler is asked what became of the task, in s.
_RESULT_S = 1.0
#: An instance that has ended is believed after so many looks: its answer may just be on its way.
_ENDED = 3


def sees_share(config: Config) -> bool:
    """Return True if this session has the shared folder; off Windows the question does not arise.

    One that gives no answer here says nothing: the logon session is asked, and only what hangs there is hung.
    """
    if sys.platform != "win32":
        return True
    try:
        return BoundedShare(config.share_deadline_s).call(lambda: os.path.isdir(config.shared), "looking at the share")
    except ShareHungError:
        return False


def is_elsewhere(flags: Flags, config: Config) -> bool:
    """Return True if the logon session is to be asked: this one lacks the share, and does not answer for it."""
    return flags.answer is None and not sees_share(config)


def run_verb(flags: Flags, config: Config, verb: str, scheduler: Scheduler | None = None) -> Answer:
    """Run `verb` in the user's logon session. Raises AgentError as that one did, and ProblemError where none came."""
    from .permanence.launch import agent_command  # noqa: PLC0415 - Windows alone gets here

    with Using(config.local_dir):
        local.make_folder(config.local_dir, parents=True)
    turn = take(os.path.join(config.local_dir, ASK_LOCK), _TURN_S)
    if turn is None:
        raise LocalError("une autre question est en cours auprès de la session ouverte", "réessayer")
    words = words_of(flags, config, verb)
    limit_s = _ANSWER_S + max(3 * config.share_deadline_s, FIRST_READING_S) + flags.follow
    with turn:
        asked = run_command(
            "ask", config.local_dir, lambda file: agent_command([*words, "--answer", file]), limit_s, scheduler
        )
    return _unpacked(asked)


def run_command(
    what: str, folder: str, command: Callable[[str], list[str]], limit_s: float, scheduler: Scheduler | None = None
) -> Json:
    """Run a command of this Python in the user's logon session, and return what it writes into the file it is given.

    It is to be one JSON object, put there whole. Nothing stays, neither file nor task. Raises ProblemError.
    """
    from .permanence import launch, schtasks, task  # noqa: PLC0415 - Windows alone gets here

    tasks = scheduler or schtasks.Scheduler()
    name, file = task.task_name(what, folder), os.path.join(folder, f"answer-{os.urandom(8).hex()}")
    try:
        task.run_once(tasks, name, command(file), folder)
        answer = _awaited(file, limit_s, lambda: task.has_ended(tasks, name))
        if not answer and tasks.last_result(name) == schtasks.HAS_NOT_RUN:
            raise no_session()
        if not answer:
            said = launch.tail(f"{file}.log")
            reason = f"l'agent n'a pas répondu dans la session ouverte{f': {said}' if said else ''}"
            raise CodedError(AGENT_CRASHED, reason, "réessayer; sinon action look dans cette session")
        return answer
    finally:
        task.forget(tasks, name)
        for path in (file, f"{file}.tmp", f"{file}.log"):
            with suppress(OSError):
                patiently(os.unlink, path)  # its writer may be just ending


def _awaited(file: str, limit_s: float, has_ended: Callable[[], bool]) -> Json:
    """Return what is written into `file`, empty where that does not come."""
    now = time.monotonic()
    until, look_at, ended = now + limit_s, now + _RESULT_S, 0
    while time.monotonic() < until and ended < _ENDED:
        answer = local.read_object(file)
        if answer:
            return answer
        if time.monotonic() >= look_at:
            ended = ended + 1 if has_ended() else 0
            look_at = time.monotonic() + _RESULT_S
        time.sleep(_LOOK_S)
    return {}


def words_of(flags: Flags, config: Config, verb: str) -> list[str]:
    """Return `verb`'s command line with all that an environment or a folder of this session gave."""
    words = [verb, "--shared", config.shared, "--local-dir", config.local_dir, "--machine-id", config.machine_id]
    words += ["--share-deadline", f"{config.share_deadline_s:g}"]
    if verb == "register":
        words += ["--heartbeat-interval", str(config.thresholds.interval_ms)]
        words += ["--offline-timeout", str(config.thresholds.timeout_ms)]
        words += [] if config.auto_sync else ["--no-auto-sync"]
        words += ["--follow", f"{flags.follow:g}"] if flags.follow else []
        if flags.metadata is not None:
            words += ["--metadata", json.dumps(flags.metadata, separators=(",", ":"))]
    return words


def give_to_file(path: str, exit_code: int, value: Json, human: list[str]) -> None:
    """Leave an answer where the process that asked looks for it, in one step."""
    local.write(path, json.dumps({"exitCode": exit_code, "answer": value, "lines": human}, default=str).encode())


def _unpacked(document: Json) -> Answer:
    value = document["answer"]
    if value.get("success"):
        return value, list(document.get("lines") or [])
    extra = {key: item for key, item in value.items() if key not in ("success", "code", "message")}
    raise AgentError(str(value.get("code")), str(value.get("message")), int(document.get("exitCode") or 1), **extra)
