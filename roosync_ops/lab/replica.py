"""One machine's copy of the shared folder, as a file-sync product's client on that machine handles it."""

from __future__ import annotations

import errno
import functools
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Where a delivery is built before it appears under its own name: the folder Google Drive for desktop uses for this.
INCOMING = ".tmp.drivedownload"

#: What tells one content of a file from the next without reading it: mtime (ns), size (bytes), inode.
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class File:
    """A whole file: what is replicated. `mtime_ns` travels with it, as sync products keep it."""

    content: bytes
    mtime_ns: int = 0


class UnsettledError(OSError):
    """The file changed while it was read: its writer is not done."""


class Replica(Protocol):
    """What the replicator needs of a copy. Names are relative, with `/`. All but `stamp` raise OSError."""

    def scan(self) -> dict[str, Stamp]:
        """Return every replicated file. Raises OSError where the folder is not there: that is no deletion."""
        ...

    def stamp(self, name: str) -> Stamp | None:
        """Return one file's stamp, None where there is none."""
        ...

    def read(self, name: str) -> File | None:
        """Return one file, None where there is none. Raises UnsettledError while it is being written."""
        ...

    def deliver(self, name: str, file: File) -> Stamp:
        """Put `file` there in one step and return its stamp."""
        ...

    def remove(self, name: str) -> None:
        """Take the file away; fine where there is none."""
        ...


@functools.lru_cache(maxsize=1024)
def is_replicated(name: str) -> bool:
    """Return True if a file-sync product uploads this: hidden and temporary files stay at home."""
    return not any(part.startswith(".") or part.endswith(".tmp") for part in name.split("/"))


class FolderReplica:
    """A replica that is a folder of this computer."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._deliveries = 0

    def scan(self) -> dict[str, Stamp]:
        return dict(_walk(str(self.root), ""))

    def stamp(self, name: str) -> Stamp | None:
        try:
            status = os.lstat(self.root / name)
        except OSError:
            return None
        return _stamp(status) if stat.S_ISREG(status.st_mode) else None

    def read(self, name: str) -> File | None:
        self._check_inside(name)
        try:
            descriptor = os.open(self.root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as stream:
            before = _stamp(os.fstat(descriptor))
            content = stream.read()
            after = _stamp(os.fstat(descriptor))
        if before != after or len(content) != before[1]:
            raise UnsettledError(f"{name}: changed while it was read")
        return File(content, before[0])

    def deliver(self, name: str, file: File) -> Stamp:
        self._check_inside(name)
        target = self.root / name
        temporary = self._build(file)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            arrived = _stamp(temporary.stat())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return arrived

    def remove(self, name: str) -> None:
        self._check_inside(name)
        (self.root / name).unlink(missing_ok=True)

    def _check_inside(self, name: str) -> None:
        """Raise OSError where a folder on the way is a link: it may lead out of the share."""
        folder = self.root
        for part in name.split("/")[:-1]:
            folder /= part
            if folder.is_symlink():
                raise NotADirectoryError(errno.ENOTDIR, "a symbolic link is no folder of the share", str(folder))

    def _build(self, file: File) -> Path:
        """Write the delivery aside. A share that is gone is not made anew: only the folder inside it is."""
        folder = self.root / INCOMING
        folder.mkdir(exist_ok=True)
        self._deliveries += 1
        temporary = folder / str(self._deliveries)
        temporary.write_bytes(file.content)
        os.utime(temporary, ns=(file.mtime_ns, file.mtime_ns))
        return temporary


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_replicated(entry.name):
                continue
            # A file or a folder may vanish between listing and looking.
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    yield from _walk(entry.path, f"{prefix}{entry.name}/")
                elif stat.S_ISREG(status.st_mode):
                    yield prefix + entry.name, _stamp(status)


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino
