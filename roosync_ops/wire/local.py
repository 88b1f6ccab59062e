"""Local files of ours: private whatever the umask, written whole, through no link and into no other user's folder.

On Windows a user's own folders are theirs by their access lists; nothing is asked there.
"""

from __future__ import annotations

import errno
import json
import os
import stat

from .small import suppress
from .typed import Iterator, Json

FOLDER_MODE = 0o700
FILE_MODE = 0o600
#: A folder of another user's, and one that others may write into: what lies in it may be another user's.
FOREIGN = "LOCAL_DIR_FOREIGN"
OPEN = "LOCAL_DIR_OPEN"
#: One that all users share on purpose, such as /tmp: another is to be named.
SHARED = "LOCAL_DIR_SHARED"
#: No note of ours, and no answer of another session, is longer, in characters.
MAX_OBJECT = 67_108_864
_OPTIONAL = ("O_NOFOLLOW", "O_BINARY", "O_CLOEXEC")
#: O_EXCL: what lies there is neither written through nor opened, be it a link, a pipe or a device.
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | sum(getattr(os, name, 0) for name in _OPTIONAL)


class NotOursError(PermissionError):
    """`filename` is not ours alone, by `code`; strerror says why."""

    def __init__(self, path: str, code: str, reason: str) -> None:
        self.code = code
        super().__init__(errno.EPERM, reason, path)

    @property
    def mend(self) -> list[str]:
        """The words of the command that mends it: a foreign folder is set aside, not removed."""
        where = str(self.filename)
        words = {FOREIGN: ["mv", where, f"{where}.not-ours"], OPEN: ["chmod", "go-w", where]}
        return words.get(self.code, ["ls", "-ld", where])

    def __str__(self) -> str:
        import shlex  # noqa: PLC0415 - 80 kB that a loop would hold for months

        return f"{self.filename}: {self.strerror}; next: {shlex.join(self.mend)}"


def check_folder(path: str, *, parents: bool = False) -> None:
    """Raise NotOursError where `path` is there, and another user made it or may write into it.

    `parents`: or may put another in its place: then those above it are root's or ours, and others write into them
    only where the sticky bit keeps names (sshd's StrictModes asks as much). Raises OSError where it cannot be seen.
    """
    if os.name != "posix":
        return
    path = os.path.abspath(path)
    real = os.path.realpath(path)
    if os.path.lexists(path):
        _check(path, os.lstat(path))
    if os.path.exists(real):
        found = os.stat(real)
        _check(real, found)
        if found.st_mode & 0o022:
            code = SHARED if found.st_mode & stat.S_ISVTX else OPEN
            raise NotOursError(real, code, "others may write into it")
    for above in _above(path, real) if parents else ():
        found = os.lstat(above)
        _check(above, found)
        if stat.S_ISDIR(found.st_mode) and found.st_mode & 0o002 and not found.st_mode & stat.S_ISVTX:
            raise NotOursError(above, OPEN, "everybody may put another folder in its place")


def make_folder(path: str, *, parents: bool = False) -> None:
    """Make a folder of ours, and see that it is. Raises NotOursError or another OSError."""
    check_folder(path, parents=parents)
    if not os.path.isdir(path):
        os.makedirs(path, FOLDER_MODE, exist_ok=True)  # those above it are as the umask has it
        check_folder(path, parents=parents)


def create(path: str, mode: int = FILE_MODE) -> int:
    """Return a descriptor to write a new file with; what lies under its name goes, and is never followed. OSError."""
    try:
        descriptor = os.open(path, NEW, mode)
    except FileExistsError:
        os.unlink(path)
        descriptor = os.open(path, NEW, mode)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)
    return descriptor


def write(path: str, raw: bytes, mode: int = FILE_MODE, *, durable: bool = False) -> None:
    """Write a file whole or not at all; `durable`: a power cut right after leaves it. Raises OSError."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:80]}.{os.urandom(6).hex()}.tmp")
    try:
        with open(create(temporary, mode), "wb") as file:
            file.write(raw)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def remove(path: str) -> None:
    """Remove a file; what has gone already, or cannot go yet, is no matter."""
    with suppress(OSError):
        os.unlink(path)


def read_object(path: str) -> Json:
    """Return the JSON object in a small file of ours; empty where there is none, whatever lies there."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.loads(file.read(MAX_OBJECT))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def sha256_of(path: str) -> str | None:
    """Return a file's SHA-256 in hex, None where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return sha256(file.read())
    except OSError:
        return None


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hex, by what needs no OpenSSL (3 MB, and 5 ms) where this Python has it."""
    for name in ("_sha2", "_sha256", "hashlib"):
        try:
            return str(__import__(name).sha256(data).hexdigest())
        except ImportError:
            pass
    raise ImportError("sha256")


def _check(path: str, found: os.stat_result) -> None:
    """Raise NotOursError where neither root nor this user owns it; in a user namespace strangers are all one."""
    if found.st_uid not in (0, os.geteuid()) and not (found.st_uid == _OVERFLOW and _in_namespace()):
        raise NotOursError(path, FOREIGN, f"it belongs to another user (uid {found.st_uid})")


#: What an owner is called that a user namespace has no number for.
_OVERFLOW = 65_534


def _in_namespace() -> bool:
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            return file.read().split() != ["0", "0", "4294967295"]
    except OSError:
        return False


def _above(*paths: str) -> Iterator[str]:
    for path in paths:
        below, above = path, os.path.dirname(path)
        while above != below:
            if os.path.lexists(above):
                yield above
            below, above = above, os.path.dirname(above)
