"""What the three parts share that do a round trip's work on the machine: on_machine, and on_posix or on_windows."""

from __future__ import annotations

import binascii
import errno
import json
import os
import zlib

from roosync_ops.agent.builds import AGENT_NAME, named_builds
from roosync_ops.agent.config import default_local_dir
from roosync_ops.wire.local import NotOursError, check_folder
from roosync_ops.wire.typed import Any

MARKER = "roosync-reply:"
CONFIG_NAME = "config.json"
#: Where a Windows machine's agent lies, in the local folder, between its upload and its being put in place.
PUSHED_NAME = ".agent.pyz.pushed"
#: What lies in the local folder of a Windows machine while its logon session measures a share: a program, its answer.
MEASURE_NAMES = ("measure-share.py", "measure-share.out")
#: A config.json larger than this is none of ours.
MAX_CONFIG_BYTES = 65_536
#: A longer answer is pressed, as an object of this one member: 100,000 records are 60 MB, and a few when pressed.
PRESS_BYTES = 1_048_576
PRESSED = "zlib"
#: How long the agent's own `status` may take, in s: it touches no share. On Windows it is a process, and asks another.
STATUS_LIMIT_S = 15.0 if os.name == "posix" else 30.0
#: Beyond the share's own deadline, to start the agent and to print the state of a large fleet, in s.
REPLICA_S = 5.0
#: Heartbeats and the view of a large fleet take less; a volume with less than this is full for our purpose.
MIN_FREE_BYTES = 1_000_000


#: The agent's `cause` where the machine's own disk is full.
FULL = "DISK_FULL"
#: The agent speaks French; what its `cause` is in the operator's language.
CAUSES = {
    FULL: "no space is left on the machine's own disk",
    "LOCAL_DIR": "the agent cannot use its own folder",
    "SHARE_HUNG": "the share gives no answer",
    "SHARE_MISSING": "the share is not there",
    "SHARE_READ-ONLY": "the share is read-only",
    "SHARE_FULL": "the share is full",
    "SHARE_REFUSED": "the share cannot be written to",
    "SHARE_UNSYNCED": "another machine's heartbeat has not come here, and a second heartbeats folder is not made",
    "ROLLED_BACK": "back on the build before",
}


class StepError(Exception):
    """A step that could not be done: `code` for programs, a sentence, and the folder it is about."""

    def __init__(self, code: str, message: str, path: str | None = None, cause: str | None = None) -> None:
        self.code = code
        self.path = path
        self.cause = cause
        super().__init__(message)


def local_dir(request: dict[str, Any]) -> str:
    """Return the folder the agent lives in: the one asked for, else the agent's own default."""
    return os.path.abspath(os.path.expanduser(request.get("localDir") or default_local_dir(os.environ)))


def agent_of(folder: str, wanted: str | None = None) -> str:
    """Return the agent to ask: the build that is `wanted` if it lies there, else what is to run, else the last."""
    names = [*([wanted] if wanted else []), *named_builds(folder), AGENT_NAME]
    found = (os.path.join(folder, name) for name in names)
    return next(filter(os.path.exists, found), os.path.join(folder, AGENT_NAME))


def read_config(path: str) -> tuple[Any, str | None, int | None]:
    """Return (config.json as JSON or None, what was wrong with it or None, when it was written in ms or None)."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            modified = os.fstat(file.fileno()).st_mtime_ns // 1_000_000
            return json.loads(file.read(MAX_CONFIG_BYTES)), None, modified
    except FileNotFoundError:
        return None, None, None
    except (OSError, ValueError, RecursionError) as error:
        return None, f"{type(error).__name__}: {error}"[:200], None


def resolve_shared(request: dict[str, Any], config: Any) -> str | None:
    """Return the shared folder the agent will use: the inventory's, else config.json's, else the environment's."""
    written = config.get("shared") if isinstance(config, dict) else None
    shared = request.get("shared") or written or os.environ.get("ROOSYNC_SHARED_PATH")
    return os.path.abspath(os.path.expanduser(shared)) if isinstance(shared, str) else None


def check_ours(folder: str) -> None:
    """Raise StepError where another user may have put what lies in the agent's folder: then none of it is run."""
    try:
        check_folder(folder, parents=True)
    except NotOursError as error:
        raise StepError(error.code, f"{error.filename}: {error.strerror}", str(error.filename)) from None


def refused(verb: str, reply: dict[str, Any]) -> StepError:
    """Word a verb's failure: in the operator's language where its cause is known, else in the agent's own words."""
    code, cause, detail = str(reply.get("code")), str(reply.get("cause")), reply.get("detail")
    if cause not in CAUSES:
        return StepError(code, str(reply.get("message")), cause=cause)
    words = f"{CAUSES[cause]}: {detail}" if detail else CAUSES[cause]
    words += "; the loop was not stopped" if verb == "restart" and cause.startswith("SHARE_") else ""
    return StepError(code, words, cause=cause)


def replaced(build: str | None, ours: str) -> str:
    """Word that two rollouts met, and the other one's build stays."""
    return f"another rollout has put build {build} there since, in the place of {ours}"


def cause_of(error: Exception) -> str | None:
    """Return the agent's word for why a step failed; a full disk is the same to every step."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FULL
    return getattr(error, "cause", None)


def failure_of(step: str, error: Exception) -> dict[str, Any]:
    """Return what is answered of a step that failed."""
    if isinstance(error, StepError):
        return {"step": step, "code": error.code, "message": str(error), "path": error.path}
    return {"step": step, "code": "LOCAL_ERROR", "message": f"{type(error).__name__}: {error}"}


def pressed(answer: str) -> str:
    """Return an answer as it is sent: a long one is packed."""
    if len(answer) <= PRESS_BYTES:
        return answer
    return json.dumps({PRESSED: binascii.b2a_base64(zlib.compress(answer.encode(), 1), newline=False).decode()})


def parse_last_line(output: str) -> dict[str, Any] | None:
    """Return the JSON object that ends `output`: one document, printed on one line or many."""
    for start in (output.rfind("\n{") + 1, output.find("{")):
        try:
            value = json.loads(output[start:])
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return value
    return None


def reply_in(verb: str, code: int | None, output: str, limit_s: float) -> dict[str, Any]:
    """Return what a verb answered. `code` is its exit code, None where it did not end in time. Raises StepError."""
    reply = parse_last_line(output)
    if reply is not None:
        return reply
    said = " ".join(output.split())[-300:]
    ended = f"ended with {code}" + (f": {said}" if said else " without a word")
    late = f"no answer within {limit_s:g} s" + (f" ({said})" if said else "")
    raise StepError("NO_ANSWER", f"{verb}: {late if code is None else ended}")


def share_problem(found: dict[str, Any], limit_s: float) -> tuple[str, str] | None:
    """Return (a code, a sentence) for the first reason why no agent can use a share that was looked at, or None."""
    free, readable = found.get("freeBytes"), found.get("readable")
    refused = f"the user the agent runs as may not {'write to' if readable else 'read'} it"
    reasons = (
        (found.get("hung"), "SHARE_HUNG", f"no answer within {limit_s:g} s"),
        (not found.get("exists"), "SHARE_MISSING", "there is no such folder; it is never created"),
        (not found.get("isDirectory"), "SHARE_NOT_A_FOLDER", "it is not a folder"),
        (found.get("readOnly"), "SHARE_READ_ONLY", "it is mounted read-only"),
        (not (readable and found.get("writable")), "SHARE_REFUSED", refused),
        (found.get("problem"), "SHARE_PROBLEM", str(found.get("problem"))),
        (free is not None and free < MIN_FREE_BYTES, "SHARE_FULL", f"{free} bytes are free"),
    )
    return next(((code, said) for holds, code, said in reasons if holds), None)
