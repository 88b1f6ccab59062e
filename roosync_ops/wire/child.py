"""One program that a machine's side runs to its end and hears: for so long, and so many bytes of it."""

from __future__ import annotations

import subprocess
import threading

from .small import suppress
from .typed import IO, Any

#: A `state` of a hundred thousand machines is below.
MAX_OUTPUT_BYTES = 134_217_728
_LEFT_S = 2.0


def run(line: list[str], limit_s: float, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Return how `line` ended and what it printed. Raises OSError, and TimeoutExpired, with that, where we ended it.

    That is after `limit_s`, or after too many bytes; what hangs where nothing reaches it is left behind.
    """
    pipe = subprocess.PIPE
    child = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, **options)  # noqa: S603 - a list
    heard = {child.stdout: bytearray(), child.stderr: bytearray()}

    def hear(stream: IO[bytes]) -> None:
        with stream:
            while (more := stream.read1(65_536)) and len(heard[stream]) <= MAX_OUTPUT_BYTES:  # type: ignore[attr-defined]
                heard[stream] += more
            if more:
                child.kill()

    readers = [threading.Thread(target=hear, args=(stream,), daemon=True) for stream in heard]
    for reader in readers:
        reader.start()
    code = None
    try:
        code = child.wait(limit_s)
    except subprocess.TimeoutExpired:
        child.kill()
    for reader in readers:
        reader.join(_LEFT_S)
    with suppress(subprocess.TimeoutExpired):  # killed, and hangs
        child.wait(_LEFT_S)
    out, err = (bytes(each) for each in heard.values())
    if code is None or max(len(out), len(err)) > MAX_OUTPUT_BYTES:
        raise subprocess.TimeoutExpired(line, limit_s, out, err)
    return subprocess.CompletedProcess(line, code, out, err)
