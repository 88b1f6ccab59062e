"""From status rows over time to flips: once per event, with a reason, never twice.

What makes silence an event, in the order it is asked:
1. A beat that was received proves life, whatever any clock says; a record that says *left* proves a planned stop.
2. A machine is told offline when nothing came from it for its whole offlineTimeout, counted by this reader's clock, and
   only while others' beats did come in: time in which the share brought no beat at all proves nothing. A second
   opinion that confirms its death proves it at once; one that denies it has it online.
3. No beat at all, most of the fleet gone at once, or a share that cannot be read is one flip about the share.
   When it moves again every machine has its whole timeout anew to be heard of.
4. The first look, and whatever was told before a restart, is taken for granted and not told.
5. FLAP_COUNT unplanned flips of a machine within FLAP_WINDOW_MS are one flip `flapping`; after STEADY_MS without a
   change one more says what it settled at.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS, LEFT, OFFLINE, ONLINE, UNKNOWN, WARNING

from . import flip as f
from .flip import Flip, FlipRow, Known, Remembered
from .verdict import Doubt

#: Two deaths and two returns in half an hour: the fourth flip is told as flapping.
FLAP_COUNT: Final = 4
FLAP_WINDOW_MS: Final = 30 * 60_000
#: Longer than four flips in the window are apart on average, so a machine that goes on as before never "settles".
STEADY_MS: Final = 15 * 60_000
#: A reader that has not looked for this long (or half the longest timeout) was away: its replica may be behind, in ms.
AWAY_MS: Final = 10_000
#: A reading that is at most so much older than the last one came late; one that is older was made by a clock put back.
LATE_MS: Final = 60_000
#: No beat of any machine for so many intervals was a stall: what piled up in it comes in file by file.
_STALL_BEATS: Final = 2
#: From so many machines on, silence of all is the share's.
_SEVERAL: Final = 2


class Flips:
    """Keeps what was told, in `kept`. `observer` is the machineId of the computer that reads, if it is in the fleet.

    The observer's own beats reach its own replica without any sync: they prove nothing about the share.
    """

    def __init__(self, observer: str | None = None, kept: Remembered | None = None) -> None:
        self.observer = observer
        self.kept = kept or Remembered()
        self._interval_ms = DEFAULT_INTERVAL_MS
        self._timeout_ms = DEFAULT_TIMEOUT_MS
        #: Whether something looks changed that only more readings can prove: the last one would not have been enough.
        self.unsettled = False
        #: Machine to how much longer it may be silent before it is told offline, in ms, as of the last reading.
        self.pending: dict[str, int] = {}

    @property
    def share(self) -> str:
        """What is known of the share: ok, suspect or unavailable."""
        return str(self.kept.share.told)

    def step(self, rows: Iterable[FlipRow] | None, now_ms: int, trouble: str | None = None) -> list[Flip]:
        """Return what is to be told after a reading at `now_ms`; `rows` is None where it failed, with the `trouble`.

        There is one row a machine. A reading older than the last one (two readers of one memory) is passed over.
        """
        first = self.kept.at_ms is None
        passed = 0 if self.kept.at_ms is None else now_ms - self.kept.at_ms
        if -LATE_MS <= passed < 0:
            return []
        seen = None if rows is None else list(rows)
        if seen:
            self._interval_ms = max(row.interval_ms for row in seen)
            self._timeout_ms = max(row.timeout_ms for row in seen)
        if passed < 0:  # this computer's clock was put back: times it wrote earlier lie in the future now
            self.kept.trouble_since_ms = None
            for known in (self.kept.share, *self.kept.machines.values()):
                known.changes = [min(at, now_ms) for at in known.changes]
        if first or passed < 0 or passed > max(AWAY_MS, self._timeout_ms // 2):
            self._listen_anew(now_ms)
            self.kept.came_at_ms = now_ms
            passed = 0
        self.kept.at_ms = now_ms
        heard = self._hear(seen or [], passed, now_ms)
        told = self._share_flips(seen, now_ms, trouble, first=first, heard=heard)
        for row in seen or ():
            told += self._machine_flips(row, now_ms)
        gone = [row for row in seen or () if self._looks_gone(row)]
        self.pending = {
            row.machine_id: max(0, row.timeout_ms - self.kept.machines[row.machine_id].silence_ms) for row in gone
        }
        self.unsettled = self.kept.trouble_since_ms is not None or bool(gone)
        return told

    def _listen_anew(self, now_ms: int) -> None:
        """Give every machine its whole timeout again: what was not heard meanwhile proves nothing."""
        self.kept.moved_at_ms = now_ms
        for known in self.kept.machines.values():
            known.silence_ms = 0

    def _hear(self, rows: list[FlipRow], passed_ms: int, now_ms: int) -> bool:
        """Take in the beats that are known of, and count the silence of the others; True where a beat came in here."""
        moved = {row.machine_id for row in rows if self._takes(row)}
        came = {row.machine_id for row in rows if self._comes(row)} - {self.observer}
        if came:
            self.kept.came_at_ms = now_ms
        if moved - {self.observer}:
            if now_ms - self.kept.moved_at_ms > _STALL_BEATS * self._interval_ms:
                self._listen_anew(now_ms)
            self.kept.moved_at_ms = now_ms
        alive = now_ms - self.kept.moved_at_ms <= self._interval_ms
        up = self._up()
        for row in rows:
            known = self.kept.machines[row.machine_id]
            if row.machine_id in moved:
                known.silence_ms, known.moved_at_ms = 0, now_ms
            elif alive or not up - {row.machine_id}:
                # Of a long pause between two readings only as much counts as one beat may take.
                known.silence_ms += min(passed_ms, self._interval_ms)
        return bool(came)

    def _comes(self, row: FlipRow) -> bool:
        known, here_ms = self.kept.machines[row.machine_id], row.heard_ms if row.here_ms is None else row.here_ms
        before, known.came_ms = known.came_ms, known.came_ms if here_ms is None else here_ms
        return here_ms is not None and before is not None and here_ms > before

    def _takes(self, row: FlipRow) -> bool:
        """Remember the record of `row`; True where it is a later one than was known."""
        known = self.kept.machines.setdefault(row.machine_id, Known())
        before, known.key = known.key, f.latest(known.key, row.key)
        return f.NO_KEY != before != known.key

    def _up(self) -> set[str]:
        """Return who is taken to be online, without the observer."""
        return {name for name, known in self.kept.machines.items() if known.told == ONLINE and name != self.observer}

    def _share_flips(
        self, rows: list[FlipRow] | None, now_ms: int, trouble: str | None, *, first: bool, heard: bool
    ) -> list[Flip]:
        """Return the flip of the share, if it is one."""
        to, reason = self._share_state(rows, now_ms)
        was = self.share
        if to == f.OK and was == f.SUSPECT and not heard:
            to = f.SUSPECT  # only a beat that comes in shows that it moves again
        if to == was:
            self.kept.trouble_since_ms = None
            return self._settled(None, self.kept.share, now_ms)
        if self.kept.trouble_since_ms is None:
            self.kept.trouble_since_ms = now_ms
        held = now_ms - self.kept.trouble_since_ms
        if to != f.OK and reason != f.SHARE_SILENT and held < self._interval_ms and not first:
            return []  # a moment's trouble is not told
        self.kept.share.told, self.kept.trouble_since_ms = to, None
        if to == f.OK:
            self._listen_anew(now_ms)
        return [] if first else _damped(Flip(None, was, to, now_ms, reason, detail=trouble), self.kept.share)

    def _share_state(self, rows: list[FlipRow] | None, now_ms: int) -> tuple[str, str]:
        if rows is None:
            return f.UNAVAILABLE, f.SHARE_UNAVAILABLE
        if any(row.doubt == Doubt.OBSERVER for row in rows):
            return f.SUSPECT, f.SHARE_SUSPECT
        if len(self._up()) >= _SEVERAL and now_ms - self.kept.came_at_ms > self._timeout_ms:
            return f.SUSPECT, f.SHARE_SILENT
        return f.OK, f.SHARE_BACK

    def _machine_flips(self, row: FlipRow, now_ms: int) -> list[Flip]:
        known = self.kept.machines[row.machine_id]
        if known.told is None:
            # The first sight of a machine is taken for granted, unless it is in doubt whether it is one.
            if self.share == f.OK and (row.doubt is None or row.status in (ONLINE, WARNING)):
                known.told, known.told_key = ONLINE if row.status == WARNING else row.status, known.key
            return []
        change = self._change(row, known)
        if change is None:
            return self._settled(row, known, now_ms)
        to, reason = change
        was, known.told, known.told_key = str(known.told), to, known.key
        silent = None if known.moved_at_ms is None or to != OFFLINE else max(0, now_ms - known.moved_at_ms)
        planned = LEFT in (was, to) and to != OFFLINE
        flip = Flip(row.machine_id, was, to, now_ms, reason, planned, heard_ms=row.heard_ms, silent_ms=silent)
        return _damped(flip, known)

    def _change(self, row: FlipRow, known: Known) -> tuple[str, str] | None:
        """Return what is to be told and why, None for nothing."""
        # The latest known, and not an old copy that came back.
        current = row.key[0] == known.key[0] >= 0 or row.key[1] == known.key[1]
        newer = known.key != known.told_key
        if row.status == ONLINE and known.told != ONLINE and current and newer:
            is_first = known.told == UNKNOWN and known.told_key == f.NO_KEY
            return ONLINE, f.STARTED_AGAIN if known.told == LEFT else f.FIRST_BEAT if is_first else f.BEATS_AGAIN
        if row.status == LEFT and known.told != LEFT and current and (newer or row.sequence is None):
            return LEFT, f.STOPPED
        if row.status not in (OFFLINE, UNKNOWN) or not self._is_proven(row, known):
            return None
        if row.status == UNKNOWN:
            return (UNKNOWN, f.RECORD_GONE) if known.told == ONLINE else None
        was_heard = known.told == ONLINE or (known.told == LEFT and newer)
        alone = not self._up() - {row.machine_id}
        silent = f.OLDER_SILENT if row.older else f.SILENT
        return (OFFLINE, row.death or (f.SILENT_ALONE if alone else silent)) if was_heard else None

    def _is_proven(self, row: FlipRow, known: Known) -> bool:
        """Return True if this silence is the machine's own, not the share's or the observer's."""
        if row.death is not None:
            return True
        if row.doubt is not None or self.share != f.OK or self.kept.trouble_since_ms is not None:
            return False
        return known.silence_ms >= row.timeout_ms

    def _looks_gone(self, row: FlipRow) -> bool:
        """Return True if a machine that was told alive looks gone, and it is still to be seen whether it is."""
        known = self.kept.machines[row.machine_id]
        if row.status not in (OFFLINE, UNKNOWN) or row.doubt is not None or self.share != f.OK:
            return False
        restarted = row.status == OFFLINE and known.told == LEFT and known.key != known.told_key
        return known.told == ONLINE or restarted

    def _settled(self, row: FlipRow | None, known: Known, now_ms: int) -> list[Flip]:
        known.changes = [at for at in known.changes if now_ms - at < FLAP_WINDOW_MS]
        if not known.flapping or any(now_ms - at < STEADY_MS for at in known.changes):
            return []
        known.flapping, known.changes = False, []
        name, heard = (None, None) if row is None else (row.machine_id, row.heard_ms)
        return [Flip(name, f.FLAPPING, str(known.told), now_ms, f.SETTLED, heard_ms=heard)]


def _damped(flip: Flip, known: Known) -> list[Flip]:
    """Tell a flip; the fourth in half an hour as flapping, and none after it. What is planned ends the flapping."""
    if flip.planned:
        known.flapping, known.changes = False, []
        return [flip]
    known.changes = [at for at in [*known.changes, flip.at_ms] if flip.at_ms - at < FLAP_WINDOW_MS][-f.MAX_CHANGES :]
    if known.flapping:
        return []
    if len(known.changes) < FLAP_COUNT:
        return [flip]
    known.flapping = True
    detail = f"{len(known.changes)} times in {FLAP_WINDOW_MS // 60_000} min"
    return [replace(flip, reason=f.FLAPPING, flapping=True, detail=detail)]
