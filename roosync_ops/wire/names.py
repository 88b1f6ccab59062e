"""What a name in the shared folder stands for: a machine's file, a copy of one, or nothing."""

from __future__ import annotations

import re

from .identity import machine_id_named
from .merge import CONFLICT, FILE

HEARTBEATS = "heartbeats"
#: What the shared folder itself is called throughout the fleet.
USUAL_NAME = ".shared-state"
VIEW_NAME = "heartbeat.json"
#: Where a machine that left says so once more: no service of any generation reads, rewrites or sweeps what ends so, and
#: a sync product takes it along, for it is not hidden.
LEFT_ENDING = ".left"
#: What our own lines in a dashboard name as the workspace: they tell what was read here, and are no sign of their own.
OUR_WORKSPACE = "roosync-ops"

#: "Copy" in the words of Drive, Dropbox, OneDrive, Nextcloud and the desktops: English, French, German, Dutch, Danish,
#: Swedish, Polish, Spanish, Italian and Portuguese, whose accent is one character or two (NFC, NFD).
_COPY = "(?:[Cc]opy|[Cc]opie|[Kk]opi[ea]?|[Cc](?:o|\u00f3|o\u0301)pia)"
#: What sync products and desktops put after a name they could not keep, or behind its ending: ` (1)`, `(1)`, ` 2`,
#: ` (HOST's conflicted copy DATE)` in any language, ` - Copy`, `.sync-conflict-DATE-TIME-ID`, `_conflict-DATE`. No sign
#: of one begins another: a name is read in one way.
_COPIED = (
    rf"(?: ?\([^()]{{1,120}}\)| (?:- )?{_COPY}| \d{{1,3}}"
    r"|\.sync-conflict-[A-Za-z0-9-]{1,60}|_conflict-[A-Za-z0-9-]{1,60})*"
)
#: What they put before it.
_OF = rf"(?:{_COPY}(?: \(\d{{1,3}}\))? (?:of|de|von|di|van) )*"


def copies_of(name: str, ending: str = "") -> re.Pattern[str]:
    """Return the pattern of a name (itself one, without groups) with that ending, and of every copy of it.

    Its second half is the same of a host whose own name has parentheses; the first never tries two readings of a name.
    """
    text = rf"{_OF}({name}){_COPIED}{ending}{_COPIED}|({name}) \(.{{1,200}}\){ending}"
    return re.compile(text, re.ASCII | re.DOTALL)


_RECORD = copies_of("[A-Za-z0-9-]{1,63}", r"\.json")


def file_of(machine_id: str) -> str:
    """Return a machine's own file, as findings and evidence call it."""
    return f"{HEARTBEATS}/{machine_id}.json"


def machine_of(file: str) -> str | None:
    """Return whose file of a `heartbeats` folder, or of a second one, `file` is; None for any other."""
    folder, _, name = file.rpartition("/")
    owner = owner_of(name) if folder.rpartition("/")[2].startswith(HEARTBEATS) else None
    return None if owner is None else owner[0]


def owner_of(name: str) -> tuple[str, str] | None:
    """Tell whose evidence a file of `heartbeats/` is, and whether its FILE or a CONFLICT copy; None for neither."""
    if name.endswith(LEFT_ENDING):
        machine_id = machine_id_named(name[: -len(LEFT_ENDING)])
        return None if machine_id is None else (machine_id, CONFLICT)
    match = _RECORD.fullmatch(name)
    machine_id = machine_id_named(match.group(1) or match.group(2)) if match is not None else None
    return None if machine_id is None else (machine_id, FILE if name[:-5].lower() == machine_id else CONFLICT)
