"""The guardian: makes the lab's folder, outlives the lab by a moment, ends what it started and removes the folder.

It runs as a program of its own (this file, by path, standard library only), in a session of its own, and waits for the
end of its standard input: the kernel closes that pipe when the lab ends, whether it returned, crashed or was killed.
Processes are known by the mark in their environment, never by their names.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Every process of a lab carries this variable, and so do its children however they detach themselves.
LAB_VARIABLE = "ROOSYNC_LAB"
#: How long a process that will not die, or a folder that will not go, is tried for, in seconds.
PATIENCE_S = 10.0
#: Longer than its patience with processes and with the folder together, in seconds.
_TIMEOUT_S = 2 * PATIENCE_S + 5


@contextmanager
def guarded(lab_id: str, parent: Path | None = None) -> Iterator[Path]:
    """Give a lab its own folder, under `parent` (the system's for temporary files); a guardian ends both.

    The end of a pipe, which leaving the block closes, tells the guardian that the lab is over. Raises OSError.
    """
    parent = parent or Path(tempfile.gettempdir())
    process = subprocess.Popen(  # noqa: S603 - our own file, by path
        [sys.executable, "-I", str(Path(__file__)), lab_id, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - for mypy
    try:
        line = process.stdout.readline()
        if not line:
            raise OSError(f"the lab's guardian did not start; can a folder be made in {parent}?")
        yield Path(json.loads(line))
    finally:
        process.stdin.close()
        # A second Ctrl-C does not stop it: it cleans up on its own from here.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TIMEOUT_S)
        process.stdout.close()


def marked_processes(*marks: str) -> list[int]:
    """Return the processes whose environment holds every `NAME=value` of `marks`; never this one's own."""
    wanted = {os.fsencode(mark) for mark in marks}
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        # Another user's process, or one that has just ended.
        with suppress(OSError):
            if wanted.issubset(Path(entry, "environ").read_bytes().split(b"\0")):
                found.append(int(entry.name))
    return found


def end_marked(*marks: str, patience_s: float = PATIENCE_S) -> bool:
    """Kill them at once, and what they managed to start meanwhile. True when none is left."""
    deadline = time.monotonic() + patience_s
    quiet = 0
    # A process between fork and exec shows its parent's environment: one empty look is not enough.
    while quiet < 3 and time.monotonic() < deadline:  # noqa: PLR2004 - three looks in a row that find none
        pids = marked_processes(*marks)
        quiet = 0 if pids else quiet + 1
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return quiet > 0


def remove_folder(folder: Path, patience_s: float = PATIENCE_S) -> bool:
    """Remove a folder, which something may still be writing to. True when it is gone."""
    deadline = time.monotonic() + patience_s
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)
    return not folder.exists()


def main() -> int:
    """Make a folder and say where, wait for the lab's end, then clean up: `guardian.py LAB_ID PARENT_FOLDER`.

    The folder is made here and not by the lab, so that there is no instant at which the lab can die and leave it.
    """
    lab_id, parent = sys.argv[1:]
    # Ctrl-C and a closed terminal are the lab's to answer; this process answers only to the lab's end.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    folder = Path(tempfile.mkdtemp(prefix="roosync-lab-", dir=parent)).resolve()
    with suppress(BrokenPipeError):
        os.write(1, json.dumps(str(folder)).encode("ascii") + b"\n")
    while os.read(0, 4096):
        pass
    ended = end_marked(f"{LAB_VARIABLE}={lab_id}")
    return 0 if remove_folder(folder) and ended else 1


if __name__ == "__main__":
    sys.exit(main())
