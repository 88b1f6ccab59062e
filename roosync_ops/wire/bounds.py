"""How much of a share is read at a time, so that no number or size of files in it stops a reader."""

from __future__ import annotations

import os
import sys
import time

from .record import MAX_RECORD_BYTES, MAX_VIEW_BYTES, MAX_VIEW_ENTRIES, Record
from .small import suppress
from .typed import Any, Callable

#: A reading that takes longer says how far it is, and again after as long, in s.
_SAY_AFTER_S = 3.0


class Bounds:
    """How much of a share is read at a time: by default all of it, each file as large as one is understood.

    `files` are read at once; where there are more, `few` of them each time. `after` is the name behind which reading
    goes on, and where it ended: "" where all was read. No name from `before` on is read. `slim` is given each record
    and its kind, to keep less of it; False where it is of no use. `entry` makes of an entry of the view what is kept of
    it there. `count` goes up with each file; a long reading of what is `named` says how far it is.
    """

    record_bytes = MAX_RECORD_BYTES
    view_bytes = MAX_VIEW_BYTES
    entries = MAX_VIEW_ENTRIES
    files: int | None = None
    few = 0
    seconds: float | None = None
    before: str | None = None
    slim: Callable[[Record, str], bool] | None = None
    entry: Callable[[Any], Any] | None = None

    def __init__(self, after: str = "", named: str | None = None) -> None:
        self.after = after
        self.count = 0
        self.begun = self._said_at = time.monotonic()
        self._named = named

    def tell(self, done: int, of: int) -> None:
        self.count += 1
        now = time.monotonic()
        if self._named is None or now - self._said_at < _SAY_AFTER_S:
            return
        self._said_at = now
        with suppress(OSError, ValueError, AttributeError):  # closed, or none at all (pythonw)
            sys.stderr.write(f"{self._named}: {done} of {of} files read\n")

    def are_over(self) -> bool:
        return self.seconds is not None and time.monotonic() - self.begun > self.seconds

    def names_in(self, folder: str) -> list[str]:
        """Return the names behind `after`, in order: the first `files` of them. OSError passes through."""
        names: list[str] = []
        limit, after, before = self.files, self.after, self.before
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if entry.name > after and (before is None or entry.name < before):
                    names.append(entry.name)
                if limit is not None and len(names) > 2 * limit:
                    names.sort()
                    del names[limit + 1 :]
                if not count % 1024:
                    self.tell(0, count)
                    if self.are_over():
                        break
        names.sort()
        if limit is not None and (after or len(names) > limit):
            self.files = limit = self.few
        return names if limit is None else names[: limit + 1]
