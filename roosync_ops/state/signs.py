"""Signs of life that newer services leave in a share: worth a word beside a silence, and never a heartbeat.

wire/README.md: `listener-heartbeats/`, `worker-heartbeats/` hold a bare UTC time each, `presence/` a JSON object with
`lastSeen`; a line `### [time] machineId|workspace` in any Markdown of `dashboards/` was written by that machine.
Whatever lies there is hostile: bounded in files, bytes and seconds, never followed, and nothing of it is shown but a
time and a machine's name.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roosync_ops.wire.files import read_file
from roosync_ops.wire.identity import machine_id_named
from roosync_ops.wire.names import OUR_WORKSPACE
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS
from roosync_ops.wire.text import NotUnderstoodError, load
from roosync_ops.wire.times import time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

#: When, in ms since the epoch, and where from.
Sign = tuple[int, str]
LISTENER: Final = "listener"
WORKER: Final = "worker"
PRESENCE: Final = "presence"
DASHBOARD: Final = "dashboard"

_MAX_MACHINES: Final = 1_000
_MAX_FILES: Final = 256
_MAX_BYTES: Final = 1_048_576
_MAX_ALL_BYTES: Final = 8_388_608
_MAX_SECONDS: Final = 1.0
_LINE: Final = re.compile(rb"^### \[([0-9TZ:.+-]{10,40})\] ([A-Za-z0-9-]{1,63})\|([^\r\n]{0,200})", re.MULTILINE)


def read_signs(shared: str, now_ms: int) -> dict[str, Sign]:
    """Return the last sign of life of each machine: (when, source). Raises nothing for what lies there."""
    found: dict[str, Sign] = {}
    reading = _Reading()
    for name, at, source in _all(Path(shared), reading):
        machine_id = machine_id_named(name)
        at_ms = time_or_none(at.strip() if isinstance(at, str) else at)
        if machine_id is None or at_ms is None or at_ms > now_ms + FUTURE_TOLERANCE_MS:
            continue
        known = found.get(machine_id)
        if at_ms > (known[0] if known else -1) and (known is not None or len(found) < _MAX_MACHINES):
            found[machine_id] = at_ms, source
    return found


class _Reading:
    """What may still be read."""

    def __init__(self) -> None:
        self.until = time.monotonic() + _MAX_SECONDS
        self.bytes_left = _MAX_ALL_BYTES

    def files(self, folder: Path, ending: str) -> Iterator[tuple[str, bytes]]:
        """Yield (name without its ending, bytes) of what can be read in a folder that is no link."""
        try:
            names = [] if folder.is_symlink() else self._names(folder, ending)
        except OSError:
            return
        for name in names:
            if self.bytes_left <= 0 or time.monotonic() > self.until:
                return
            try:
                raw = read_file(str(folder / name), min(_MAX_BYTES, self.bytes_left))
            except (OSError, NotUnderstoodError):
                continue
            self.bytes_left -= len(raw)
            yield name[: -len(ending)], raw

    def _names(self, folder: Path, ending: str) -> list[str]:
        names: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(ending) and not entry.name.startswith("."):
                    names.append(entry.name)
                if len(names) == _MAX_FILES or time.monotonic() > self.until:
                    break
        return names


def _all(shared: Path, reading: _Reading) -> Iterator[tuple[str, object, str]]:
    """Yield (machine, when, source) of every sign, none of them checked."""
    for source in (LISTENER, WORKER):
        for name, raw in reading.files(shared / f"{source}-heartbeats", ".heartbeat"):
            yield name, raw[:64].decode("ascii", "replace"), source
    for name, raw in reading.files(shared / PRESENCE, ".json"):
        try:
            yield name, load(raw)[0].get("lastSeen"), PRESENCE
        except NotUnderstoodError:
            continue
    for _, raw in reading.files(shared / "dashboards", ".md"):
        for match in _LINE.finditer(raw):
            at, name, workspace = (part.decode("ascii", "replace") for part in match.groups())
            if workspace.strip() != OUR_WORKSPACE:
                yield name, at, DASHBOARD
