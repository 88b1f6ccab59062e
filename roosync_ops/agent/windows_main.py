"""How a process of the agent begins and ends on Windows: with streams where pythonw.exe has none, and at once."""

from __future__ import annotations

import os
import sys

from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Callable, NoReturn


def answer_and_end(words: list[str], work: Callable[[], int]) -> NoReturn:
    """Do `work` and end with its exit code, whatever thread still hangs in a touch of the share."""
    give_streams(words)
    code = 1
    try:
        code = work()
    except BaseException:  # noqa: BLE001 - it is the process's last word
        import traceback  # noqa: PLC0415 - only a defect pays for it

        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # its reader has gone
            stream.flush()
    os._exit(code)


def give_streams(words: list[str]) -> None:
    """Without a console, say what is to be said into a file: of the answer asked for, or of the local folder."""
    if sys.stdout is not None and sys.stderr is not None:
        return
    try:
        stream = open(_log(words), "w", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - for as long as it runs
    except OSError:
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as above
    sys.stdout, sys.stderr = sys.stdout or stream, sys.stderr or stream


def _log(words: list[str]) -> str:
    for name, ending in (("--answer", ".log"), ("--local-dir", "\\task.log")):
        if name in words[:-1]:
            return words[words.index(name) + 1] + ending
    return os.devnull
