"""Every cause a diagnosis can end in: a word, how grave it is, the one command that mends it, and what --fix may do.

They are in causes.json, with what leads to each and which check it fails: codes of a login that failed (`connect`), of
an answer that did not come (`asked`), and what keeps an agent from using the share, by its own word or by that of the
look (`share`). The room `show` has the sentence for each word, in both languages.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

#: It keeps the machine from being seen as it is; does not yet, and will; is worth a word, and nothing is lost by it; or
#: all is as it is expected to be.
_RANKS: Final = ("grave", "mild", "note", "none")
GRAVE, MILD, _, NONE = range(len(_RANKS))

# What --fix may do, and nothing else.
RESTART: Final = "restart"
REBUILD_VIEW: Final = "rebuild-view"
SWEEP: Final = "sweep"


@dataclass(frozen=True, slots=True)
class Cause:
    """`command` is the words of what is typed next (`windows` where they differ there); facts are filled into them.

    A fact stays within its word. LOGIN before them: they are run on the machine, over the login that this computer
    has; SSH_COPY_ID: with that login's options. HINT is what the look itself said to type.
    """

    rank: int
    command: tuple[str, ...]
    windows: tuple[str, ...]
    fix: str | None = None


#: What a restart of the sync product mends, where the machine has something that restarts it.
OF_DRIVE: Final = ("drive-not-mounted", "share-hung", "uploads-stalled", "downloads-stalled")
#: A task, because only one reaches the user's session from SSH.
DRIVE_TASK: Final = "roosync-restart-drive"
LOGIN: Final = "{login}"
SSH_COPY_ID: Final = "ssh-copy-id"
HINT: Final = ("{hint}",)
_ALL: Final[dict[str, dict[str, Any]]] = json.loads(Path(__file__).with_name("causes.json").read_text("utf-8"))
CAUSES: Final = {
    word: Cause(
        _RANKS.index(one["rank"]),
        tuple(one.get("command", "").split()),
        tuple(one.get("windows", one.get("command", "")).split()),
        one.get("fix"),
    )
    for word, one in _ALL.items()
}


def led_to_by(key: str) -> dict[str, tuple[str, str]]:
    """Return (the check that fails, the cause) by each code that causes.json has under `key`."""
    return {code: (one.get("check", ""), word) for word, one in _ALL.items() for code in one.get(key, ())}
