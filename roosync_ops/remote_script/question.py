"""One request to a Python on a machine, whatever the machine is and however it is reached."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.transport import posix_files
from roosync_ops.transport.windows_link import WindowsLink

from . import shell
from .on_common import MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from roosync_ops.transport.link import Finished, Link


#: What is kept of words that are no answer, in bytes.
_TAIL: Final = 4096


@dataclass
class Question:
    """Has a Python on the machine answer `request` (see on_machine).

    `python` is tried alone where given; `bootstrap`: where there is none, one may be installed for the user (Windows).
    """

    request: Mapping[str, Any]
    python: str | None = None
    bootstrap: bool = False
    #: The agent, where a step puts it in place.
    upload: bytes | None = None
    #: Whether nothing of ours is to be left on the machine after this.
    is_last: bool = False
    #: When the attempt that was answered was sent, in ms since the epoch.
    sent_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    def ask(self, link: Link, timeout_s: float | None) -> Finished:
        """Return what of the machine's words can be its answer. Raises what the link does."""
        done = self._asked(link, timeout_s)
        return done._replace(out=_telling(done.out) or done.err[-_TAIL:], err=done.err[-_TAIL:])

    def _asked(self, link: Link, timeout_s: float | None) -> Finished:
        if isinstance(link, WindowsLink):
            from .windows import python  # noqa: PLC0415 - where no Windows machine is asked, nothing of it is loaded

            return python.answer(link, self, timeout_s)
        stdin = b"" if self.upload is None else shell.upload(self.upload).encode()
        self.sent_ms = time.time_ns() // 1_000_000
        return link.execute(posix_files.shell(shell.command(self.request, self.python)), stdin, timeout_s)


def too_much(reason: str) -> bytes:
    """Return what stands in the place of an answer that was too long."""
    return f"{MARKER}{json.dumps({'error': 'too-much', 'said': reason})}".encode()


def _telling(said: bytes) -> bytes:
    """Return what of `said` can be an answer: its last marked line, or else the end of what was said."""
    at = said.rfind(MARKER.encode())
    if at < 0:
        return said[-_TAIL:]
    end = said.find(b"\n", at)
    return said[said.rfind(b"\n", 0, at) + 1 : len(said) if end < 0 else end]
