"""What a status call saw last on this computer, kept in a local folder, so that the next can tell what changed.

Not the watchers' memory: what is told there is told once, and an assistant that asks must not eat a watcher's news.
Here the two answers are compared as the protocol's service compares two checks, so `changes` fits the lists beside it.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from roosync_ops.wire import local
from roosync_ops.wire.identity import is_machine_id
from roosync_ops.wire.status import OFFLINE, ONLINE, WARNING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FORMAT: Final = 1
#: 10,000 machines take 0.5 MB.
_MAX_BYTES: Final = 4_194_304
#: Another server holds the lock for some milliseconds.
_LOCK_S: Final = 2.0


def changes(before: Mapping[str, str] | None, now: Mapping[str, str]) -> dict[str, Any]:
    """Compare the statuses of two looks; before the first there is nothing that could have changed.

    A machine that was not there before is newly online, a warning or nothing new: it cannot have gone offline.
    """
    became: dict[str, list[str]] = {OFFLINE: [], ONLINE: [], WARNING: []}
    for machine_id, word in now.items():
        old = word if before is None else before.get(machine_id)
        if word != old and not (old is None and word == OFFLINE):
            became[word].append(machine_id)
    return {
        "newlyOfflineMachines": became[OFFLINE],
        "newlyOnlineMachines": became[ONLINE],
        "newWarnings": became[WARNING],
        "totalChanges": sum(map(len, became.values())),
    }


class LastLook:
    """The last look at `shared` in `folder`. `trouble` is why it could not be kept, None where it was."""

    def __init__(self, folder: Path, shared: str) -> None:
        self.path = folder / f"asked-{zlib.crc32(shared.encode('utf-8', 'surrogatepass')):08x}.json"
        self.trouble: str | None = None

    def swap(self, now: Mapping[str, str]) -> dict[str, str] | None:
        """Keep `now`, and return what was kept before; None where nothing was, or nothing that is understood."""
        try:
            local.make_folder(str(self.path.parent))
            with FileLock(f"{self.path}.lock", timeout=_LOCK_S, mode=local.FILE_MODE):
                before = self._read()
                self._write({"format": _FORMAT, "machines": dict(now)})
        except (OSError, Timeout) as error:
            self.trouble = f"{self.path}: {error}"
            return None
        return before

    def _read(self) -> dict[str, str] | None:
        try:
            with self.path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
            document = json.loads(raw) if len(raw) <= _MAX_BYTES else None
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        kept = document.get("machines") if isinstance(document, dict) and document.get("format") == _FORMAT else None
        if not isinstance(kept, dict):
            return None
        return {name: word for name, word in kept.items() if is_machine_id(name) and isinstance(word, str)}

    def _write(self, document: dict[str, Any]) -> None:
        local.write(str(self.path), json.dumps(document, separators=(",", ":")).encode("ascii"))
