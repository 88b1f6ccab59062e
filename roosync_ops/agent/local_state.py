"""The local truth: what the journal holds, with every key there from the start, and the folder it lies in."""

from __future__ import annotations

import errno
import os
import re
import signal
import stat
import sys
import zlib

from roosync_ops.wire import local
from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Callable, Iterator, Json

from .config import Config, is_packaged
from .errors import OK, PACKAGED_PROCESS, CodedError, LocalError, ProblemError
from .journal import read
from .lock import Lock, is_held
from .machine import signal_process

#: Held while the user's logon session is asked something; in the local folder itself, as the one task for it is.
ASK_LOCK = "ask.lock"
#: What is kept for one machine and one shared state lies in `<machineId>-<crc32>`: Config.instance.
INSTANCE = re.compile(r"[a-z0-9-]{1,63}-[0-9a-f]{8}")
#: How many copies of what could not be understood are kept: the next one replaces the oldest.
MAX_SET_ASIDE = 8
MAX_SET_ASIDE_BYTES = 16_777_216


class Places:
    """The files of one machine in one shared state. All local; none is ever in the share."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.loop_lock = os.path.join(folder, "loop.lock")
        self.write_lock = os.path.join(folder, "write.lock")
        #: Held by `start`, `stop`, `install` and `uninstall`, so that no two of them undo each other's work.
        self.control_lock = os.path.join(folder, "control.lock")
        self.journal = os.path.join(folder, "journal")
        self.set_aside = os.path.join(folder, "set-aside")
        #: What `stop` asks of the loop beside the signal.
        self.request = os.path.join(folder, "stop-request")
        #: There from `stop` to `start` where a task keeps the loop: an instance that is just starting then ends.
        self.halted = os.path.join(folder, "halted")
        #: Why a build on trial was left again; gone with the next trial.
        self.rolled_back = os.path.join(folder, "rolled-back")
        #: On Windows: which process runs the build on trial, though it never came so far as to say so itself.
        self.tried = os.path.join(folder, "tried")

    def found_by(self) -> list[tuple[int, int] | None]:
        """Return which files lie where a loop is found and writes, None for what is none."""
        return [_file(path) for path in (self.loop_lock, self.write_lock, self.journal)]


def _file(path: str) -> tuple[int, int] | None:
    with suppress(OSError):
        found = os.lstat(path)
        return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
    return None


def prepare(config: Config) -> Places:
    """Make the local folder. Raises LocalError where it cannot be, CodedError where no other program would see it."""
    places = Places(config.instance_dir)
    if sys.platform == "win32" and "\\appdata\\" in config.local_dir.lower() and is_packaged():
        raise _in_a_package(config)
    with Using(places.folder):
        local.make_folder(config.local_dir, parents=True)
        local.make_folder(places.folder)
        for path in (places.loop_lock, places.write_lock, places.control_lock, places.journal):
            if os.path.lexists(path) and not _file(path):  # it could be neither locked nor written
                os.rename(path, f"{path}.not-ours-{os.urandom(4).hex()}")
    return places


def _in_a_package(config: Config) -> CodedError:
    from .permanence.launch import agent_command  # noqa: PLC0415 - only a refusal asks

    reason = f"ce programme est lancé d'un paquet du Store: ce qu'il écrit dans {config.local_dir} n'est vu que de lui;"
    import subprocess  # noqa: PLC0415 - as above

    line = subprocess.list2cmdline(agent_command(["start", "--local-dir", config.local_dir]))
    return CodedError(PACKAGED_PROCESS, f"{reason} à taper dans une console ordinaire (Win+R, cmd)", line)


def _unusable(path: str, error: OSError) -> ProblemError:
    if isinstance(error, local.NotOursError):
        why = "appartient à un autre utilisateur" if error.code == local.FOREIGN else "d'autres peuvent y écrire"
        import shlex  # noqa: PLC0415 - 80 kB that a loop would hold for months

        return CodedError(error.code, f"dossier local refusé: {error.filename}: {why}", shlex.join(error.mend))
    detail = f"{path}: {error.strerror or error}"
    hint = "indiquer un dossier local accessible en écriture avec --local-dir"
    problem = LocalError(f"dossier local inutilisable: {detail}", hint)
    problem.cause = "DISK_FULL" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "LOCAL_DIR"
    problem.detail = detail
    return problem


class Using:
    """Within it, an OSError is worded as a failure of the local folder: LocalError, CodedError."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, OSError):
            raise _unusable(self._path, error) from None


def take(path: str, timeout_s: float = 0.0) -> Lock | None:
    """Take the lock at `path`; None when another process has it. Raises LocalError."""
    lock = Lock(path)
    with Using(path):
        return lock if lock.acquire(timeout_s) else None


def loop_runs(places: Places) -> bool:
    """Return True if a loop runs for this machine and shared state: whether its lock is held."""
    with Using(places.loop_lock):
        return is_held(places.loop_lock)


def instances(local_dir: str) -> list[Places]:
    """Return the places of every machine and shared state that ever beat from `local_dir`."""
    folders: list[str] = []
    with suppress(OSError):
        folders = [os.path.join(local_dir, name) for name in sorted(filter(INSTANCE.fullmatch, os.listdir(local_dir)))]
    return [Places(folder) for folder in folders if os.path.isdir(folder) and not os.path.islink(folder)]


def loops(local_dir: str) -> list[Places]:
    """Return the places of whatever of ours runs from a local folder, found by its locks. Raises LocalError."""
    return [places for places in instances(local_dir) if loop_runs(places)]


def read_local_state(places: Places) -> Json:
    """Read the local truth without a lock. Raises LocalError where it lies there and cannot be read."""
    with Using(places.journal):
        return with_defaults(read(places.journal))


def signal_loop(places: Places, *, kill: bool) -> None:
    """Ask the loop to end. Its lock is held, and its journal's pid is still the process that wrote it.

    On Windows it is asked by verbs.stop's file alone.
    """
    loop = read_local_state(places)["loop"]
    if sys.platform == "win32":
        if kill:
            see_ended(loop, 0.0, ends=True)
    else:
        try:
            signal_process(loop.get("pid"), loop.get("start"), signal.SIGKILL if kill else signal.SIGTERM)
        except PermissionError:
            raise LocalError(f"la boucle (pid {loop['pid']}) appartient à un autre utilisateur", "sudo") from None


def see_ended(loop: Json, seconds: float, *, ends: bool = False) -> None:
    """On Windows, wait for the process behind a loop that gave its lock back, or end it, and no other."""
    if sys.platform == "win32" and isinstance(loop.get("pid"), int):
        from . import windows  # noqa: PLC0415 - each platform loads its own

        windows.see_ended(loop["pid"], str(loop.get("start")), seconds, ends=ends)


def with_defaults(state: Json) -> Json:
    """Return `state` with every key there; what has a wrong shape counts as absent."""
    blank: Json = {
        "loop": {},
        "sequence": 0,
        "record": None,
        "pending": None,
        "lastBeat": None,
        "share": {"state": OK, "since": None, "detail": None},
        "view": {"keeper": None, "erasedBy": None, "erasedAt": None, "erasures": 0, "wrote": None},
        "remembered": "",
        "ownFile": {"rewrites": 0, "lastKind": None, "lastDetail": None, "lastAt": None},
        "setAside": {},
        "flips": {"known": {}, "clocks": {}, "heardAt": 0, "last": [], "late": {}, "readAt": 0},
    }
    for key, default in blank.items():
        value = state.get(key)
        if default is None or isinstance(value, type(default)):
            blank[key] = {**default, **value} if isinstance(default, dict) and isinstance(value, dict) else value
    return blank


def set_aside(places: Places, taken: Json, name: str, copy: Callable[[int], bytes | None]) -> None:
    """Keep what `copy` gives in the local folder, once, under one of a fixed number of names. Raises LocalError.

    `copy` returns the piece at an offset; None where there is nothing to keep. `taken` is the journal's count for each
    name: how many were kept, and the CRC of the last.
    """
    count, last = taken.get(name) or (0, None)
    crc = 0
    for piece in _pieces(copy):
        crc = zlib.crc32(piece, crc)
    if copy(0) is None or (count and crc == last):
        return
    path = os.path.join(places.set_aside, f"{name}.{count % MAX_SET_ASIDE}")
    with Using(path):
        local.make_folder(places.set_aside)
        local.write(path, b"".join(_pieces(copy)), durable=True)
    taken[name] = [count + 1, crc]


def _pieces(copy: Callable[[int], bytes | None]) -> Iterator[bytes]:
    offset = 0
    while offset < MAX_SET_ASIDE_BYTES:
        piece = copy(offset)
        if not piece:
            return
        offset += len(piece)
        yield piece
