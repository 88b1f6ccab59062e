"""One file of the share, opened safely: never followed, never blocked on, never more than was asked for."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time

from . import findings as f
from .text import NotUnderstoodError
from .typed import Any, Callable, T

#: Python on Windows opens in text mode unless told; elsewhere these do not exist.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_PIECE_BYTES = 65_536
#: The ending of a temporary name where `.tmp` is taken or swept away, and of what was moved out of a file's way: no
#: service of any generation reads, or sweeps away, what ends so.
SPARE = ".part"
ASIDE = ".aside"
#: Windows lets no process touch a file that another process replaces or holds open: for milliseconds (a scan, a sync).
RETRY_DELAYS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def patiently(work: Callable[..., T], *arguments: Any) -> T:
    """Return `work(*arguments)`; a refusal is tried again for at most 1.6 s. OSError passes through."""
    for delay in RETRY_DELAYS_S:
        try:
            return work(*arguments)
        except PermissionError:
            time.sleep(delay)
    return work(*arguments)


def open_patiently(path: str, flags: int) -> int:
    """Open `path` as os.open does; on Windows patiently."""
    return patiently(os.open, path, flags, 0o666) if sys.platform == "win32" else os.open(path, flags, 0o666)


def read_file(path: str, limit: int) -> bytes:
    """Return a regular file's bytes. Raises NotUnderstoodError for links, non-files, and more than `limit` bytes.

    Never follows a symbolic link, never blocks on a pipe or a device. OSError passes through.
    """
    if sys.platform == "win32":
        _refuse(os.lstat(path).st_mode)  # there is no O_NOFOLLOW there, and no opening of a folder
    try:
        descriptor = open_patiently(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotUnderstoodError(f.SYMLINK, "a symbolic link; never followed") from None
        if error.errno == errno.ENXIO:
            raise NotUnderstoodError(f.NOT_A_FILE, "a socket or a pipe") from None
        raise
    try:
        status = os.fstat(descriptor)
        _refuse(status.st_mode)
        if status.st_size > limit:
            raise NotUnderstoodError(f.TOO_LARGE, f"{status.st_size} bytes; at most {limit} are read")
        chunks, left = [], limit + 1
        while left > 0:
            chunk = os.read(descriptor, min(left, status.st_size + 1))  # so much is held for it at once
            if not chunk:
                break
            chunks.append(chunk)
            left -= len(chunk)
        if left <= 0:
            raise NotUnderstoodError(f.TOO_LARGE, f"more than {limit} bytes; it grew while it was read")
        return b"".join(chunks)
    finally:
        os.close(descriptor)


def read_piece(path: str, offset: int) -> bytes | None:
    """Return up to 64 KiB of a file from `offset` on, or where a link points; None for what holds no bytes. OSError."""
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return os.fsencode(os.readlink(path))[offset:]
    if not stat.S_ISREG(mode):
        return None
    descriptor = open_patiently(path, _FLAGS)
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, _PIECE_BYTES)
    finally:
        os.close(descriptor)


def _refuse(mode: int) -> None:
    if stat.S_ISLNK(mode):
        raise NotUnderstoodError(f.SYMLINK, "a symbolic link; never followed")
    if not stat.S_ISREG(mode):
        raise NotUnderstoodError(f.NOT_A_FILE, "a folder" if stat.S_ISDIR(mode) else "not a regular file")
