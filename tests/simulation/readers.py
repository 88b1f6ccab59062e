"""Who looks at the admin's replica: the shipped reader without and with patience, and the shipped flips."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import Knowledge, validate
from roosync_ops.judge.flip import FlipRow, Remembered
from roosync_ops.judge.flips import Flips
from roosync_ops.judge.observe import auto_ms, limits_of, status_with
from roosync_ops.judge.verdict import OBSERVER_SUSPECTED, Doubt
from roosync_ops.state import StateUnavailableError
from roosync_ops.state.seen import Seen, see_all
from roosync_ops.state.shared import assemble
from roosync_ops.wire.folder import read_shared
from roosync_ops.wire.merge import merge
from roosync_ops.wire.status import (
    DEFAULT_THRESHOLDS,
    DEFAULT_TIMEOUT_MS,
    LEFT,
    OFFLINE,
    ONLINE,
    UNKNOWN,
    status,
)
from tests.kits.sync import local_trouble

from .schedule import MACHINES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from roosync_ops.judge.flip import Flip
    from roosync_ops.judge.verdict import Verdict
    from roosync_ops.lab.replica import SyncLink
    from roosync_ops.state.shared import SharedState
    from roosync_ops.wire.merge import Evidence, Snapshot

    from .replica import RamReplica

FLEET = Fleet(Machine(machine_id=name) for name in MACHINES)
Words = dict[str, str]


class Eyes:
    """Reads the admin's replica, each content of it once; `words` are the protocol's, from the time stamps."""

    def __init__(self, replica: RamReplica, link: SyncLink) -> None:
        self._replica = replica
        self._link = link
        self._snapshot: Snapshot | None = None
        self._changes = -1
        self._judged: tuple[int, tuple[Verdict, ...]] = -1, ()
        self.merged: dict[str, Evidence] = {}
        self._highest: dict[str, int] = {}
        self.rollbacks = 0

    def look(self, now_ms: int) -> bool:
        """Read the shared state; False where it cannot be read."""
        trouble = local_trouble(self._link)
        if trouble.hangs or trouble.read is not None:
            return False
        if self._changes != self._replica.changes or self._snapshot is None:
            try:
                self._snapshot = read_shared(str(self._replica.root), now_ms)
            except OSError:
                return False
            self._changes = self._replica.changes
        self.merged = merge(self._snapshot.evidence, now_ms)
        self._watch_sequences()
        return True

    def words(self, now_ms: int) -> Words:
        return {
            name: status(piece.record, now_ms, limits_of(piece, DEFAULT_THRESHOLDS))
            for name, piece in self.merged.items()
        }

    def silent(self, now_ms: int, most_ms: int) -> Words:
        """Tell from the time stamps alone who is silent for longer than `most_ms`; who is not shown is not told of."""
        records = {name: piece.record for name, piece in self.merged.items()}
        old = {name for name, one in records.items() if now_ms - (one.last_heartbeat_ms or 0) > most_ms}
        return {name: LEFT if one.has_left else OFFLINE if name in old else ONLINE for name, one in records.items()}

    def state(self, now_ms: int) -> SharedState | None:
        """The same reading as the commands have it."""
        one = self._snapshot
        assert one is not None
        try:
            read = copy(one)
            read.read_at_ms = now_ms
            return assemble("simulated", read)
        except StateUnavailableError:
            return None

    def doubted(self, words: Mapping[str, str], now_ms: int, known: Knowledge) -> frozenset[str]:
        """Whom the shipped judge does not call silent, but suspects the observer of not seeing."""
        if ONLINE in words.values():  # one in six that is heard is enough
            return frozenset()
        state = self.state(now_ms)
        if state is None:
            return frozenset(MACHINES)
        rows = validate(FLEET, state, now_ms, known=known).verdicts
        return frozenset(row.machine_id for row in rows if row.reason and row.reason.kind == OBSERVER_SUSPECTED)

    def reason(self, name: str, now_ms: int) -> str | None:
        """The kind of the reason that a plain `validate` of this look gives for a machine; None for none."""
        if self._judged[0] != now_ms:
            state = self.state(now_ms)
            self._judged = now_ms, () if state is None else validate(FLEET, state, now_ms).verdicts
        reason = next((row.reason for row in self._judged[1] if row.machine_id == name), None)
        return None if reason is None else reason.kind

    def _watch_sequences(self) -> None:
        """Count how often the table's record of a machine is an older one than it was."""
        for name, piece in self.merged.items():
            sequence = piece.record.sequence
            if sequence is None:
                continue
            if sequence < self._highest.get(name, 0):
                self.rollbacks += 1
            self._highest[name] = sequence


class Arrivals:
    """What was seen when: the shipped memory's own function, once a look for all who wait by it."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}

    def note(self, merged: Mapping[str, Evidence], now_ms: int) -> None:
        self.seen = see_all(self.seen, merged, now_ms, {})


class Patient:
    """The shipped patience over the same readings: `choose` gives it in ms from what was seen."""

    def __init__(self, arrivals: Arrivals, choose: Callable[[Mapping[str, Seen]], int]) -> None:
        self._arrivals = arrivals
        self._choose = choose
        self.most_ms = self.chosen_ms = 0

    def knows(self) -> Knowledge:
        """What the shipped judge is told by such a reader."""
        return Knowledge(seen=self._arrivals.seen, patience_ms=self.chosen_ms)

    def words(self, merged: Mapping[str, Evidence], now_ms: int) -> Words:
        """Judge a look that `arrivals` has noted."""
        seen = self._arrivals.seen
        patience = self.chosen_ms = self._choose(seen)
        self.most_ms = max(self.most_ms, patience)
        return {
            name: status_with(piece.record, seen.get(name), now_ms, DEFAULT_THRESHOLDS, patience)[0]
            for name, piece in merged.items()
        }


def fixed(ms: int) -> Callable[[Mapping[str, Seen]], int]:
    return lambda _seen: ms


def auto(seen: Mapping[str, Seen]) -> int:
    return auto_ms(seen.values())


class Watcher:
    """The shipped flips, fed as judge.flip feeds them; its words are what was last told of each machine."""

    def __init__(self, patient: Patient) -> None:
        self._patient = patient
        self._flips = Flips()
        self.told: list[Flip] = []
        self._last: Words = {}

    def step(self, merged: Mapping[str, Evidence] | None, words: Words, doubted: frozenset[str], now_ms: int) -> Words:
        rows = None if merged is None else self._rows(merged, words, doubted)
        for name, word in words.items():
            self._last.setdefault(name, word)
        for flip in self._flips.step(rows, now_ms, "cannot be read" if merged is None else None):
            self.told.append(flip)
            if flip.machine_id is not None:
                self._last[flip.machine_id] = flip.to
        return dict(self._last)

    def _rows(self, merged: Mapping[str, Evidence], words: Words, doubted: frozenset[str]) -> list[FlipRow]:
        timeout_ms = DEFAULT_TIMEOUT_MS + self._patient.chosen_ms
        return [replace(_row(name, merged, words, doubted), timeout_ms=timeout_ms) for name in MACHINES]

    def restart(self) -> None:
        """The watcher itself is restarted with what it kept."""
        self._flips = Flips(None, Remembered.from_dict(self._flips.kept.as_dict()))


def _row(name: str, merged: Mapping[str, Evidence], words: Words, doubted: frozenset[str]) -> FlipRow:
    piece = merged.get(name)
    if piece is None:
        return FlipRow(name, UNKNOWN, doubt=Doubt.OBSERVER if name in doubted else None)
    record = piece.record
    doubt = Doubt.OBSERVER if name in doubted else None
    return FlipRow(name, words[name], record.last_heartbeat_ms, record.sequence, doubt)
