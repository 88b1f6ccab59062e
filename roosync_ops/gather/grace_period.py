"""`--patience` and `--memory`: from what was typed to what a reader knows of when beats arrived.

Who typed neither is judged by time stamps, and what an earlier reader kept tells which of them cannot be.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from roosync_ops import errors
from roosync_ops.fleet import Fleet
from roosync_ops.judge import Knowledge, patience, second
from roosync_ops.state import SharedState
from roosync_ops.state.memory import Memory, default_folder
from roosync_ops.state.seen import Seen
from roosync_ops.state.silences import silences
from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_THRESHOLDS
from roosync_ops.wire.times import now_ms

AUTO: Final = "auto"


class GracePeriod:
    """How long to wait, and the memory that this rests on; without `typed` nothing is waited for, and nothing kept."""

    def __init__(self, typed: str | None, folder: Path | None, fleet: Fleet) -> None:
        self._extra_ms = _extra_ms(typed)
        self._auto = typed == AUTO
        self._on = typed is not None
        self._folder = folder
        self._intervals = {machine.machine_id: machine.heartbeat_interval for machine in fleet}
        self._thresholds = min(
            (one.thresholds for one in fleet), key=lambda one: one.timeout_ms, default=DEFAULT_THRESHOLDS
        )
        self._memory: Memory | None = None

    @property
    def trouble(self) -> str | None:
        """Why what was seen could not be kept, None where it was."""
        return None if self._memory is None else self._memory.trouble

    def learn(self, state: SharedState | None) -> Knowledge:
        """Note a reading of our own, and return what is known now; the protocol's own where nothing was typed."""
        silenced = silences(now_ms())
        if not self._on:
            if state is None:
                return Knowledge(silences=silenced)
            return replace(second.noted(state, state.read_at_ms), seen=self._glimpse(state), silences=silenced)
        if state is not None:
            self._memory = self._memory or Memory(self._folder or default_folder(), state.shared)
            self._memory.note(state, self._intervals, DEFAULT_INTERVAL_MS)
        seen = {} if self._memory is None else self._memory.seen
        extra = patience.auto_ms(seen.values(), self._thresholds) if self._auto else self._extra_ms
        return Knowledge(seen=seen, patience_ms=extra, silences=silenced)

    def _glimpse(self, state: SharedState) -> Mapping[str, Seen]:
        """Return what an earlier reader kept; nothing where there was none, or this user has no place of his own."""
        try:
            memory = Memory(self._folder or default_folder(), state.shared)
            return memory.peek(state, self._intervals, DEFAULT_INTERVAL_MS)
        except RuntimeError:  # Path.home
            return {}


def _extra_ms(typed: str | None) -> int:
    """Return the ms typed. Raises CommandError (usage) for what is no patience."""
    if typed is None or typed == AUTO:
        return 0
    try:
        seconds = float(typed)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= patience.AUTO_MOST_MS / 10:  # a day's patience is a typing error; so is not a number
        raise errors.usage(f"--patience {typed}: give seconds from 0 to 60000, or auto", "roosync-ops validate --help")
    return round(seconds * 1000)
