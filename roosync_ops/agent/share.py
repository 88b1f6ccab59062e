"""The shared state as the agent touches it: publish my record, read the others', keep the view. Each call is bounded.

This is the small interface behind which the synced folder stands; nothing above it knows paths.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time

from roosync_ops.wire import findings as f
from roosync_ops.wire.deadline import ShareHungError
from roosync_ops.wire.folder import (
    HEARTBEATS,
    RETRY_DELAYS_S,
    VIEW_NAME,
    ShareUnavailableError,
    Snapshot,
    open_patiently,
    owner_of,
    read_file,
    read_shared,
)
from roosync_ops.wire.merge import FILE
from roosync_ops.wire.record import MAX_RECORD_BYTES, MAX_VIEW_BYTES, NotUnderstoodError, Record, load, parse
from roosync_ops.wire.times import to_iso

from .errors import EXIT_SHARE, ProblemError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeVar

    T = TypeVar("T")

    class Bounded(Protocol):
        """What runs a touch of the share: wire.deadline.BoundedShare, or a simulator's own."""

        def call(self, function: Callable[[], T], doing: str) -> T: ...

        @property
        def stuck_since_ms(self) -> int | None: ...


OK = "ok"
HUNG = "hung"
MISSING = "missing"
READ_ONLY = "read-only"
FULL = "full"
REFUSED = "refused"

_WORDS = {
    errno.ENOENT: MISSING,
    errno.ENOTDIR: MISSING,
    errno.ENOTCONN: MISSING,  # a FUSE mount whose process died
    errno.ENODEV: MISSING,
    errno.ENXIO: MISSING,
    errno.ESTALE: MISSING,
    errno.EROFS: READ_ONLY,
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: FULL,
}
#: What Windows says in a number of its own, and C's errno in none that tells. Source: "System Error Codes".
_WINDOWS_WORDS = {
    19: READ_ONLY,  # WRITE_PROTECT
    21: MISSING,  # NOT_READY
    39: FULL,  # HANDLE_DISK_FULL
    53: MISSING,  # BAD_NETPATH
    55: MISSING,  # DEV_NOT_EXIST
    59: MISSING,  # UNEXP_NET_ERR
    64: MISSING,  # NETNAME_DELETED
    67: MISSING,  # BAD_NET_NAME
    112: FULL,  # DISK_FULL
    362: MISSING,  # CLOUD_FILE_PROVIDER_NOT_RUNNING
    433: MISSING,  # NO_SUCH_DEVICE
    1167: MISSING,  # DEVICE_NOT_CONNECTED
}
_HINTS = {
    HUNG: "vérifier le client de synchronisation: le dossier partagé ne répond pas",
    MISSING: "vérifier --shared, ou que le dossier partagé est monté; il n'est jamais créé",
    READ_ONLY: "remonter le dossier partagé en écriture",
    FULL: "libérer de la place dans le dossier partagé",
    REFUSED: "vérifier les droits d'écriture dans le dossier partagé",
}
_TEMPORARY = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_TEMPORARY |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
#: A probe as large as a record with everything in it: a share with less room than that is full.
_PROBE = b" " * 32_768


class ShareTroubleError(ProblemError):
    """The share could not be used. `state` is one of the words of `status`; `since_ms` is when a hung call began."""

    exit_code = EXIT_SHARE

    def __init__(self, state: str, reason: str, since_ms: int | None = None) -> None:
        self.state = state
        self.since_ms = since_ms
        self.cause = f"SHARE_{state.upper()}"
        self.detail = None if state == HUNG else reason
        super().__init__(reason, _HINTS[state])


class OwnFile:
    """This machine's file as it lies in the share: `data` where it was understood, else `detail` says why not."""

    __slots__ = ("data", "detail", "present")

    def __init__(self, *, present: bool, data: dict[str, Any] | None = None, detail: str | None = None) -> None:
        self.present = present
        self.data = data
        self.detail = detail


class FolderShare:
    """A synced folder. Every method raises ShareTroubleError and nothing else; none outlasts the deadline."""

    def __init__(self, shared: str, machine_id: str, bounded: Bounded) -> None:
        self.shared = shared
        self.machine_id = machine_id
        self._bounded = bounded
        self._folder = os.path.join(shared, HEARTBEATS)
        self._own = os.path.join(self._folder, f"{machine_id}.json")
        self._own_temporary = os.path.join(self._folder, f".{machine_id}.tmp")
        self._view = os.path.join(shared, VIEW_NAME)
        self._view_temporary = os.path.join(shared, f".heartbeat.{machine_id}.tmp")

    @property
    def is_stuck(self) -> bool:
        """True while a call that passed its deadline has still not come back."""
        return self._bounded.stuck_since_ms is not None

    def probe(self) -> None:
        """Prove that a record could be published now: a temporary file is written and removed again."""
        self._call(self._probe, "writing to the share")

    def read_own(self) -> OwnFile:
        return self._call(lambda: _read_own(self.shared, self._own, self.machine_id), "reading own file")

    def publish(self, raw: bytes) -> None:
        """Replace this machine's file by `raw` and read it back; on return it is in the share."""
        self._call(lambda: self._publish(raw), "writing own file")

    def read_all(self, now_ms: int, settle_s: float = 0.0) -> Snapshot:
        return self._call(lambda: read_shared(self.shared, now_ms, settle_s), "reading the shared state")

    def find_record(self, accept: Callable[[str, Record | None], bool]) -> str | None:
        """Return the first machineId, in order, whose file's record `accept` takes; files behind it are not read."""
        return self._call(lambda: _find_record(self._folder, accept), "reading heartbeats")

    def write_view(self, raw: bytes) -> None:
        self._call(lambda: replace_file(self._view, self._view_temporary, raw), "writing the view")

    def copy_own(self) -> bytes:
        """Return the bytes of this machine's file, whatever they are, to be set aside."""
        return self._call(lambda: _raw(self._own), "copying own file")

    def copy_view(self) -> bytes:
        return self._call(lambda: _raw(self._view), "copying the view")

    def _call(self, function: Callable[[], T], doing: str) -> T:
        try:
            return self._bounded.call(function, doing)
        except ShareHungError as error:
            reason = f"{self.shared}: aucune réponse en {error.deadline_s:g} s ({error.doing})"
            raise ShareTroubleError(HUNG, f"{reason} depuis {to_iso(error.since_ms)}", error.since_ms) from None
        except ShareUnavailableError as error:
            raise self._trouble(error) from None
        except OSError as error:
            raise self._trouble(error) from None

    def _trouble(self, error: OSError) -> ShareTroubleError:
        where = error.filename if isinstance(error.filename, str) else self.shared
        word = _WORDS.get(error.errno or 0, REFUSED)
        if sys.platform == "win32":
            word = _WINDOWS_WORDS.get(error.winerror or 0, word)
        return ShareTroubleError(word, f"{where}: {error.strerror or type(error).__name__}")

    def _probe(self) -> None:
        self._prepare()
        try:
            _write_temporary(self._own_temporary, _PROBE)
        finally:
            _remove(self._own_temporary)

    def _publish(self, raw: bytes) -> None:
        self._prepare()
        replace_file(self._own, self._own_temporary, raw)

    def _prepare(self) -> None:
        """Make `heartbeats/` where it is missing, and never the shared folder itself."""
        try:
            mode = os.lstat(self._folder).st_mode
        except FileNotFoundError:
            _make_folder(self._folder)
            return
        if not stat.S_ISDIR(mode):
            kind = "lien symbolique" if stat.S_ISLNK(mode) else "autre chose"
            raise OSError(errno.EPERM, f"un dossier est attendu, c'est un {kind}; jamais suivi", self._folder)


def _make_folder(path: str) -> None:
    try:  # noqa: SIM105 - contextlib is memory held for months
        os.mkdir(path)
    except FileExistsError:
        pass  # another machine's replica delivered it in between


def replace_file(path: str, temporary: str, raw: bytes) -> None:
    """Put `raw` at `path` in one step and read it back. On failure nothing but the old file is left. OSError."""
    try:
        _write_temporary(temporary, raw)
        _replace(temporary, path)
    except OSError:
        _remove(temporary)
        raise
    if _read_back(path, len(raw)) != raw:
        raise OSError(errno.EIO, "la relecture diffère de ce qui a été écrit", path)


def _write_temporary(path: str, raw: bytes) -> None:
    try:
        descriptor = open_patiently(path, _TEMPORARY)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        os.unlink(path)  # a link under our own temporary name: never written through
        descriptor = os.open(path, _TEMPORARY, 0o666)
    try:
        while raw:
            raw = raw[os.write(descriptor, raw) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(temporary: str, path: str) -> None:
    for delay in RETRY_DELAYS_S:
        try:
            os.replace(temporary, path)
        except PermissionError:
            time.sleep(delay)
        else:
            return
    os.replace(temporary, path)


def _remove(path: str) -> None:
    try:  # noqa: SIM105 - contextlib is memory held for months
        os.unlink(path)
    except OSError:
        pass  # gone already, or the share is; one name per writer, so at most one is ever left


def _read_back(path: str, size: int) -> bytes | None:
    try:
        return read_file(path, size)
    except NotUnderstoodError:
        return None


def _read_own(shared: str, path: str, machine_id: str) -> OwnFile:
    try:
        data, _ = load(read_file(path, MAX_RECORD_BYTES))
        parse(data, machine_id, path)
    except FileNotFoundError:
        os.stat(shared)  # a share that is gone is not a share without our file
        return OwnFile(present=False)
    except NotUnderstoodError as error:
        return OwnFile(present=True, detail=f"{error.kind}: {error.detail}")
    return OwnFile(present=True, data=data)


def _find_record(folder: str, accept: Callable[[str, Record | None], bool]) -> str | None:
    for name in sorted(os.listdir(folder)):
        owner = owner_of(name)
        if owner is None or owner[1] != FILE:
            continue
        if accept(owner[0], _read_record(os.path.join(folder, name), owner[0])):
            return owner[0]
    return None


def _read_record(path: str, machine_id: str) -> Record | None:
    try:
        return parse(load(read_file(path, MAX_RECORD_BYTES))[0], machine_id, path)[0]
    except (OSError, NotUnderstoodError):
        return None


def _raw(path: str) -> bytes:
    """Return a file's first bytes, or what a link points at. A folder's OSError passes through."""
    if os.path.islink(path):
        return os.fsencode(os.readlink(path))
    try:
        return read_file(path, MAX_VIEW_BYTES)
    except NotUnderstoodError as error:
        if error.kind != f.TOO_LARGE:
            raise OSError(errno.EPERM, error.detail, path) from None
    with open(path, "rb") as file:
        return file.read(MAX_VIEW_BYTES)
