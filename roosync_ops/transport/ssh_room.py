"""The private folder (mode 0700) of a process for ssh's settings, logs and kept connections; gone with it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Final

#: A worker takes its parent's, which outlives it.
ROOM_VARIABLE: Final = "ROOSYNC_SSH_ROOM"
#: A socket's whole path is at most 104 bytes on some systems, of which ssh wants 17 for itself while it makes one.
_MAX_PATH: Final = 50
_lock = threading.Lock()
_made: list[Path] = []


def room() -> Path:
    """Return the folder, made at the first call."""
    with _lock:
        if not _made:
            _made.append(_given() or _new())
        return _made[0]


def _given() -> Path | None:
    named = os.environ.get(ROOM_VARIABLE)
    return Path(named) if named and Path(named).is_dir() else None


def _new() -> Path:
    base = tempfile.gettempdir()
    if len(base) > _MAX_PATH and os.name == "posix":
        base = "/tmp"  # noqa: S108 - the folder in it is made by mkdtemp, for this user alone
    folder = Path(tempfile.mkdtemp(prefix="roosync-ssh-", dir=base))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
