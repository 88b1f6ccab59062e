"""What a name in the shared folder stands for: a machine's file, a copy of one, or nothing."""

from __future__ import annotations

import re

from .identity import machine_id_named
from .merge import CONFLICT, FILE

HEARTBEATS = "heartbeats"
#: What the shared folder itself is called throughout the fleet.
USUAL_NAME = ".shared-state"
VIEW_NAME = "heartbeat.json"
#: What our own lines in a dashboard name as the workspace: they tell what was read here, and are no sign of their own.
OUR_WORKSPACE = "roosync-ops"

#: "Copy" in the words of Drive, Dropbox, OneDrive, Nextcloud and the desktops: English, French, German, Dutch, Spanish,
#: Italian and Portuguese, whose accent is one character or two (NFC, NFD).
_COPY = "(?:[Cc]opy|[Cc]opie|[Kk]opie|[Cc](?:o|\u00f3|o\u0301)pia)"
#: What sync products put after a name they could not keep: ` (1)`, ` (HOST's conflicted copy DATE)` in any language,
#: ` - Copy`, `.sync-conflict-DATE-TIME-ID`, `_conflict-DATE`. No sign of one begins another: a name is read in one way.
COPIED = (
    rf"(?: \([^()]{{1,120}}\)| (?:- )?{_COPY}(?: \d{{1,3}})?"
    r"|\.sync-conflict-[A-Za-z0-9-]{1,60}|_conflict-[A-Za-z0-9-]{1,60})"
)
#: `Copy of ` stands before it.
_CONFLICT = re.compile(
    rf"(?:{_COPY}(?: \(\d{{1,3}}\))? (?:of|de|von|di|van) )*([A-Za-z0-9-]{{1,63}}?){COPIED}*", re.ASCII
)
#: The same of a host whose own name has parentheses; the other never tries two readings of one name.
_NESTED = re.compile(r"([A-Za-z0-9-]{1,63}) \(.{1,200}\)", re.ASCII | re.DOTALL)


def owner_of(name: str) -> tuple[str, str] | None:
    """Tell whose evidence a file of `heartbeats/` is, and whether its FILE or a CONFLICT copy; None for neither."""
    if not name.endswith(".json") or name.startswith("."):
        return None
    stem = name[:-5]
    machine_id = machine_id_named(stem)
    if machine_id is not None:
        return machine_id, FILE
    match = _CONFLICT.fullmatch(stem) or _NESTED.fullmatch(stem)
    machine_id = machine_id_named(match.group(1)) if match is not None else None
    return None if machine_id is None else (machine_id, CONFLICT)
