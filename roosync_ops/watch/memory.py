"""What was told, kept in a local folder: shared by every watcher of one shared state, and by a watcher's next life.

Only under the lock is a reading turned into flips, and what was told is written before it is told: an event is told
once by the first watcher that sees it, and never twice. A watcher killed between the two has it in the history.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from roosync_ops.judge.flip import Flip, Remembered
from roosync_ops.judge.flips import Flips
from roosync_ops.state.memory import Store

#: The history keeps so many flips: a week of a fleet that has one every ten minutes.
MAX_FLIPS: Final = 1000
_SET_ASIDE: Final = ".not-understood"


class MemoryUnusableError(Exception):
    """The local folder cannot be used, so nothing may be told: it might be told twice. The message names the file."""


class WatchMemory:
    """The memory of the watchers of `shared` (as it is read: another observer's replica is another memory).

    `observer` is the machineId of this computer. Raises MemoryUnusableError where the folder cannot be used.
    """

    def __init__(self, folder: Path, shared: str, observer: str | None = None) -> None:
        self._store = Store(folder, "watch", shared)
        self.path = self._store.path
        self._observer = observer
        #: What is said once: the file was there and was not understood.
        self.trouble: str | None = None
        #: The flips told so far, by any watcher of this shared state, the newest last.
        self.recent: list[dict[str, Any]] = []
        #: Whether only more readings can tell what the last one means (Flips.unsettled).
        self.unsettled = False
        #: Machine to how long until it is told offline, in ms (Flips.pending).
        self.pending: dict[str, int] = {}

    def step(self, look: Callable[[Flips], list[Flip]]) -> list[Flip]:
        """Let `look` make flips of what is remembered, remember them, and return them."""
        try:
            with self._store.locked():
                document = self._read()
                flips = Flips(self._observer, Remembered.from_dict(document.get("flips")))
                told = look(flips)
                log = [*_entries(document), *(flip.as_dict() for flip in told)][-MAX_FLIPS:]
                # A power cut right after what is told must not have it told again.
                self._store.write({"flips": flips.kept.as_dict(), "log": log}, durable=bool(told))
        except OSError as error:
            raise MemoryUnusableError(f"{self.path}: {error}") from None
        self.recent, self.unsettled, self.pending = log, flips.unsettled, flips.pending
        return told

    def history(self) -> list[dict[str, Any]]:
        """Return the flips that were told, oldest first, without a lock; empty where no watcher ever ran."""
        return _entries(self._store.kept())

    def is_used(self) -> bool:
        """Return True if a watcher ever ran here, whatever there was to tell."""
        return bool(self._store.kept())

    def _read(self) -> dict[str, Any]:
        """Return the memory; one that is not understood is set aside, and watching begins anew with a first look."""
        try:
            return self._store.read()
        except ValueError as error:
            kept = self.path.with_name(self.path.name + _SET_ASIDE)
            self.path.replace(kept)
            self.trouble = f"{kept}: what was told before was not understood ({error!s:.80}); watching begins anew"
            return {}


def _entries(document: dict[str, Any]) -> list[dict[str, Any]]:
    log = document.get("log")
    return [entry for entry in log if isinstance(entry, dict)] if isinstance(log, list) else []
