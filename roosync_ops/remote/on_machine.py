"""What runs on the machine for one round trip: look at everything (`probe`), or change what is asked (`apply`).

The text of this file travels on the command line to whatever CPython 3.9+ is there; nothing of it stays. Standard
library only. It answers with one line of ASCII JSON behind MARKER, so that a shell that greets cannot garble it.
"""

from __future__ import annotations

import binascii
import errno
import hashlib
import json
import os
import re
import select
import signal
import sys
import time
import zlib

from roosync_ops.agent.config import default_local_dir
from roosync_ops.wire.identity import hostname

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MARKER = "roosync-reply:"
AGENT_NAME = "agent.pyz"
CONFIG_NAME = "config.json"
#: A config.json larger than this is none of ours.
MAX_CONFIG_BYTES = 65_536
#: What one verb may print; a `state` of ten thousand machines is far below.
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
#: How long the agent's own `status` may take, in s: it touches no share.
STATUS_LIMIT_S = 15.0


class StepError(Exception):
    """A step that could not be done: `code` for programs, a sentence, and the next command where the agent said one."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        self.code = code
        self.hint = hint
        super().__init__(message)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def bounded(work: Callable[[], object], limit_s: float) -> tuple[int | None, str]:
    """Run `work` in a child process and return (its exit code, what it printed); the code is None after `limit_s`.

    A touch of a share can hang where no signal reaches, and a process that hangs there keeps its descriptors: so the
    child holds none of ours, and is left behind when killing does not help.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_a_child(work, writing)
    os.close(writing)
    output, ended = _read_until(reading, time.monotonic() + limit_s)
    os.close(reading)
    if not ended:
        os.kill(child, signal.SIGKILL)
        return None, output
    return os.waitpid(child, 0)[1] >> 8, output


def _be_a_child(work: Callable[[], object], writing: int) -> None:
    code = 70
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(writing)
        result = work()
        code = result if isinstance(result, int) else 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - a child must end here, whatever happened in it
        print(f"{type(error).__name__}: {error}")  # noqa: T201 - its stdout is the pipe
    finally:
        try:
            sys.stdout.flush()
        finally:
            os._exit(code)


def _read_until(descriptor: int, deadline: float) -> tuple[str, bool]:
    """Read to the end; False where it did not come in time or was too much."""
    chunks: list[bytes] = []
    size = 0
    while size <= MAX_OUTPUT_BYTES:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            break
        chunk = os.read(descriptor, 65_536)
        if not chunk:
            return b"".join(chunks).decode("utf-8", "replace"), True
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks).decode("utf-8", "replace"), False


def probe(request: dict[str, Any]) -> dict[str, Any]:
    """Learn everything about this machine; write nothing."""
    started = _now_ms()
    folder = local_dir(request)
    config, text, modified = read_config(os.path.join(folder, CONFIG_NAME))
    shared = resolve_shared(request, config)
    return {
        "hostname": hostname(),
        "platform": sys.platform,
        "user": _user(),
        "uid": os.getuid(),
        "home": os.path.expanduser("~"),
        "python": {"executable": sys.executable, "version": ".".join(map(str, sys.version_info[:3]))},
        "systemd": os.path.isdir("/run/systemd/system"),
        "localDir": folder,
        "agentSha256": sha256_of(os.path.join(folder, AGENT_NAME)),
        "config": config,
        "configProblem": text,
        "configModifiedMs": modified,
        "status": status(folder),
        "share": look_at_share(shared, float(request.get("shareDeadline") or 5)),
        "clock": {"startMs": started, "endMs": _now_ms()},
    }


def local_dir(request: dict[str, Any]) -> str:
    """Return the folder the agent lives in: the one asked for, else the agent's own default."""
    return os.path.abspath(os.path.expanduser(request.get("localDir") or default_local_dir(os.environ)))


def _user() -> str:
    import pwd  # noqa: PLC0415 - POSIX only

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def sha256_of(path: str) -> str | None:
    """Return a file's SHA-256 in hex, None where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


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


def look_at_share(shared: str | None, limit_s: float) -> dict[str, Any] | None:
    """Look at the share as the user the agent will run as, and write nothing; `hung` where it gave no answer."""
    if shared is None:
        return None
    code, output = bounded(lambda: print(json.dumps(_share_facts(shared))), limit_s)  # noqa: T201 - its stdout is the pipe
    facts = parse_last_line(output)
    if code is None or facts is None:
        return {"path": shared, "hung": code is None, "problem": None if code is None else output[:200]}
    return facts


def _share_facts(shared: str) -> dict[str, Any]:
    heartbeats = os.path.join(shared, "heartbeats")
    target = heartbeats if os.path.isdir(heartbeats) else shared
    facts: dict[str, Any] = {
        "path": shared,
        "exists": os.path.exists(shared),
        "isDirectory": os.path.isdir(shared),
        "readable": os.access(shared, os.R_OK | os.X_OK),
        "writable": os.access(target, os.W_OK | os.X_OK),
        "readOnly": False,
        "freeBytes": None,
    }
    try:
        volume = os.statvfs(target)
    except OSError as error:
        facts["problem"] = None if error.errno == errno.ENOENT else error.strerror
    else:
        facts["readOnly"] = bool(volume.f_flag & os.ST_RDONLY)
        facts["freeBytes"] = volume.f_bavail * volume.f_frsize
    return facts


def status(folder: str) -> dict[str, Any] | None:
    """Return what the agent here says of itself; None where there is none."""
    if not os.path.exists(os.path.join(folder, AGENT_NAME)):
        return None
    try:
        return _ask(folder, ["status"], STATUS_LIMIT_S)
    except StepError as error:
        return {"success": False, "code": error.code, "message": str(error)}


def _agent(folder: str, verb: str) -> Callable[[list[str]], int]:
    """Return the `main` of the agent in `folder`.

    What `verb` needs is loaded here, before the fork: the next verb's child then finds most of it compiled.
    """
    path = os.path.join(folder, AGENT_NAME)
    if not os.path.exists(path):
        raise StepError("NOT_ENROLLED", f"there is no agent in {folder}")
    if sys.path[0] != path:
        sys.path.insert(0, path)
    try:
        from roosync_ops.agent.main import main  # noqa: PLC0415 - only now is it there

        __import__(f"roosync_ops.agent.verbs.{verb}")
    except Exception as error:  # noqa: BLE001 - whatever that file is
        raise StepError("NOT_OUR_AGENT", f"{path} cannot be run: {type(error).__name__}: {error}") from None

    def run(argv: list[str]) -> int:
        sys.argv = [path, *argv]
        return main(argv)

    return run


def _ask(folder: str, argv: list[str], limit_s: float) -> dict[str, Any]:
    main = _agent(folder, argv[0])
    code, output = bounded(lambda: main([*argv, "--local-dir", folder, "--json"]), limit_s)
    reply = parse_last_line(output)
    if reply is None:
        raise StepError("NO_ANSWER", f"{argv[0]}: {_silence(code, output, limit_s)}")
    return reply


def run_verb(folder: str, argv: list[str], limit_s: float) -> dict[str, Any]:
    """Run one verb and return its answer. Raises StepError with the agent's own words where it failed."""
    reply = _ask(folder, argv, limit_s)
    if reply.get("success") is not True:
        raise StepError(str(reply.get("code")), str(reply.get("message")), reply.get("hint"))
    return reply


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


def _silence(code: int | None, output: str, limit_s: float) -> str:
    said = " ".join(output.split())[-300:]
    if code is None:
        return f"no answer within {limit_s:g} s" + (f" ({said})" if said else "")
    return f"ended with {code}" + (f": {said}" if said else " without a word")


def apply(request: dict[str, Any]) -> dict[str, Any]:
    """Do the steps asked for, in order, up to the first that fails; then look at the agent again."""
    folder = local_dir(request)
    done: list[dict[str, Any]] = []
    failed: dict[str, Any] | None = None
    for step in request["steps"]:
        try:
            done.append({"step": step["step"], "reply": _STEPS[step["do"]](folder, step)})
        except (StepError, OSError, zlib.error, ValueError) as error:
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
        return {"step": step, "code": error.code, "message": str(error), "hint": error.hint}
    return {"step": step, "code": "LOCAL_ERROR", "message": f"{type(error).__name__}: {error}", "hint": None}


def _push(folder: str, step: dict[str, Any]) -> None:
    """Take the agent from stdin. Nothing is touched before all of it has come and its hash is right."""
    try:
        data = zlib.decompress(binascii.a2b_base64(sys.stdin.buffer.read()))
    except (zlib.error, binascii.Error):
        data = b""
    if hashlib.sha256(data).hexdigest() != step["sha256"]:
        raise StepError("UPLOAD_BROKEN", "the agent did not arrive whole; the old one is still in place")
    replace(folder, AGENT_NAME, data, 0o755)


def _configure(folder: str, step: dict[str, Any]) -> None:
    data = json.dumps(step["config"], indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    replace(folder, CONFIG_NAME, data, 0o644)


def replace(folder: str, name: str, data: bytes, mode: int) -> None:
    """Write a file whole or not at all, and read it back. One temporary name, so that litter cannot pile up."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    path, temporary = os.path.join(folder, name), os.path.join(folder, f".{name}.new")
    try:
        with open(temporary, "wb") as file:
            os.chmod(temporary, mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    with open(path, "rb") as file:
        if file.read() != data:
            raise StepError("NOT_WRITTEN", f"{path} does not hold what was written to it")


def _verb(folder: str, step: dict[str, Any]) -> dict[str, Any]:
    return run_verb(folder, step["argv"], float(step["limit"]))


#: What an agent keeps for one machine and one shared state lies in `<machineId>-<crc32>`.
_INSTANCE = re.compile(r"[a-z0-9-]{1,63}-[0-9a-f]{8}")
SET_ASIDE = "set-aside"


def _remove(folder: str, _step: dict[str, Any]) -> dict[str, Any]:
    """Remove our own files and no others; what was set aside because nobody understood it stays, and is named."""
    kept: list[str] = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if _INSTANCE.fullmatch(name) and os.path.isdir(path) and not os.path.islink(path):
            kept += _remove_instance(path)
        elif name in (AGENT_NAME, CONFIG_NAME, f".{AGENT_NAME}.new", f".{CONFIG_NAME}.new"):
            os.unlink(path)
    _rmdir_if_empty(folder)
    return {"kept": kept}


def _remove_instance(folder: str) -> list[str]:
    kept = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not os.path.isdir(path) or os.path.islink(path):
            os.unlink(path)
        elif not _rmdir_if_empty(path):
            kept.append(path)
    _rmdir_if_empty(folder)
    return kept


def _rmdir_if_empty(folder: str) -> bool:
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True


_STEPS: dict[str, Callable[[str, dict[str, Any]], Any]] = {
    "push": _push,
    "configure": _configure,
    "verb": _verb,
    "remove": _remove,
}


def main(argv: list[str]) -> int:
    """Answer one request: argv[1] is its JSON in base64."""
    request = json.loads(binascii.a2b_base64(argv[1]))
    try:
        reply = probe(request) if request["do"] == "probe" else apply(request)
    except Exception as error:  # noqa: BLE001 - a machine that cannot answer must say so
        reply = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(f"\n{MARKER}{json.dumps(reply)}\n")
    return 0 if reply.get("ok", "error" not in reply) else 1
