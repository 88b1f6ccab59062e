"""A fleet under virtual time, as one reader's replica shows it: rows for `Flips.step`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roosync_ops.judge.flip import FlipRow, Remembered
from roosync_ops.judge.flips import Flips
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import Thresholds, status
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from roosync_ops.judge.flip import Flip

#: The clock goes round by five seconds, as `roosync-ops watch` does.
STEP_MS = 5_000
INTERVAL_MS, TIMEOUT_MS = 30_000, 120_000
NAMES = ("a", "b", "c", "d", "e", "f")


class Scene:
    """Machines beat every 30 s unless `dead`; a `stalled` share brings nothing. `log` is every flip told.

    With `asks` a living machine's own word is known at once, whatever has come in.
    """

    def __init__(self, names: tuple[str, ...] = NAMES, observer: str | None = None) -> None:
        self.names = names
        self.now = NOW
        self.flips = Flips(observer)
        self.dead: set[str] = set()
        self.hidden: set[str] = set()
        self.doubt: dict[str, str] = {}
        self.stalled = self.unreadable = self.asks = False
        self.truth: dict[str, tuple[int, int, bool]] = {}
        self.replica: dict[str, tuple[int, int, bool]] = {}
        self.log: list[Flip] = []
        for at, name in enumerate(names):
            self.truth[name] = (1, NOW - at * STEP_MS, False)

    def rows(self) -> list[FlipRow]:
        return [self._row(name) for name in self.names]

    def _row(self, name: str) -> FlipRow:
        if name in self.hidden or name not in self.replica:
            return FlipRow(name, "unknown", doubt=self.doubt.get(name))
        sequence, here, left = self.replica[name]
        heard = self.truth[name][1] if self.asks and name not in self.dead else here
        record = Record(name, heard, sequence=sequence, left_at_ms=heard if left else None)
        word = status(record, self.now, Thresholds(INTERVAL_MS, TIMEOUT_MS))
        return FlipRow(name, word, heard, sequence, self.doubt.get(name), here_ms=here)

    def run(self, seconds: float) -> list[Flip]:
        """Let time pass, and return what was told meanwhile."""
        told: list[Flip] = []
        end = self.now + int(seconds * 1000)
        while self.now < end:
            self.now += STEP_MS
            self._beat()
            told += self.flips.step(None if self.unreadable else self.rows(), self.now, None)
        self.log += told
        return told

    def _beat(self) -> None:
        for name, (sequence, heard, left) in self.truth.items():
            if name not in self.dead and not left and self.now - heard >= INTERVAL_MS:
                self.truth[name] = (sequence + 1, self.now, False)
        if not self.stalled:
            self.replica.update(self.truth)

    def leave(self, name: str) -> None:
        sequence, heard, _ = self.truth[name]
        self.truth[name] = (sequence + 1, heard, True)

    def start(self, name: str) -> None:
        self.dead.discard(name)
        sequence, _, _ = self.truth[name]
        self.truth[name] = (sequence + 1, self.now, False)

    def restart(self) -> None:
        """The watcher ends and begins again, with what it kept."""
        self.flips = Flips(self.flips.observer, Remembered.from_dict(self.flips.kept.as_dict()))


def words(told: list[Flip]) -> list[tuple[str | None, str, str]]:
    return [(flip.machine_id, flip.was, flip.to) for flip in told]
