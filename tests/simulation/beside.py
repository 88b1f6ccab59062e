"""Six agents beside every older service at once: what one of those rewrites, deletes or sweeps, nobody forgets.

What is held against the truth, at each look of the admin: a machine that was once seen as left stays left until it
starts again, its past does not shrink, and where its own file was undone that is a finding. GRACE_S is what the keeper
and the sync product may take where one service rewrote a file and another the view.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from roosync_ops.gather.past import pasts
from roosync_ops.state.shared import FILE_DELETED, ROLLED_BACK
from roosync_ops.wire.findings import OF_ANOTHER

from .later import Beats, InMemory, Interval, Merges, Migrates, Removes, Seldom, Sweeps
from .old import Old30, Old31, OldMachine
from .readers import FLEET
from .replica import RamReplica
from .schedule import MACHINES
from .world import EPOCH_MS, OURS, Outcome, Plan, World, on_ram

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.lab.replica import File, Stamp

    from .hub import Hub

GUESTS: Final[dict[str, type[OldMachine]]] = {
    "po-2023": Beats,  # by their names an older service takes these two for machines of ours
    "ai-01": Seldom,
    "old-merges": Merges,
    "old-30": Old30,
    "old-31": Old31,
    "old-interval": Interval,
    "old-migrates": Migrates,
    "old-removes": Removes,
    "old-seldom": Seldom,
    "old-memory": InMemory,
    "old-sweeps": Sweeps,
}
#: Two checks of the keeper and two ways through the sync product, in s.
GRACE_S: Final = 600.0
_LOOK_S: Final = 15.0
#: A guest runs for so long, and starts again so much later; they begin one after the other, in s.
_RUNS_S, _RESTS_S, _APART_S = 2.5 * 3600.0, 600.0, 400.0
_WEEK_MS: Final = 7 * 86_400_000


class Dated(RamReplica):
    """A RamReplica whose files are dated by virtual time, as what a machine wrote then would be."""

    def __init__(self, root: Path, hub: Hub) -> None:
        super().__init__(root)
        self._hub = hub

    def touched(self, *names: str) -> None:
        for path in [self.root / name for name in names] or self.root.rglob("*.json"):
            if path.is_file() and path.stat().st_mtime_ns > (EPOCH_MS + _WEEK_MS) * 1_000_000:  # written just now
                at = EPOCH_MS * 1_000_000 + int(self._hub.now * 1e9)
                os.utime(path, ns=(at, at))
        super().touched(*names)

    def deliver(self, name: str, file: File) -> Stamp:
        _, size, inode = super().deliver(name, file)
        os.utime(f"{self.root}/{name}", ns=(file.mtime_ns, file.mtime_ns))
        stamp = self._stamps[name] = file.mtime_ns, size, inode
        return stamp


@dataclass
class Forgotten:
    """What was not as it should be: each a sentence. `left` and `undone` count what was looked at at all."""

    words: list[str] = field(default_factory=list)
    histories: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    left: int = 0
    undone: int = 0
    of_another: set[str] = field(default_factory=set)


class Beside(World):
    """The fleet of ours, and the guests. Nothing but lives happens to it: faults of the share are World's business."""

    guests = tuple(GUESTS)

    def __init__(self, plan: Plan, root: Path) -> None:
        self.forgotten = Forgotten()
        self._left: dict[tuple[str, int], int] = {}
        self._wrong: dict[tuple[str, str], float] = {}
        super().__init__(OURS, plan, root)
        self._old = {
            name: kind(self.hub, self.replicas[name], self.sync.links[name], EPOCH_MS) for name, kind in GUESTS.items()
        }

    def _replica(self, folder: Path) -> RamReplica:
        root = folder / "shared"
        root.mkdir(parents=True)
        return Dated(root, self.hub)

    def _prepare(self) -> None:
        super()._prepare()
        for number, guest in enumerate(self._old.values()):
            at = 900.0 + number * _APART_S
            while at < self.plan.hours * 3600:
                self.hub.at(at, guest.start)
                self.hub.at(at + _RUNS_S, guest.stop)
                at += _RUNS_S + _RESTS_S
        self.hub.every(_LOOK_S, self._check, first=_LOOK_S)

    def _check(self) -> None:
        now_ms = EPOCH_MS + int(self.hub.now * 1000)
        state = self._eyes.state(now_ms) if self._eyes.look(now_ms) else None
        if state is None:
            return
        past = {one.machine_id: one for one in pasts(FLEET, tuple(FLEET), state, [], now_ms - _WEEK_MS)}
        named = {item.file for item in state.findings if item.kind in (ROLLED_BACK, FILE_DELETED, OF_ANOTHER)}
        self.forgotten.of_another |= {item.file for item in state.findings if item.kind == OF_ANOTHER}
        for name in MACHINES:
            life, piece = self.lives[name], state.machines.get(name)
            period = life.periods[-1] if life.periods else None
            if period is None or period.end is None or not period.planned or piece is None:
                self._wrong = {key: since for key, since in self._wrong.items() if key[1] != name}
                continue
            key, up, is_left = (name, len(life.periods)), past[name].total_ms("up"), piece.record.has_left
            if is_left:
                self.forgotten.left += key not in self._left
                self._left[key] = max(self._left.get(key, 0), up)
            if key not in self._left:
                continue
            own = state.own_files.get(name)
            undone = is_left and (own is None or (own.sequence or 0) < (piece.record.sequence or 0))
            self._hold(self.forgotten.words, name, "left is lost", wrong=not is_left)
            self._hold(self.forgotten.histories, name, f"{self._left[key] - up} ms lost", wrong=up < self._left[key])
            self.forgotten.undone += undone and ("seen", name) not in self._wrong
            self._hold([], name, "seen", wrong=undone)
            unnamed = undone and f"heartbeats/{name}.json" not in named
            self._hold(self.forgotten.unnamed, name, "not named", wrong=unnamed)

    def _hold(self, told: list[str], name: str, what: str, *, wrong: bool) -> None:
        """Tell once of what has been wrong for longer than GRACE_S."""
        key = what.rsplit(maxsplit=1)[-1] if told is not self.forgotten.histories else "history", name
        if not wrong:
            self._wrong.pop(key, None)
            return
        since = self._wrong.setdefault(key, self.hub.now)
        if since >= 0 and self.hub.now - since > GRACE_S:
            told.append(f"{name} at {self.hub.now:.0f} s: {what} since {since:.0f} s")
            self._wrong[key] = -1.0


def beside(hours: float, seed: int = 1) -> tuple[Outcome, Forgotten]:
    """Run the fleet beside all of them, and return what came of both."""
    with on_ram() as folder:
        world = Beside(Plan(hours, seed, with_faults=False), folder)
        return world.run(), world.forgotten
