"""Files to and from a Windows machine by SFTP: whole or not at all, and read back before they count."""

from __future__ import annotations

import hashlib
import posixpath
import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from paramiko import SFTPClient

#: What replaces a file lies beside it as `<name>.<8 hex>.part`. Not under one name: the server of a connection that was
#: cut off may still be writing to the last one. Whoever uploads next removes what others left.
_PART: Final = ".part"
_LEFT: Final = re.compile(r"\.[0-9a-f]{8}\.part")
#: How often, and with what pause in s, a file that somebody holds open is asked for: a scanner lets go soon.
_ATTEMPTS: Final = 5
_PAUSE_S: Final = 0.3


class TransferError(OSError):
    """A file that did not get where it was to go. The message says what became of the one that was there before."""


def sftp_path(path: str) -> str:
    """Return a Windows path as SFTP has it: `C:/ProgramData/x`."""
    return path.replace("\\", "/")


def put(sftp: SFTPClient, data: bytes, path: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Have `data` be the file at `path`, in a folder that is made where it is missing. Raises TransferError."""
    target = sftp_path(path)
    part = f"{target}.{secrets.token_hex(4)}{_PART}"
    _make_folders(sftp, posixpath.dirname(target))
    _clear_away(sftp, target)
    try:
        with sftp.open(part, "wb") as file:
            file.set_pipelined(True)
            file.write(data)
        _verify(sftp, data, part)
        _put_in_place(sftp, part, target, sleep)
    except OSError as error:
        with suppress(OSError, EOFError):
            sftp.remove(part)
        if isinstance(error, TransferError):
            raise
        raise TransferError(f"{target}: not uploaded ({error}); {_left(sftp, target)}") from error


def get(sftp: SFTPClient, path: str) -> bytes:
    """Return the file at `path`, of which all came. Raises OSError."""
    with sftp.open(sftp_path(path), "rb") as file:
        size = file.stat().st_size
        file.prefetch(size)
        data = file.read()
    if len(data) != size:
        raise TransferError(f"{path}: {len(data)} of {size} bytes came")
    return data


def remove(sftp: SFTPClient, path: str) -> None:
    """Remove a file or an empty folder; one that is not there, or is not empty, is no failure."""
    with suppress(OSError):
        sftp.remove(sftp_path(path))
    with suppress(OSError):
        sftp.rmdir(sftp_path(path))


def _verify(sftp: SFTPClient, data: bytes, part: str) -> None:
    came = hashlib.sha256(get(sftp, part)).hexdigest()
    wanted = hashlib.sha256(data).hexdigest()
    if came != wanted:
        raise TransferError(f"{part}: it arrived with SHA-256 {came}, not {wanted}; it was not put in place")


def _put_in_place(sftp: SFTPClient, part: str, target: str, sleep: Callable[[float], None]) -> None:
    """Replace the target. Windows refuses while a process holds it open.

    OpenSSH 8.1 and older remove the target and then rename: what fails, or is cut off, in between leaves none.
    """
    for attempt in range(_ATTEMPTS):
        try:
            sftp.posix_rename(part, target)
        except OSError as error:
            if attempt == _ATTEMPTS - 1:
                raise TransferError(
                    f"{target}: not replaced ({error}): a process holds it open, or it may not be written; "
                    f"{_left(sftp, target)}"
                ) from error
            sleep(_PAUSE_S)
        else:
            return


def _left(sftp: SFTPClient, target: str) -> str:
    """Word what a failure left at `target`, by looking."""
    try:
        sftp.stat(target)
    except FileNotFoundError:
        return "no such file is there now: upload it again"
    except Exception:  # noqa: BLE001 - a connection that broke tells in many ways
        return "whether the old file is still there is not known"
    return "what was there is still there"


def _clear_away(sftp: SFTPClient, target: str) -> None:
    """Remove what uploads of the same file left that were cut off; one that is still held goes the next time."""
    folder, name = posixpath.split(target)
    for other in sftp.listdir(f"{folder}/"):
        if other.startswith(name) and _LEFT.fullmatch(other[len(name) :]):
            with suppress(OSError):
                sftp.remove(f"{folder}/{other}")


def _make_folders(sftp: SFTPClient, folder: str) -> None:
    if folder.count("/") == 0:  # a drive is there or is not
        return
    try:
        sftp.stat(folder)
    except FileNotFoundError:
        _make_folders(sftp, posixpath.dirname(folder))
        with suppress(OSError):  # another may have been faster; if not, the upload says why
            sftp.mkdir(folder)
