"""What a name in the shared folder stands for: a machine's file, a copy of one, or nothing."""

from __future__ import annotations

import re

from .identity import machine_id_named
from .merge import CONFLICT, FILE

HEARTBEATS = "heartbeats"
#: What the shared folder itself is called throughout the fleet.
USUAL_NAME = ".shared-state"
VIEW_NAME = "heartbeat.json"

#: What sync products append to a name they could not keep: ` (1)`, ` (HOST's conflicted copy DATE)`, ` - Copy`,
#: `.sync-conflict-DATE-TIME-ID`; Drive's localised `Copy of NAME` stands before it.
_CONFLICT = re.compile(
    r"(?:Copy of |Copie de )?([A-Za-z0-9-]{1,63}?)"
    r"(?: \(.{1,120}\)| - Cop(?:y|ie)(?: \(\d+\))?|\.sync-conflict-[\w-]{1,60})+",
    re.ASCII | re.DOTALL,
)
_COPY_OF = re.compile(r"Cop(?:y of|ie de) ([A-Za-z0-9-]{1,63})", re.ASCII)


def owner_of(name: str) -> tuple[str, str] | None:
    """Tell whose evidence a file of `heartbeats/` is, and whether its FILE or a CONFLICT copy; None for neither."""
    if not name.endswith(".json") or name.startswith("."):
        return None
    stem = name[:-5]
    machine_id = machine_id_named(stem)
    if machine_id is not None:
        return machine_id, FILE
    match = _CONFLICT.fullmatch(stem) or _COPY_OF.fullmatch(stem)
    machine_id = machine_id_named(match.group(1)) if match is not None else None
    return None if machine_id is None else (machine_id, CONFLICT)
