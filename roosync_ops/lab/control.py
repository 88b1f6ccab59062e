"""How a second terminal reaches a lab that runs: a socket in the lab's folder, one JSON line each way.

The folder and the socket are this user's alone.

Requests: `{"fault": NAME, "machine": M, "on": true}` and `{"active": true}`. Answers: `{"ok": true, ...}`, or
`{"ok": false, "error": SENTENCE, "hint": COMMAND}`. Nothing here needs asyncssh: the asking end is a quick command.
"""

import json
import os
import socket
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from roosync_ops.errors import CommandError

from .faults import LabError

SOCKET = "control"
_NO = {"ok": False, "error": "a request is a JSON object in one line"}
#: A request is one short line; so is an answer.
_LINE_MAX = 65_536
#: How long the other end may take for its line, and for an answer: a mount on a busy computer. In seconds.
_REQUEST_S = 5.0
_ANSWER_S = 40.0
#: Between two looks at whether the lab has ended, in seconds.
_POLL_S = 0.2


@contextmanager
def answering(folder: Path, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[None]:
    """Answer requests to one lab, on a thread of its own. `answer` raises nothing: it returns the answer. OSError."""

    class Requests(socketserver.StreamRequestHandler):
        timeout = _REQUEST_S

        def handle(self) -> None:
            with suppress(OSError):
                try:
                    request = json.loads(self.rfile.readline(_LINE_MAX))
                    said = answer(request) if isinstance(request, dict) else _NO
                except ValueError:
                    said = _NO
                self.wfile.write(json.dumps(said).encode("ascii") + b"\n")

    with _address(folder) as address:
        server = socketserver.UnixStreamServer(address, Requests)
    with server:
        (folder / SOCKET).chmod(0o600)
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), name="lab-control", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            (folder / SOCKET).unlink(missing_ok=True)


def ask(folder: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send a request to the lab in `folder` and return its answer. Raises CommandError for its no, LabError."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, _address(folder) as address:
            connection.settimeout(_ANSWER_S)
            connection.connect(address)
            connection.sendall(json.dumps(request).encode("ascii") + b"\n")
            answer: dict[str, Any] = json.loads(connection.makefile("rb").readline(_LINE_MAX))
    except (OSError, ValueError) as error:
        raise LabError(f"no lab answers in {folder}: {error}") from None
    if not answer.get("ok"):
        raise CommandError("FAULT", str(answer.get("error")), answer.get("hint") or "roosync-ops lab fault --list")
    return answer


def find(start: Path, temporary: Path | None = None) -> Path:
    """Return the folder of the lab that `start` lies in, or of the only one there is. Raises LabError."""
    for folder in (start, *start.parents):
        if _is_ours(folder):
            return folder
    parent = temporary or Path(tempfile.gettempdir())
    labs = [folder for folder in sorted(parent.glob("roosync-lab-*")) if _is_ours(folder)]
    if not labs:
        raise LabError("no lab of yours is running; start one in another terminal")
    if len(labs) > 1:
        raise LabError(f"several labs are running; name one: --lab {' or '.join(map(str, labs))}")
    return labs[0]


def _is_ours(folder: Path) -> bool:
    try:
        return (folder / SOCKET).is_socket() and (folder / SOCKET).stat().st_uid == os.geteuid()
    except OSError:
        return False


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """Give the socket's address for a block: through a descriptor where that can be, since it may have 108 bytes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        through = Path(f"/proc/self/fd/{descriptor}")
        yield str((through if through.exists() else folder) / SOCKET)
    finally:
        os.close(descriptor)
