"""One machine's copy of the shared folder, and what a file-sync product's client on that machine remembers of it."""

import errno
import functools
import os
import random
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

#: Where a delivery is built before it appears under its own name: the folder Google Drive for desktop uses for this.
INCOMING = ".tmp.drivedownload"

#: A FileVersions keeps so many versions, and one of each of so many hours.
_RECENT = 6
_HOURS = 6
_HOUR_S = 3600.0

#: What tells one content of a file from the next without reading it: mtime (ns), size (bytes), inode.
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class File:
    """A whole file: what is replicated. `mtime_ns` travels with it, as sync products keep it."""

    content: bytes
    mtime_ns: int = 0


@functools.lru_cache(maxsize=1024)
def is_replicated(name: str) -> bool:
    """Return True if a file-sync product uploads this: hidden and temporary files stay at home."""
    return not any(part.startswith(".") or part.endswith(".tmp") for part in name.split("/"))


class FolderReplica:
    """A replica that is a folder of this computer. Names are relative, with `/`. All but `stamp` raise OSError."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._deliveries = 0

    def scan(self) -> dict[str, Stamp]:
        """Return every replicated file. Raises OSError where the folder is not there: that is no deletion."""
        return dict(_walk(str(self.root), ""))

    def stamp(self, name: str) -> Stamp | None:
        try:
            status = os.lstat(self.root / name)
        except OSError:
            return None
        return _stamp(status) if stat.S_ISREG(status.st_mode) else None

    def read(self, name: str) -> File | None:
        """Return one file, None where there is none. Raises OSError while it is being written."""
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
            raise OSError(f"{name}: changed while it was read")
        return File(content, before[0])

    def deliver(self, name: str, file: File) -> Stamp:
        """Put `file` there in one step and return its stamp; a folder is made inside the share, never the share."""
        self._check_inside(name)
        (self.root / INCOMING).mkdir(exist_ok=True)
        self._deliveries += 1
        target, temporary = self.root / name, self.root / INCOMING / str(self._deliveries)
        temporary.write_bytes(file.content)
        os.utime(temporary, ns=(file.mtime_ns, file.mtime_ns))
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


@dataclass(frozen=True, slots=True)
class Version:
    """What the sync product holds of one file; `file` is None once it has been deleted.

    `whole` is False for what a faulty client shows instead of that version for the time being.
    """

    number: int
    file: File | None
    whole: bool = True


class FileVersions:
    """The versions of one file that the product still has, oldest first: the last few, and one an hour."""

    def __init__(self) -> None:
        self.recent: deque[Version] = deque(maxlen=_RECENT)
        self._hourly: deque[tuple[float, Version]] = deque(maxlen=_HOURS)

    def add(self, now: float, version: Version) -> None:
        """Add the newest version; `now` in seconds."""
        self.recent.append(version)
        if not self._hourly or now - self._hourly[-1][0] >= _HOUR_S:
            self._hourly.append((now, version))

    @property
    def oldest(self) -> Version:
        """The version of hours ago, or the first of all. There is one: it begins with its first version."""
        return self._hourly[0][1]


@dataclass(slots=True)
class SyncLink:
    """One machine's connection to the sync product, and what its client remembers.

    `up` and `down` are switches: a change made while `up` is off waits, and goes out when it is on again. `faults` are
    the names of those that are on: see faults.py.
    """

    replica: FolderReplica
    up: bool = True
    down: bool = True
    name: str = ""
    faults: set[str] = field(default_factory=set)
    #: Each file as the last look found it.
    known: dict[str, Stamp] = field(default_factory=dict)
    #: The version of each file that this replica sent or received last.
    held: dict[str, Version] = field(default_factory=dict)
    #: When each transfer is due, in seconds.
    uploads: dict[str, float] = field(default_factory=dict)
    downloads: dict[str, float] = field(default_factory=dict)
    #: Why the last look or transfer failed; empty when it did not.
    trouble: str = ""
    #: Whether a fault was on at the last step: what it left behind is to be put right.
    upset: bool = False
    #: Draws what this machine's faults draw.
    draw: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - replayable, no secret
    #: duplicate-names: under which other name the newest version of a file is shown.
    twins: dict[str, str] = field(default_factory=dict)
    #: old-files: whether that has been done for the fault that is on.
    is_old: bool = False
    #: vanishing: when the next file goes, in seconds.
    vanish_at: float | None = None


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
