"""A machine's folder on a RAM disk, whose changes are known without looking: hours must pass in seconds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from roosync_ops.lab.replica import INCOMING, File, FolderReplica

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.lab.replica import Stamp

_IN_PLACE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class RamReplica(FolderReplica):
    """A FolderReplica that looks only where somebody said that he wrote. `changes` grows with every change.

    One thread does everything here, so a delivery needs no temporary file to arrive in one step.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (root / INCOMING).mkdir()
        self._folders = {str(root)}
        self._stamps: dict[str, Stamp] = {}
        self._is_known = False
        self.is_noticed = False
        self.changes = 0

    def touched(self, *names: str) -> None:
        """The machine's own programs wrote here: these files, or, without names, whatever."""
        self.changes += 1
        self.is_noticed = False
        self._is_known = self._is_known and bool(names)
        if self._is_known:
            for name in names:
                self._look(name)

    def scan(self) -> dict[str, Stamp]:
        self.is_noticed = True
        if not self._is_known:
            self._stamps = super().scan()
            self._is_known = True
        return dict(self._stamps)

    def stamp(self, name: str) -> Stamp | None:
        return self._stamps.get(name) if self._is_known else super().stamp(name)

    def read(self, name: str) -> File | None:
        try:
            descriptor = os.open(f"{self.root}/{name}", os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            status = os.fstat(descriptor)
            return File(os.read(descriptor, status.st_size + 1), status.st_mtime_ns)
        finally:
            os.close(descriptor)

    def deliver(self, name: str, file: File) -> Stamp:
        target = f"{self.root}/{name}"
        folder = target.rpartition("/")[0]
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - hundreds of thousands of times
            self._folders.add(folder)
        descriptor = os.open(target, _IN_PLACE, 0o666)
        try:
            os.write(descriptor, file.content)
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self.changes += 1
        stamp = self._stamps[name] = status.st_mtime_ns, status.st_size, status.st_ino
        return stamp

    def remove(self, name: str) -> None:
        super().remove(name)
        self.changes += 1
        self._stamps.pop(name, None)

    def _look(self, name: str) -> None:
        stamp = super().stamp(name)
        if stamp is None:
            self._stamps.pop(name, None)
        else:
            self._stamps[name] = stamp
