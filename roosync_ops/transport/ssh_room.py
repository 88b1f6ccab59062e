"""The private folder (mode 0700) of a process for ssh's settings, logs and kept connections; gone with it."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

#: A worker takes its parent's, which outlives it.
ROOM_VARIABLE: Final = "ROOSYNC_SSH_ROOM"
#: A socket's whole path is at most 104 bytes on some systems, of which ssh wants 17 for itself while it makes one.
_MAX_PATH: Final = 50
#: How long a good-bye may take, in s.
_END_S: Final = 3.0
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
    atexit.register(_end, folder)
    return folder


def _end(folder: Path) -> None:
    """Log out of what is kept, by whomever, and leave nothing."""
    for path in folder.glob("*.s"):
        end_master(os.environ.get("ROOSYNC_SSH") or "ssh", path)
    shutil.rmtree(folder, ignore_errors=True)


def end_master(program: str, path: Path) -> None:
    """Log out of a kept connection; whatever goes wrong, it ends by itself when it was idle for a while."""
    words = [program, "-F", os.devnull, "-S", str(path), "-O", "exit", "--", "x"]
    nothing = subprocess.DEVNULL
    with suppress(OSError, subprocess.SubprocessError):
        subprocess.run(words, stdin=nothing, stdout=nothing, stderr=nothing, timeout=_END_S, check=False)  # noqa: S603
