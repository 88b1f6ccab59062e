"""The share where it is a synced folder, each touch bounded; nothing above knows its paths."""

from __future__ import annotations

import errno
import os
import sys

from roosync_ops.wire.bounds import Bounds
from roosync_ops.wire.deadline import BoundedShare, ShareHungError
from roosync_ops.wire.files import SPARE, read_file, read_piece
from roosync_ops.wire.folder import SETTLE_S, read_shared
from roosync_ops.wire.local import remove
from roosync_ops.wire.merge import FILE, Snapshot
from roosync_ops.wire.names import HEARTBEATS, LEFT_ENDING, USUAL_NAME, VIEW_NAME, owner_of
from roosync_ops.wire.record import Record, parse
from roosync_ops.wire.small import suppress, wait_until
from roosync_ops.wire.text import NotUnderstoodError, load
from roosync_ops.wire.times import to_iso
from roosync_ops.wire.typed import Callable, Json, T
from roosync_ops.wire.view import reading

from .config import MAX_RECORD_BYTES, Config
from .errors import FULL, HUNG, MISSING, READ_ONLY, REFUSED, UNSYNCED, ShareTroubleError
from .writing import MODE, make_folder, put, write

# ENOTCONN: a FUSE mount whose process died.
_AWAY = (errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.ESTALE)
_WORDS = {
    **dict.fromkeys(_AWAY, MISSING),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FULL),
    errno.EROFS: READ_ONLY,
}
#: What Windows says in a number of its own, and C's errno in none that tells. Source: "System Error Codes".
#: NOT_READY, BAD_NETPATH, DEV_NOT_EXIST, UNEXP_NET_ERR, NETNAME_DELETED, BAD_NET_NAME, CLOUD_FILE_PROVIDER_NOT_RUNNING,
#: NO_SUCH_DEVICE, DEVICE_NOT_CONNECTED; HANDLE_DISK_FULL, DISK_FULL; WRITE_PROTECT.
_WINDOWS_WORDS = {
    **dict.fromkeys((21, 53, 55, 59, 64, 67, 362, 433, 1167), MISSING),
    **dict.fromkeys((39, 112), FULL),
    19: READ_ONLY,
}
#: What a touch that hangs was to do, in the agent's language.
_DOING = {
    "writing to the share": "écriture d'essai",
    "looking for heartbeats": "recherche des fiches",
    "reading own file": "lecture de sa fiche",
    "writing own file": "écriture de sa fiche",
    "reading the shared state": "lecture de l'état partagé",
    "reading heartbeats": "lecture des fiches",
    "writing the view": "écriture de la vue",
    "copying a file": "copie d'un fichier",
}
#: As large as a record with everything in it: a share with less room is full.
_PROBE = b" " * 32_768
#: What an agent reads of others is bounded, whatever lies there. More files than this are read at its next checks.
MAX_VIEW_BYTES = 262_144
_MAX_ENTRIES = 1_000
MAX_FILES = 256
_FEW_FILES = 48
_MAX_SECONDS = 0.5
_FOLLOW_S = 0.2


def bounds_from(after: str, before: str | None = None, slim: Callable[[Record, str], bool] | None = None) -> Bounds:
    """Return how much an agent reads at a check, of what lies behind the name `after` and before `before`."""
    bounds = Bounds(after)
    bounds.record_bytes, bounds.view_bytes, bounds.entries = MAX_RECORD_BYTES, MAX_VIEW_BYTES, _MAX_ENTRIES
    bounds.files, bounds.few, bounds.seconds = MAX_FILES, _FEW_FILES, _MAX_SECONDS
    bounds.before, bounds.slim, bounds.entry = before, slim, reading
    return bounds


class FolderShare:
    """A synced folder. What others wrote is read through `reading`: a listing that takes long holds no beat up."""

    def __init__(
        self, shared: str, machine_id: str, bounded: BoundedShare, reading: BoundedShare | None = None
    ) -> None:
        self.shared = shared
        self.machine_id = machine_id
        self._bounded = bounded
        self._reading = reading or bounded
        self._folder = os.path.join(shared, HEARTBEATS)
        self._own = os.path.join(self._folder, f"{machine_id}.json")
        self._left = os.path.join(self._folder, f"{machine_id}{LEFT_ENDING}")
        self._view = os.path.join(shared, VIEW_NAME)
        self._view_temporary = os.path.join(shared, f".heartbeat.{machine_id}.tmp")

    @property
    def is_stuck(self) -> bool:
        """True while a call that passed its deadline has still not come back."""
        return self._bounded.stuck_since_ms is not None

    def probe(self) -> None:
        """Prove that a record could be published now, beside a loop that may do so: another file comes and goes."""
        self._call(lambda: remove(write(self._prepared(f".9{SPARE}"), _PROBE)), "writing to the share")

    def follow(self, limit_s: float) -> None:
        """Wait until any record is here: two machines that each make `heartbeats/` get a second one from the sync."""

        def are_here() -> bool:
            try:
                return any(name.endswith(".json") for name in os.listdir(self._folder))
            except FileNotFoundError:
                return False

        if not wait_until(lambda: self._call(are_here, "looking for heartbeats", self._reading), limit_s, _FOLLOW_S):
            raise ShareTroubleError(UNSYNCED, f"{self._folder}: aucun heartbeat n'y est arrivé en {limit_s:g} s")

    def read_own(self) -> Json | None:
        """Return what this machine's file holds; None where there is none, or none that can be understood."""
        record = self.own_record()[0]
        return None if record is None else record.data

    def own_record(self) -> tuple[Record | None, str | None]:
        """Return this machine's record as it lies in the share; and why one that lies there was not understood."""
        return self._call(lambda: _read_own(self.shared, self._own, self.machine_id), "reading own file")

    def read_before(self, now_ms: int) -> Record | None:
        """Return what others tell of this machine before it has a file of its own; they hold up no beat."""
        own = self.machine_id
        with suppress(ShareTroubleError):  # from "me" to "me.t" are the copies of our own file, and few others
            for piece in self.read_all(now_ms, bounds_from(own, f"{own}.t")).evidence:
                if piece.record.machine_id == own and not piece.record.doubted:
                    return piece.record
        return None

    def publish(self, raw: bytes, *, leaves: bool = False) -> None:
        """Replace this machine's file by `raw` and read it back; on return it is in the share.

        Of a machine that `leaves` it lies where no older service writes its memory over it as well, if it can.
        """
        self._call(lambda: self._publish(raw), "writing own file")
        if leaves:
            with suppress(ShareTroubleError):  # its own file says so, and was read back
                self._call(lambda: replace_file(self._left, self._prepared(), raw), "writing own file")

    def _publish(self, raw: bytes) -> None:
        replace_file(self._own, self._prepared(), raw)
        remove(self._left)

    def read_all(self, now_ms: int, bounds: Bounds | None = None) -> Snapshot:
        """Read as much of the shared state as `bounds` say; without, all of it: while it goes on that does not hang."""
        settle_s, whole = 0.0 if bounds else SETTLE_S, Bounds(named=self.shared)
        return self._call(
            lambda: read_shared(self.shared, now_ms, settle_s, bounds or whole),
            "reading the shared state",
            self._reading,
            lambda: whole.count,
        )

    def find_record(self, accept: Callable[[Record], bool], bounds: Bounds, also: str | None = None) -> str | None:
        """Return the first machineId, in order, whose file's record `accept` takes; files behind it are not read.

        `also` is a machine that is asked where `bounds` end before all have been.
        """
        return self._call(lambda: _find_record(self._folder, accept, bounds, also), "reading heartbeats", self._reading)

    def write_view(self, raw: bytes) -> None:
        self._call(lambda: replace_file(self._view, self._view_temporary, raw), "writing the view")

    def copy(self, name: str, offset: int) -> bytes | None:
        """Return a piece of this machine's file, or of the view, to be set aside; None where it holds no bytes."""
        path = self._view if name == VIEW_NAME else self._own
        return self._call(lambda: read_piece(path, offset), "copying a file")

    def _call(
        self,
        function: Callable[[], T],
        doing: str,
        bounded: BoundedShare | None = None,
        progress: Callable[[], int] | None = None,
    ) -> T:
        try:
            return (bounded or self._bounded).call(function, doing, progress)
        except ShareHungError as error:
            reason = f"{self.shared}: aucune réponse en {error.deadline_s:g} s ({_DOING.get(error.doing, error.doing)})"
            raise ShareTroubleError(HUNG, f"{reason} depuis {to_iso(error.since_ms)}", error.since_ms) from None
        except OSError as error:
            where = error.filename if isinstance(error.filename, str) else self.shared
            word = _WORDS.get(error.errno or 0, REFUSED)
            if sys.platform == "win32":
                word = _WINDOWS_WORDS.get(error.winerror or 0, word)
            raise ShareTroubleError(word, f"{where}: {error.strerror or type(error).__name__}") from None

    def _prepared(self, ending: str = ".tmp") -> str:
        """Return a temporary name of this machine's file.

        `heartbeats/` is made where it is missing, and never in a folder that is evidently not the shared state.
        """
        if not os.path.lexists(self._folder):
            parent, own = os.path.split(os.path.abspath(self.shared))
            within = os.path.join(self.shared, USUAL_NAME)
            if own == HEARTBEATS or os.path.isdir(within):
                right = parent if own == HEARTBEATS else within
                raise OSError(errno.ENOENT, f"ce n'est pas l'état partagé; c'est {right}", self.shared)
        make_folder(self._folder)
        return os.path.join(self._folder, f".{self.machine_id}{ending}")


def folder_of(config: Config) -> FolderShare:
    """Return the folder, each touch bounded by the configured deadline."""
    own, others = BoundedShare(config.share_deadline_s), BoundedShare(config.share_deadline_s)
    return FolderShare(config.shared, config.machine_id, own, others)


def replace_file(path: str, temporary: str, raw: bytes, mode: int | None = MODE) -> None:
    """Put `raw` at `path` in one step and read it back. On failure nothing but the old file is left. OSError."""
    put(path, temporary, raw, mode)
    with suppress(NotUnderstoodError):
        if read_file(path, len(raw)) == raw:
            return
    raise OSError(errno.EIO, "la relecture diffère de ce qui a été écrit", path)


def _read_own(shared: str, path: str, machine_id: str) -> tuple[Record | None, str | None]:
    try:
        if os.path.islink(os.path.dirname(path)):
            return None, None
        return parse(load(read_file(path, MAX_RECORD_BYTES))[0], machine_id)[0], None
    except (FileNotFoundError, NotADirectoryError):
        os.stat(shared)  # a share that is gone is not a share without our file
        return None, None
    except NotUnderstoodError as error:
        return None, f"{error.kind}: {error.detail}"


def _find_record(folder: str, accept: Callable[[Record], bool], bounds: Bounds, also: str | None) -> str | None:
    for number, name in enumerate(bounds.names_in(folder)):
        if number == bounds.files or (number and bounds.are_over()):
            break
        bounds.after = name
        owner = owner_of(name)
        if owner is not None and owner[1] == FILE and _is_taken(os.path.join(folder, name), owner[0], accept):
            bounds.after = ""
            return owner[0]
    else:
        bounds.after = ""
        return None
    return also if also is not None and _is_taken(os.path.join(folder, f"{also}.json"), also, accept) else None


def _is_taken(path: str, machine_id: str, accept: Callable[[Record], bool]) -> bool:
    try:
        return accept(parse(load(read_file(path, MAX_RECORD_BYTES))[0], machine_id)[0])
    except (OSError, NotUnderstoodError):
        return False
