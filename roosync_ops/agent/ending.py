"""Asking a loop to end, and ending one that does not hear: by its journal's pid, never by name."""

from __future__ import annotations

import signal
import sys

from roosync_ops.wire.typed import Json

from .errors import LocalError
from .local_state import Places, read_local_state
from .machine import signal_process


def signal_loop(places: Places, *, kill: bool) -> None:
    """Ask the loop to end. Its lock is held, and its journal's pid is still the process that wrote it.

    On Windows it is asked by verbs.stop's file alone.
    """
    loop = read_local_state(places)["loop"]
    if sys.platform == "win32":
        from .windows import end_process  # noqa: PLC0415 - each platform loads its own

        if kill and isinstance(loop.get("pid"), int):
            end_process(loop["pid"], str(loop.get("start")))
    else:
        try:
            signal_process(loop.get("pid"), loop.get("start"), signal.SIGKILL if kill else signal.SIGTERM)
        except PermissionError:
            raise LocalError(f"la boucle (pid {loop['pid']}) appartient à un autre utilisateur", "sudo") from None


def wait_for_exit(loop: Json, seconds: float) -> None:
    """On Windows, wait for the process behind a loop that gave its lock back."""
    if sys.platform == "win32" and isinstance(loop.get("pid"), int):
        from .windows import wait_for_end  # noqa: PLC0415 - as above

        wait_for_end(loop["pid"], str(loop.get("start")), seconds)
