"""A machine's folder on a RAM disk, whose changes are known without looking: hours must pass in seconds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from roosync_ops.lab.replica import INCOMING, FolderReplica

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.lab.replica import File, Stamp


class RamReplica(FolderReplica):
    """A FolderReplica that looks only where somebody said that he wrote. `changes` grows with every change."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._incoming = str(root / INCOMING)
        (root / INCOMING).mkdir()
        self._folders = {str(root)}
        self._stamps: dict[str, Stamp] = {}
        self.is_fresh = False
        self.changes = 0

    def touched(self) -> None:
        """The machine's own programs wrote here."""
        self.changes += 1
        self.is_fresh = False

    def scan(self) -> dict[str, Stamp]:
        if not self.is_fresh:
            self._stamps = super().scan()
            self.is_fresh = True
        return dict(self._stamps)

    def deliver(self, name: str, file: File) -> Stamp:
        target = f"{self.root}/{name}"
        folder = target.rpartition("/")[0]
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - hundreds of thousands of times
            self._folders.add(folder)
        temporary = f"{self._incoming}/one"
        with open(temporary, "wb") as stream:  # noqa: PTH123 - as above
            stream.write(file.content)
        status = os.stat(temporary)  # noqa: PTH116 - as above
        os.replace(temporary, target)  # noqa: PTH105 - as above
        self.changes += 1
        self._stamps[name] = status.st_mtime_ns, status.st_size, status.st_ino
        return self._stamps[name]

    def remove(self, name: str) -> None:
        super().remove(name)
        self.changes += 1
        self._stamps.pop(name, None)
