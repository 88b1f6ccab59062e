"""On the machine: what its agent said last, and whether it reaches other machines' ports. Travels only for that."""

from __future__ import annotations

import glob
import os
import socket
import subprocess
import threading
import time
from contextlib import suppress

from roosync_ops.wire.typed import Any

from .on_common import check_ours, local_dir
from .on_machine import ANSWERS

#: Files of ours that hold words, beside systemd's journal.
_FILES = ("*/supervisor.log", "task.log", "*/rolled-back")
#: So much of one is read, in bytes; and journalctl may take so long, in s.
_TAIL = 65_536
_JOURNAL_S = 10.0
#: For a name to be looked up, beside the time a connection may take, in s.
_NAME_S = 0.5


def logs(request: dict[str, Any]) -> dict[str, Any]:
    """Return the last `lines` of each place; what is empty or not there is left out."""
    folder, count = local_dir(request), int(request["lines"])
    check_ours(folder)
    found = {
        path: _tail(path) for name in _FILES for path in sorted(glob.glob(os.path.join(glob.escape(folder), name)))
    }
    for whose in ("--unit", "--user-unit"):
        line = ["journalctl", whose, "roosync-heartbeat*", "--no-pager", "--quiet", "--lines", str(count)]
        found[f"journalctl {whose} roosync-heartbeat"] = _said(line)
    kept = [{"place": place, "lines": text.splitlines()[-count:]} for place, text in found.items() if text.strip()]
    return {"logs": kept}


def _tail(path: str) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return file.read(_TAIL).decode("utf-8", "replace")
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"


def _said(line: list[str]) -> str:
    try:
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=_JOURNAL_S, check=False)  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return ""  # no systemd here
    return done.stdout[-_TAIL:].decode("utf-8", "replace") if done.returncode == 0 else ""


def knock(request: dict[str, Any]) -> dict[str, Any]:
    """Connect to all `targets` ([host, port]) at once, each within `limit` s; return whether each took it, in order."""
    found = [False] * len(request["targets"])

    def one(at: int, host: str, port: int) -> None:
        with suppress(OSError, ValueError, OverflowError), socket.create_connection((host, port), request["limit"]):
            found[at] = True

    threads = [threading.Thread(target=one, args=(at, *to), daemon=True) for at, to in enumerate(request["targets"])]
    for thread in threads:
        thread.start()
    end = time.monotonic() + request["limit"] + _NAME_S
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return {"open": list(found)}


ANSWERS.update(logs=logs, knock=knock)
