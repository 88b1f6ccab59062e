"""What one answer may hold: a machine that never stops talking costs so many bytes here, and then its connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import gevent
from pyinfra.api.output import echo
from pyinfra.connectors.util import CommandOutput, OutputLine

from .on_common import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

#: An answer is at most so long, with all that is said beside it, in bytes: a state of 10,000 machines is some 20 MB.
MAX_ANSWER: Final = 33_554_432
#: What is kept of words that are no answer, in bytes.
_TAIL: Final = 4096
_CHUNK: Final = 65_536
#: What stands in the place of an answer that was too long.
TOO_MUCH: Final = f"{MARKER}{json.dumps({'error': 'too-much', 'said': f'more than {MAX_ANSWER >> 20} MiB'})}".encode()


class Budget:
    """The bytes left of one answer; where they are spent, `give_up` is called, which is to end what is read."""

    def __init__(self, give_up: Callable[[], None]) -> None:
        self._left = MAX_ANSWER
        self._give_up = give_up

    @property
    def spent(self) -> bool:
        return self._left < 0

    def read(self, receive: Callable[[int], bytes]) -> bytes:
        """Read to the end, or as long as there is something left."""
        parts = []
        while not self.spent and (chunk := receive(_CHUNK)):
            self._left -= len(chunk)
            parts.append(chunk)
        if self.spent:
            self._give_up()
        return b"" if self.spent else b"".join(parts)


def telling(said: bytes) -> bytes:
    """Return what of `said` can be an answer: its last marked line, or else the end of what was said."""
    at = said.rfind(MARKER.encode())
    if at < 0:
        return said[-_TAIL:]
    end = said.find(b"\n", at)
    return said[said.rfind(b"\n", 0, at) + 1 : len(said) if end < 0 else end]


def read_output_buffers(
    stdout_buffer: Any,
    _stderr_buffer: Any,
    timeout: float | None,
    print_output: bool,
    print_prefix: str,
) -> CommandOutput:
    """As pyinfra's own, which holds whatever comes, line by line. Raises TimeoutError."""
    channel = stdout_buffer.channel
    budget = Budget(channel.close)
    readers = [gevent.spawn(budget.read, channel.recv), gevent.spawn(budget.read, channel.recv_stderr)]
    if len(gevent.wait(readers, timeout=timeout)) != len(readers):
        gevent.killall(readers, block=False)
        raise TimeoutError
    if budget.spent:
        channel.exit_status = 0  # pyinfra makes nothing of an answer that failed, and this is one
    out, err = (b"", b"") if budget.spent else (reader.get() for reader in readers)
    found = [("stdout", TOO_MUCH if budget.spent else telling(out)), ("stderr", err[-_TAIL:])]
    lines = [OutputLine(name, line) for name, raw in found for line in raw.decode("utf-8", "replace").split("\n")]
    for line in lines if print_output else ():
        echo(f"{print_prefix}{line.line}", err=True)
    return CommandOutput(lines)
