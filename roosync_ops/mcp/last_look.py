"""What a status call saw last on this computer, kept in a local folder, so that the next can tell what changed.

Not the watchers' memory: what is told there is told once, and an assistant that asks must not eat a watcher's news.
Here the two answers are compared as the protocol's service compares two checks, so `changes` fits the lists beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roosync_ops.state.store import Store
from roosync_ops.wire.identity import is_machine_id
from roosync_ops.wire.status import OFFLINE, ONLINE, WARNING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


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
        self._store = Store(folder, "asked", shared)
        self.path = self._store.path
        self.trouble: str | None = None

    def swap(self, now: Mapping[str, str]) -> dict[str, str] | None:
        """Keep `now`, and return what was kept before; None where nothing was, or nothing that is understood."""
        try:
            with self._store.locked():
                before = self._read()
                self._store.write({"machines": dict(now)})
        except OSError as error:
            self.trouble = f"{self.path}: {error}"
            return None
        return before

    def _read(self) -> dict[str, str] | None:
        try:
            kept = self._store.read().get("machines")
        except ValueError:
            return None
        if not isinstance(kept, dict):
            return None
        return {name: word for name, word in kept.items() if is_machine_id(name) and isinstance(word, str)}
