"""What a name in the shared folder stands for: a machine's file, a copy of one, one of two folders, or nothing."""

from __future__ import annotations

import re

from .identity import machine_id_named
from .merge import CONFLICT, FILE

HEARTBEATS = "heartbeats"
VIEW_NAME = "heartbeat.json"

#: What sync products append to a name they could not keep: ` (1)`, ` (HOST's conflicted copy DATE)`, ` - Copy`,
#: `.sync-conflict-DATE-TIME-ID`; Drive's localised `Copy of NAME` stands before it.
_CONFLICT = re.compile(
    r"(?:Copy of |Copie de )?([A-Za-z0-9-]{1,63}?)"
    r"(?: \(.{1,120}\)| - Cop(?:y|ie)(?: \(\d+\))?|\.sync-conflict-[\w-]{1,60})+",
    re.ASCII | re.DOTALL,
)
_COPY_OF = re.compile(r"Cop(?:y of|ie de) ([A-Za-z0-9-]{1,63})", re.ASCII)
#: How a second folder or view of one name is shown beside the first. The copy of a whole share is told by number alone:
#: a backup that somebody named otherwise is none.
_DOUBLE = re.compile(r"heartbeats?(?: \(.{1,120}\)| - Cop(?:y|ie)(?: \(\d+\))?)+(\.json)?", re.DOTALL)
_NUMBERED = re.compile(r"(.+?)(?: \(\d{1,3}\))*", re.DOTALL)


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


def double_of(name: str) -> str | None:
    """Return which of HEARTBEATS and VIEW_NAME a name is the second of, None for neither."""
    match = _DOUBLE.fullmatch(name)
    if match is None or name.startswith("heartbeats") == bool(match.group(1)):
        return None
    return VIEW_NAME if match.group(1) else HEARTBEATS


def is_twin(name: str, of: str) -> bool:
    """Tell whether two folders beside each other are one that a sync product holds twice: `NAME` and `NAME (1)`."""
    first, second = _NUMBERED.fullmatch(name), _NUMBERED.fullmatch(of)
    return name != of and first is not None and second is not None and first.group(1) == second.group(1)
