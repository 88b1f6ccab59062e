"""What runs on the machine for one round trip: look at everything (`probe`), or change what is asked (`apply`).

The text of this file, and of its two parts, travels to whatever CPython 3.9+ is there; nothing of it stays. Standard
library only. It answers with one line of ASCII JSON behind MARKER, so that a shell that greets cannot garble it.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import os
import re
import sys
import time

from roosync_ops.agent.config import default_local_dir
from roosync_ops.wire.identity import hostname
from roosync_ops.wire.local import create, make_folder

from .on_common import (
    AGENT_NAME,
    CONFIG_NAME,
    MARKER,
    MAX_CONFIG_BYTES,
    MEASURE_NAMES,
    PUSHED_NAME,
    STATUS_LIMIT_S,
    StepError,
    check_ours,
    sha256_of,
    share_problem,
)

if sys.platform == "win32":
    from .on_windows import ask, look_at_share, put_in_place, rmdir, unlink, uploaded, who
else:
    from .on_posix import ask, look_at_share, put_in_place, rmdir, unlink, uploaded, who

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


#: Beyond the share's own deadline, to start the agent and to print the state of a large fleet, in s.
REPLICA_S = 5.0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def probe(request: dict[str, Any]) -> dict[str, Any]:
    """Learn everything about this machine; write nothing."""
    started = _now_ms()
    folder = local_dir(request)
    problem = _problem(folder)
    config, text, modified = (None, None, None) if problem else read_config(os.path.join(folder, CONFIG_NAME))
    shared = resolve_shared(request, config)
    limit_s = float(request.get("shareDeadline") or 5)
    own = None if problem else status(folder)
    share = look_at_share(shared, limit_s, folder, own)
    return {
        "hostname": hostname(),
        "platform": sys.platform,
        **who(),
        "home": os.path.expanduser("~"),
        "python": {"executable": sys.executable, "version": ".".join(map(str, sys.version_info[:3]))},
        "localDir": folder,
        "localDirProblem": problem,
        "agentSha256": None if problem else sha256_of(os.path.join(folder, AGENT_NAME)),
        "config": config,
        "configProblem": text,
        "configModifiedMs": modified,
        "status": own,
        "share": share,
        "state": replica(folder, share, limit_s) if request.get("state") and not problem else None,
        "clock": {"startMs": started, "endMs": _now_ms()},
    }


def _problem(folder: str) -> dict[str, Any] | None:
    """Return why the agent's folder is not ours alone; what lies there is then neither read nor run."""
    try:
        check_ours(folder)
    except StepError as error:
        return _failure("localDir", error)
    return None


def local_dir(request: dict[str, Any]) -> str:
    """Return the folder the agent lives in: the one asked for, else the agent's own default."""
    return os.path.abspath(os.path.expanduser(request.get("localDir") or default_local_dir(os.environ)))


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


def status(folder: str) -> dict[str, Any] | None:
    """Return what the agent here says of itself; None where there is none."""
    if not os.path.exists(os.path.join(folder, AGENT_NAME)):
        return None
    try:
        return ask(folder, ["status"], STATUS_LIMIT_S)
    except StepError as error:
        return {"success": False, "code": error.code, "message": str(error)}


def replica(folder: str, share: dict[str, Any] | None, limit_s: float) -> dict[str, Any] | None:
    """Return what the agent here finds in its replica, or why it cannot tell; None where there is no agent."""
    if not os.path.exists(os.path.join(folder, AGENT_NAME)):
        return None
    if share is not None and share.get("hung"):  # it would hang once more
        return {"success": False, "code": "SHARE_HUNG", "message": f"no answer within {limit_s:g} s"}
    try:
        return ask(folder, ["state"], limit_s + REPLICA_S)
    except StepError as error:
        return {"success": False, "code": error.code, "message": str(error)}


def run_verb(folder: str, argv: list[str], limit_s: float) -> dict[str, Any]:
    """Run one verb and return its answer. Raises StepError with the agent's own words where it failed."""
    reply = ask(folder, argv, limit_s)
    if reply.get("success") is not True:
        raise StepError(str(reply.get("code")), str(reply.get("message")))
    return reply


def apply(request: dict[str, Any]) -> dict[str, Any]:
    """Do the steps asked for, in order, up to the first that fails; then look at the agent again."""
    folder = local_dir(request)
    done: list[dict[str, Any]] = []
    failed: dict[str, Any] | None = None
    for step in request["steps"]:
        try:
            check_ours(folder)
            done.append({"step": step["step"], "reply": _STEPS[step["do"]](folder, step)})
        except (StepError, OSError, ValueError) as error:
            failed = _failure(step["step"], error)
            break
    return {
        "ok": failed is None,
        "done": done,
        "failed": failed,
        "localDir": folder,
        "agentSha256": sha256_of(os.path.join(folder, AGENT_NAME)),
        "status": status(folder) if request.get("look", True) else None,
    }


def _failure(step: str, error: Exception) -> dict[str, Any]:
    if isinstance(error, StepError):
        return {"step": step, "code": error.code, "message": str(error), "path": error.path}
    return {"step": step, "code": "LOCAL_ERROR", "message": f"{type(error).__name__}: {error}"}


def _push(folder: str, step: dict[str, Any]) -> None:
    """Put the agent in place. Nothing is touched before all of it has come and its hash is right."""
    data = uploaded(folder)
    if hashlib.sha256(data).hexdigest() != step["sha256"]:
        raise StepError("UPLOAD_BROKEN", "the agent did not arrive whole; the old one is still in place")
    replace(folder, AGENT_NAME, data, 0o700)


def _configure(folder: str, step: dict[str, Any]) -> None:
    data = json.dumps(step["config"], indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    replace(folder, CONFIG_NAME, data, 0o600)


def replace(folder: str, name: str, data: bytes, mode: int) -> None:
    """Write a file whole or not at all, and read it back. One temporary name, so that litter cannot pile up."""
    make_folder(folder, parents=True)
    path, temporary = os.path.join(folder, name), os.path.join(folder, f".{name}.new")
    try:
        with open(create(temporary, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(temporary, path)
    finally:
        if os.path.exists(temporary):
            unlink(temporary)
    with open(path, "rb") as file:
        if file.read() != data:
            raise StepError("NOT_WRITTEN", f"{path} does not hold what was written to it")


def _verb(folder: str, step: dict[str, Any]) -> dict[str, Any]:
    return run_verb(folder, step["argv"], float(step["limit"]))


def _look(folder: str, step: dict[str, Any]) -> dict[str, Any]:
    """Have the agent look at the share from the session its loop will run in; what it cannot use ends the rollout."""
    reply = _verb(folder, step)
    share = reply.get("share")
    problem = share_problem(share, float(step["shareDeadline"])) if isinstance(share, dict) else None
    if problem is not None and isinstance(share, dict):
        raise StepError(problem[0], f"share {share.get('path')}: {problem[1]}", share.get("path"))
    return reply


#: What an agent keeps for one machine and one shared state lies in `<machineId>-<crc32>`.
_INSTANCE = re.compile(r"[a-z0-9-]{1,63}-[0-9a-f]{8}")
#: What else lies in the local folder, whole or cut off.
_OURS = (AGENT_NAME, CONFIG_NAME, f".{AGENT_NAME}.new", f".{CONFIG_NAME}.new", *MEASURE_NAMES)


def _remove(folder: str, _step: dict[str, Any]) -> dict[str, Any]:
    """Remove our own files and no others; what was set aside because nobody understood it stays, and is named."""
    kept: list[str] = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if _INSTANCE.fullmatch(name) and os.path.isdir(path) and not os.path.islink(path):
            kept += _remove_instance(path)
        elif name in _OURS or name.startswith(PUSHED_NAME):
            unlink(path)
    _rmdir_if_empty(folder)
    return {"kept": kept}


def _remove_instance(folder: str) -> list[str]:
    kept = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not os.path.isdir(path) or os.path.islink(path):
            unlink(path)
        elif not _rmdir_if_empty(path):
            kept.append(path)
    _rmdir_if_empty(folder)
    return kept


def _rmdir_if_empty(folder: str) -> bool:
    try:
        rmdir(folder)
    except OSError:
        return False
    return True


_STEPS: dict[str, Callable[[str, dict[str, Any]], Any]] = {
    "push": _push,
    "configure": _configure,
    "verb": _verb,
    "look": _look,
    "remove": _remove,
}


#: What may be asked; on_verify adds to it where it travels too.
ANSWERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"probe": probe, "apply": apply}


def main(argv: list[str]) -> int:
    """Answer one request: argv[1] is its JSON in base64."""
    request = json.loads(binascii.a2b_base64(argv[1]))
    try:
        reply = ANSWERS[request["do"]](request)
    except Exception as error:  # noqa: BLE001 - a machine that cannot answer must say so
        reply = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(f"\n{MARKER}{json.dumps(reply)}\n")
    return 0 if reply.get("ok", "error" not in reply) else 1
