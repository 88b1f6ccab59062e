"""What was told, kept in a local folder: shared by every watcher of one shared state, and by a watcher's next life.

Only under the lock is a reading turned into flips, and what was told is written before it is told: an event is told
once whoever sees it, and by nobody twice. A watcher that is killed between the two has it in the history all the same.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from roosync_ops.judge.flips import Flips
from roosync_ops.wire import local

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.judge.flip import Flip

_FORMAT: Final = 1
#: The history keeps so many flips: a week of a fleet that has one every ten minutes.
MAX_FLIPS: Final = 1000
#: A memory of 10,000 machines is about 2 MB; what is larger was not written by us.
_MAX_BYTES: Final = 16_777_216
#: Another watcher holds the lock for some milliseconds.
_LOCK_S: Final = 2.0
_SET_ASIDE: Final = ".not-understood"


class MemoryUnusableError(Exception):
    """The local folder cannot be used, so nothing may be told: it might be told twice. The message names the file."""


class WatchMemory:
    """The memory of the watchers of `shared` (as it is read: another observer's replica is another memory).

    `observer` is the machineId of this computer. Raises MemoryUnusableError where the folder cannot be used.
    """

    def __init__(self, folder: Path, shared: str, observer: str | None = None) -> None:
        self.path = folder / f"watch-{zlib.crc32(shared.encode('utf-8', 'surrogatepass')):08x}.json"
        self._observer = observer
        #: What is said once: the file was there and was not understood.
        self.trouble: str | None = None
        self.recent: list[dict[str, Any]] = []
        #: Whether only more readings can tell what the last one means (Flips.unsettled).
        self.unsettled = False
        #: Machine to how long until it is told offline, in ms (Flips.pending).
        self.pending: dict[str, int] = {}

    def step(self, look: Callable[[Flips], list[Flip]]) -> list[Flip]:
        """Let `look` make flips of what is remembered, remember them, and return them."""
        lock = FileLock(f"{self.path}.lock", timeout=_LOCK_S, mode=local.FILE_MODE)
        try:
            local.make_folder(str(self.path.parent))
            with lock:
                document = self._read()
                flips = Flips.from_dict(document.get("flips"), self._observer)
                told = look(flips)
                log = [*_entries(document), *(flip.as_dict() for flip in told)][-MAX_FLIPS:]
                self._write({"format": _FORMAT, "flips": flips.as_dict(), "log": log}, durable=bool(told))
        except (OSError, Timeout) as error:
            raise MemoryUnusableError(f"{self.path}: {error}") from None
        self.recent, self.unsettled, self.pending = log, flips.unsettled, flips.pending
        return told

    def history(self) -> list[dict[str, Any]]:
        """Return the flips that were told, oldest first, without a lock; empty where nobody ever watched."""
        try:
            return _entries(_parsed(self._bytes()))
        except (OSError, ValueError):
            return []

    def is_used(self) -> bool:
        """Return True if anybody ever watched, whatever there was to tell."""
        try:
            return bool(_parsed(self._bytes()))
        except (OSError, ValueError):
            return False

    def _bytes(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return b""
        if len(raw) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        return raw

    def _read(self) -> dict[str, Any]:
        """Return the memory; one that is not understood is set aside, and watching begins anew with a first look."""
        try:
            return _parsed(self._bytes())
        except ValueError as error:
            kept = self.path.with_name(self.path.name + _SET_ASIDE)
            self.path.replace(kept)
            self.trouble = f"{kept}: what was told before was not understood ({error!s:.80}); watching begins anew"
            return {}

    def _write(self, document: dict[str, Any], *, durable: bool) -> None:
        raw = json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        # A power cut right after what is told must not have it told again.
        local.write(str(self.path), raw, durable=durable)


def _parsed(raw: bytes) -> dict[str, Any]:
    """Raises ValueError where `raw` is neither empty nor a memory."""
    if not raw:
        return {}
    try:
        document = json.loads(raw)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError("no memory of this format")
    return document


def _entries(document: dict[str, Any]) -> list[dict[str, Any]]:
    log = document.get("log")
    return [entry for entry in log if isinstance(entry, dict)] if isinstance(log, list) else []
