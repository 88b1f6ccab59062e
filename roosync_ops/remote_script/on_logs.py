"""On the machine: what its agent said last, wherever that is kept. Travels only where that is asked."""

from __future__ import annotations

import glob
import os
import subprocess

from .on_common import check_ours, local_dir
from .on_machine import ANSWERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Files of ours that hold words, beside systemd's journal.
_FILES = ("*/supervisor.log", "task.log", "*/rolled-back")
#: So much of one is read, in bytes; and journalctl may take so long, in s.
_TAIL = 65_536
_JOURNAL_S = 10.0


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


ANSWERS["logs"] = logs
