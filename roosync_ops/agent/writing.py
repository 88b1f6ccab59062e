"""Writing where others can put anything under our names: nothing is followed, opened or lost, and it is written.

What lies in the way and has content is moved aside under a hidden name that no service reads; what has none goes.
"""

from __future__ import annotations

import errno
import os
import stat

from roosync_ops.wire.files import ASIDE, SPARE, open_patiently, patiently
from roosync_ops.wire.local import NEW, remove
from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Iterator

#: All users of the folder read it, its owner alone writes it, whatever the umask the agent was started with.
MODE = 0o644
#: So many names are tried for one write, and so many things moved aside for one name.
_MAX_NAMES = 4
_MAX_ASIDE = 8


def put(path: str, temporary: str, raw: bytes, mode: int | None = MODE) -> None:
    """Put `raw` at `path` in one step, by way of `temporary` or another name like it. OSError; no temporary is left.

    The newest older service deletes every `*.tmp` at its start: what was swept away is written again at once, under a
    name it does not know.
    """
    clear_way(path)
    for name in _names(temporary):
        written = write(name, raw, mode)
        try:
            patiently(os.replace, written, path)
        except FileNotFoundError:
            os.lstat(os.path.dirname(path))  # a share that is gone is not a file that was swept away
        except OSError:
            remove(written)
            raise
        else:
            return
    raise OSError(errno.EBUSY, "effacé chaque fois avant d'être en place", temporary)


def write(temporary: str, raw: bytes, mode: int | None = MODE) -> str:
    """Write `raw` under `temporary`, or where that cannot be cleared under another name; return which. OSError.

    `mode` None is as the umask has it.
    """
    for name in _names(temporary):
        try:
            descriptor = _create(name)
        except FileExistsError:
            continue
        try:
            _fill(descriptor, raw, mode)
        except OSError:
            remove(name)
            raise
        return name
    raise OSError(errno.EEXIST, "un dossier occupe ce nom et les suivants; à enlever à la main", temporary)


def clear_way(path: str) -> None:
    """Move a folder aside that lies under a file's name: no file can replace it. OSError."""
    try:
        found = os.lstat(path).st_mode
    except OSError:
        return
    if stat.S_ISDIR(found):
        move_aside(path)


def move_aside(path: str) -> None:
    """Give what lies at `path` a hidden name beside it; an empty folder goes. OSError."""
    try:
        os.rmdir(path)
    except OSError:
        folder, name = os.path.split(path)
        for number in range(_MAX_ASIDE):
            aside = os.path.join(folder, f".{name}.{number}{ASIDE}")
            if not os.path.lexists(aside):
                os.rename(path, aside)
                return
        raise OSError(errno.EEXIST, f"déjà {_MAX_ASIDE} fois mis de côté; à enlever à la main", path) from None


def make_folder(path: str) -> None:
    """Make a folder that all its users read, or see that there is one; else it is moved aside. OSError."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            return
        move_aside(path)
    except FileNotFoundError:
        pass
    with suppress(FileExistsError):  # another machine's replica delivered it in between
        os.mkdir(path)
        with suppress(OSError):  # a share without modes
            os.chmod(path, stat.S_IMODE(os.lstat(path).st_mode) | 0o055)  # noqa: S103 - the record in it is 0644


def _names(temporary: str) -> Iterator[str]:
    yield temporary
    for number in range(1, _MAX_NAMES):
        yield f"{temporary.removesuffix('.tmp')}.{number}{SPARE}"


def _create(name: str) -> int:
    """Create a new file; what lies under its name goes first, unless it is a folder with something in it."""
    try:
        return open_patiently(name, NEW)
    except OSError as error:
        if not os.path.lexists(name):
            raise
        try:
            (os.rmdir if os.path.isdir(name) and not os.path.islink(name) else os.unlink)(name)
        except FileNotFoundError:
            pass
        except OSError:
            raise FileExistsError(errno.EEXIST, error.strerror or "", name) from None
        return os.open(name, NEW, 0o666)


def _fill(descriptor: int, raw: bytes, mode: int | None) -> None:
    try:
        if mode is not None and hasattr(os, "fchmod"):
            with suppress(OSError):  # a share without modes
                os.fchmod(descriptor, mode)
        while raw:
            raw = raw[os.write(descriptor, raw) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
