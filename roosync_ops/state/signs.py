"""Signs of life that newer services leave in a share: worth a word beside a silence, and never a heartbeat.

wire/README.md: `listener-heartbeats/`, `worker-heartbeats/` hold a bare UTC time each, `presence/` a JSON object with
`lastSeen`; a line `### [time] machineId|workspace` in any Markdown of `dashboards/` was written by that machine.
Whatever they hold is hostile, read here or by another machine: nothing of it is shown but a time and a machine's name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from roosync_ops.wire.identity import machine_id_named
from roosync_ops.wire.names import OUR_WORKSPACE
from roosync_ops.wire.signs import MAX_FILES
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS
from roosync_ops.wire.text import NotUnderstoodError, load
from roosync_ops.wire.times import time_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

#: When, in ms since the epoch, and where from.
Sign = tuple[int, str]
_SOURCES: Final = {"listener-heartbeats": "listener", "worker-heartbeats": "worker"}
_MAX_MACHINES: Final = 1_000
_LINE: Final = re.compile(r"^### \[([0-9TZ:.+-]{10,40})\] ([A-Za-z0-9-]{1,63})\|([^\r\n]{0,200})", re.MULTILINE)


def signs_in(raw: object, now_ms: int) -> dict[str, Sign]:
    """Return the last sign of life of each machine in what wire.signs gave, here or as a machine tells it."""
    found: dict[str, Sign] = {}
    for name, at, source in _all(raw):
        machine_id, at_ms = machine_id_named(name), time_or_none(at)
        if machine_id is None or at_ms is None or at_ms > now_ms + FUTURE_TOLERANCE_MS:
            continue
        known = found.get(machine_id)
        if at_ms > (known[0] if known else -1) and (known is not None or len(found) < _MAX_MACHINES):
            found[machine_id] = at_ms, source
    return found


def _all(raw: object) -> Iterator[tuple[str, object, str]]:
    """Yield (machine, when, source) of every sign, none of them checked."""
    for item in raw[: 4 * MAX_FILES] if isinstance(raw, list) else ():
        match item:
            case [str(file), str(text)]:
                folder, _, name = file.partition("/")
            case _:
                continue
        if folder in _SOURCES:
            yield name.removesuffix(".heartbeat"), text[:64].strip(), _SOURCES[folder]
        elif folder == "presence":
            try:
                yield name.removesuffix(".json"), load(text.encode("utf-8", "replace"))[0].get("lastSeen"), folder
            except NotUnderstoodError:
                continue
        elif folder == "dashboards":
            for at, name, workspace in _LINE.findall(text):
                if workspace.strip() != OUR_WORKSPACE:
                    yield name, at, "dashboard"
