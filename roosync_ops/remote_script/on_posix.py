"""What a round trip does its own way on POSIX machines: `fork` is there, and the verbs run in this very process."""

from __future__ import annotations

import binascii
import json
import os
import select
import signal
import sys
import time
import zlib
from contextlib import suppress

from roosync_ops.agent.builds import BUILD_FILE
from roosync_ops.agent.share_facts import share_facts
from roosync_ops.wire.child import MAX_OUTPUT_BYTES
from roosync_ops.wire.typed import Any, Callable

from .on_common import StepError, check_ours, parse_last_line, reply_in

unlink = os.unlink
rmdir = os.rmdir
put_in_place = os.replace


def who() -> dict[str, Any]:
    """Return who runs this, and what could keep a loop alive here."""
    import pwd  # noqa: PLC0415 - POSIX only

    user = str(os.getuid())
    with suppress(KeyError):
        user = pwd.getpwuid(os.getuid()).pw_name
    return {"user": user, "uid": os.getuid(), "systemd": os.path.isdir("/run/systemd/system")}


def uploaded(_folder: str) -> bytes:
    """Take the agent from stdin; what did not arrive whole is empty."""
    with suppress(zlib.error, binascii.Error):
        return zlib.decompress(binascii.a2b_base64(sys.stdin.buffer.read()))
    return b""


def look_at_share(shared: str, limit_s: float, _agent: str, _status: dict[str, Any] | None) -> dict[str, Any]:
    """Look at the share as the user the agent will run as, and write nothing; `hung` where it gave no answer."""
    code, output = bounded(lambda: print(json.dumps(share_facts(shared))), limit_s)  # noqa: T201 - its stdout is the pipe
    facts = parse_last_line(output)
    if code is None or facts is None:
        return {"path": shared, "hung": code is None, "problem": None if code is None else output[:200]}
    return facts


def _main(path: str, verb: str) -> Callable[[list[str]], int]:
    """Return the `main` of the agent in the file `path`.

    What `verb` needs is loaded here, before the fork: the next verb's child then finds most of it compiled.
    """
    check_ours(os.path.dirname(path))
    if not os.path.exists(path):
        raise StepError("NOT_ENROLLED", f"there is no agent in {os.path.dirname(path)}")
    if sys.path[0] != path:
        if BUILD_FILE.fullmatch(os.path.basename(sys.path[0])):  # another build was asked before: it answers no more
            for name in [name for name in sys.modules if name.partition(".")[0] == "roosync_ops"]:
                del sys.modules[name]
        sys.path.insert(0, path)
    try:
        from roosync_ops.agent.main import main  # noqa: PLC0415 - only now is it there

        __import__(f"roosync_ops.agent.verbs.{verb}")
    except Exception as error:  # noqa: BLE001 - whatever that file is
        raise StepError("NOT_OUR_AGENT", f"{path} cannot be run: {type(error).__name__}: {error}") from None

    return main


def ask(agent: str, argv: list[str], limit_s: float) -> dict[str, Any]:
    """Return what the agent in the file `agent` answers to one verb. Raises StepError."""
    main = _main(agent, argv[0])
    words = [*argv, "--local-dir", os.path.dirname(agent), "--json"]
    sys.argv = [agent, *words]
    code, output = bounded(lambda: main(words), limit_s)
    return reply_in(argv[0], code, output, limit_s)


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
