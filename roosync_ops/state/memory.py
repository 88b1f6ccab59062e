"""What this reader keeps between its runs, and saw when: in a local folder of the reader, and never in the share.

Losing it costs nothing but knowledge: a file that cannot be read is begun anew, one that cannot be written is said.
"""

import json
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from roosync_ops.wire import local
from roosync_ops.wire.identity import is_machine_id

from .seen import Seen, see_all
from .shared import SharedState

#: Beyond this many machines those not seen for longest are forgotten: a file of some 3 MB.
MAX_MACHINES: Final = 10_000
#: Two clocks of one computer drift apart by less in a day, in ms.
_STEP_MS: Final = 2_000
_FORMAT: Final = 1
#: What is larger was not written by us.
_MAX_BYTES: Final = 16_777_216
#: Another process holds the lock for some milliseconds.
_LOCK_S: Final = 2.0


class Store:
    """One JSON document of ours: bounded, replaced whole, and changed under a lock.

    It is the document `kind` about `key`, a text that names a fleet or a shared state.
    """

    def __init__(self, folder: Path, kind: str, key: str) -> None:
        self.path = folder / f"{kind}-{zlib.crc32(key.encode('utf-8', 'surrogatepass')):08x}.json"

    @contextmanager
    def locked(self, timeout_s: float = _LOCK_S) -> Iterator[None]:
        """Be the only one that changes it. Raises OSError; one that another holds for longer is a TimeoutError."""
        from filelock import FileLock  # noqa: PLC0415 - a reader can do without

        local.make_folder(str(self.path.parent))
        with FileLock(f"{self.path}.lock", timeout=timeout_s, mode=local.FILE_MODE):
            yield

    def read(self) -> dict[str, Any]:
        """Return the document, empty where there is none. Raises OSError; ValueError where it is none of ours."""
        try:
            with self.path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return {}
        if not raw:
            return {}
        if len(raw) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        try:
            document = json.loads(raw)
        except RecursionError:
            raise ValueError("nested too deep") from None
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise ValueError("no memory of this format")
        return document

    def kept(self) -> dict[str, Any]:
        """Return the document, empty where it cannot be read."""
        try:
            return self.read()
        except (OSError, ValueError):
            return {}

    def machines(self) -> dict[str, Any]:
        """Return what the document holds by machineId; nothing where it is not there, or not as we wrote it."""
        found = self.kept().get("machines")
        return {name: one for name, one in found.items() if is_machine_id(name)} if isinstance(found, dict) else {}

    def write(self, document: dict[str, Any], *, durable: bool = False) -> None:
        """Replace the document; `durable`: not even a power cut right after it takes it back. Raises OSError."""
        local.make_folder(str(self.path.parent))
        raw = json.dumps({"format": _FORMAT, **document}, separators=(",", ":")).encode()
        local.write(str(self.path), raw, durable=durable)


class Instant(NamedTuple):
    """A moment on two clocks of this computer, in ms: the wall's, and one never stepped, which begins at `boot`."""

    wall_ms: int
    up_ms: int
    boot: str | None

    @classmethod
    def now(cls) -> Self:
        """Read both clocks; one that goes on while the computer sleeps, where there is one."""
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        up = time.monotonic_ns() if clock is None else time.clock_gettime_ns(clock)
        return cls(time.time_ns() // 1_000_000, up // 1_000_000, _boot())


def _boot() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def default_folder() -> Path:
    """Return this user's folder for what a program keeps: XDG_STATE_HOME, or LOCALAPPDATA on Windows."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "roosync-ops"


def step_ms(last: Instant, now: Instant) -> int:
    """Return by how much the wall clock was stepped between two moments, in ms; 0 where that cannot be known.

    Within one boot the other clock tells. Across boots a clock that went back was stepped, or no time passed.
    """
    gone = now.wall_ms - last.wall_ms
    if now.boot is not None and now.boot == last.boot and now.up_ms >= last.up_ms:
        step = gone - (now.up_ms - last.up_ms)
        return step if abs(step) > _STEP_MS else 0
    return min(0, gone)


class Memory:
    """What one reader saw of one shared state. Use it for one process or for many, one after the other or at once.

    `shared` names the state as read (SharedState.shared): what another observer sees is another memory. `trouble` is
    why the last save failed, None where it did not.
    """

    def __init__(self, folder: Path, shared: str, *, clock: Callable[[], Instant] = Instant.now) -> None:
        self._store = Store(folder, "seen", shared)
        self.path = self._store.path
        self.trouble: str | None = None
        self._clock = clock
        self._last: Instant | None = None
        #: What is known of each machine, on the wall clock of the last note.
        self.seen: dict[str, Seen] = {}

    def note(self, state: SharedState, intervals: Mapping[str, int]) -> Mapping[str, Seen]:
        """Add a reading, keep it, and return what is known of each machine. Raises nothing for the file's sake.

        `intervals` is how often each machine beats, in ms, where that is not the protocol's.
        """
        try:
            with self._store.locked():
                self._recall()
                self._see(state, intervals)
                self._store.write({"last": self._last, "machines": self.seen})
            self.trouble = None
        except OSError as error:
            self.trouble = f"{self.path}: {error}"
            self._see(state, intervals)
        return self.seen

    def peek(self, state: SharedState, intervals: Mapping[str, int]) -> Mapping[str, Seen]:
        """As `note`, of what was kept and this reading, and keep nothing; empty where nothing was kept."""
        self._recall()
        if self._last is not None:
            self._see(state, intervals)
        return self.seen

    def _see(self, state: SharedState, intervals: Mapping[str, int]) -> None:
        now = self._clock()
        if self._last is not None and (step := step_ms(self._last, now)):
            self.seen = {machine_id: one.shifted(step) for machine_id, one in self.seen.items()}
        latest = max((one.read_ms for one in self.seen.values()), default=0)
        self.seen = see_all(self.seen, state.machines, max(state.read_at_ms, latest), intervals)
        self._last = now
        if len(self.seen) > MAX_MACHINES:
            kept = sorted(self.seen, key=lambda name: -self.seen[name].read_ms)[:MAX_MACHINES]
            self.seen = {machine_id: self.seen[machine_id] for machine_id in kept}

    def _recall(self) -> None:
        """Take what was kept where it is later than what is known: another process may have read meanwhile."""
        try:
            kept = _Document.model_validate(self._store.read())
        except (OSError, ValueError):  # nothing that can be used, whatever lies there
            return
        if self._last is None or kept.last.wall_ms > self._last.wall_ms:
            self._last, self.seen = kept.last, kept.machines


class _Document(BaseModel):
    """The file: hostile until it has been through here."""

    model_config = ConfigDict(defer_build=True)

    last: Instant
    machines: dict[str, Seen]
