"""From all that was read about a machine to the one record a verdict may rest on."""

from __future__ import annotations

import time

from . import findings as f
from .bounds import Bounds
from .record import Record, beats_within, born_ms, parse
from .status import FUTURE_TOLERANCE_MS
from .times import to_iso
from .typed import Callable, Iterable, Json

#: Where a piece of evidence was read.
FILE = "file"
CONFLICT = "conflict"
VIEW = "view"
#: README.md: of `x` and `myia-x` an older service makes one, and puts what the first wrote under the second's name.
TAKEN_FOR = "myia-"
#: A machine's clock that is further ahead than this says nothing about how long it may have beaten, in ms.
_ODD_CLOCK_MS = 86_400_000
#: Starts and stops that follow on one another at once count each.
_BURST = 16
_MOMENT_MS = 1_000
_RANK = {FILE: 2, CONFLICT: 1, VIEW: 0}


class Evidence:
    """One record, the file (relative to the shared folder) it was read from, and whose that is: None for the view.

    `modified_ms` is when that file was last written, `arrived_ms` when it came to a store whose clock is the reader's;
    None where that was not looked at, or is not known. Of the best of several,
    `before` is the best that our agent wrote, where an older service's is newer, and `undone` is (finding, when) where
    the machine's own file was rolled back or deleted. `read_ms` is when it was read, where the reading took so long
    that it matters: that long ago, or not yet, is as of then.
    """

    __slots__ = ("arrived_ms", "before", "file", "kind", "machine_id", "modified_ms", "read_ms", "record", "undone")

    def __init__(self, record: Record, kind: str, file: str, machine_id: str | None = None) -> None:
        self.record = record
        self.kind = kind
        self.file = file
        self.machine_id = machine_id
        self.modified_ms: int | None = None
        self.read_ms: int | None = None
        self.arrived_ms: int | None = None
        self.before: Evidence | None = None
        self.undone: tuple[str, int | None] | None = None


class Snapshot:
    """All that one reading of the shared state gave.

    `view` is the parsed `heartbeat.json` (None where there is none or it was not understood), `view_state` is
    "absent", "read" or the finding kind that kept it from being read. `seen` counts the heartbeat files met, readable
    or not, so that "nothing readable in it" can be told from a fresh, empty fleet.
    """

    __slots__ = ("bounds", "evidence", "findings", "half_written", "left", "read_at_ms", "seen", "view", "view_state")

    def __init__(self, read_at_ms: int, bounds: Bounds | None = None) -> None:
        self.read_at_ms = read_at_ms
        self.bounds = bounds or Bounds()
        #: What may be read again once it is whole; None where that is not asked for.
        self.half_written: list[Callable[[], None]] | None = None
        #: The files that are yet to be read, the next one last.
        self.left: list[str] = []
        self.evidence: list[Evidence] = []
        self.findings: list[f.Finding] = []
        self.view: Json | None = None
        self.view_state = "absent"
        self.seen = 0

    @property
    def now_ms(self) -> int:
        """The time of the reading, and what has passed since where that is more than a moment."""
        gone_ms = int((time.monotonic() - self.bounds.begun) * 1000)
        return self.read_at_ms + (gone_ms if gone_ms > _MOMENT_MS else 0)


class Source:
    """One file (relative to the shared folder), or what stands for one, as `snapshot` takes it in; whose, if any's."""

    __slots__ = ("file", "machine_id", "snapshot")

    def __init__(self, snapshot: Snapshot, file: str, machine_id: str | None = None) -> None:
        self.snapshot = snapshot
        self.file = file
        self.machine_id = machine_id

    def report(self, kind: str, detail: str) -> None:
        self.snapshot.findings.append(f.Finding(self.file, kind, detail, self.machine_id))

    def accept(self, data: Json, machine_id: str, kind: str, modified_ms: int | None = None) -> None:
        """Take in `data` as a record of `machine_id`. Raises NotUnderstoodError."""
        snapshot, now_ms = self.snapshot, self.snapshot.now_ms
        record, found = parse(data, machine_id)
        whose = f"{machine_id}: " if kind == VIEW else ""  # one file, many machines
        for wrong, detail in found:
            self.report(wrong, whose + detail)
        last = record.last_heartbeat_ms
        if last is not None and last - now_ms > FUTURE_TOLERANCE_MS:
            ahead = f"lies {(last - now_ms) // 1000} s ahead of the reader"
            self.report(f.FUTURE_HEARTBEAT, f"{whose}{to_iso(last)} {ahead}")
        if snapshot.bounds.slim is not None and not snapshot.bounds.slim(record, kind):
            return
        piece = Evidence(record, kind, self.file, self.machine_id)
        piece.modified_ms = modified_ms
        piece.read_ms = now_ms if now_ms > snapshot.read_at_ms else None
        snapshot.evidence.append(piece)


def merge(evidence: Iterable[Evidence], now_ms: int, findings: list[f.Finding] | None = None) -> dict[str, Evidence]:
    """Return the best evidence for each machine: newest valid heartbeat, sequence first. The order given is no matter.

    Among records that carry a sequence the highest wins, whatever its clock says: a rolled-back or duplicated copy
    has a lower one. A record without a sequence (an older service's) wins over those only by a newer heartbeat, and
    never by one from the future: a clock that is wrong by hours must not outvote beats that were counted. What no
    machine can have come to is no evidence, and is told in `findings`.
    """
    by_machine: dict[str, list[Evidence]] = {}
    for piece in evidence:
        by_machine.setdefault(piece.record.machine_id, []).append(piece)
    found: list[f.Finding] = [] if findings is None else findings
    for machine, pieces in by_machine.items():
        theirs = by_machine.get(machine[len(TAKEN_FOR) :]) if machine.startswith(TAKEN_FOR) else None
        if theirs:
            _leave_out(pieces, theirs, found)
    return {machine: _best(_credible(pieces, now_ms, found), now_ms) for machine, pieces in sorted(by_machine.items())}


def _leave_out(pieces: list[Evidence], theirs: list[Evidence], findings: list[f.Finding]) -> None:
    """Leave out of `pieces` what another machine wrote: `firstSeen` is a machine's own for life."""
    born = {born_ms(piece.record) for piece in theirs} - {None}
    if {born_ms(piece.record) for piece in pieces} - born - {None}:
        for piece in [piece for piece in pieces if born_ms(piece.record) in born]:
            said = f"{piece.record.machine_id}: what {theirs[0].record.machine_id} wrote, put there by an older service"
            findings.append(f.Finding(piece.file, f.OF_ANOTHER, said, piece.machine_id))
            pieces.remove(piece)


def _credible(pieces: list[Evidence], now_ms: int, findings: list[f.Finding]) -> list[Evidence]:
    """Leave out sequences that are further ahead of the machine's own file than it can have beaten since."""
    pieces = [piece for piece in pieces if not piece.record.doubted] or pieces
    counted = [piece for piece in pieces if piece.kind == FILE and piece.record.sequence is not None]
    own = min(counted, key=lambda piece: reach(piece.record, now_ms), default=None)
    if own is None or len(pieces) == 1 or _heard(own.record) > now_ms + _ODD_CLOCK_MS:
        return pieces
    # Its clock may be ahead of ours, and then of both records. After it has left it beats no more by ours alone.
    least_ms, most_ms = _heard(own.record) if own.record.has_left else now_ms, now_ms + _ODD_CLOCK_MS
    sound = [
        piece
        for piece in pieces
        if (piece.record.sequence or 0) <= reach(own.record, max(least_ms, min(_heard(piece.record), most_ms)))
    ]
    for piece in [piece for piece in pieces if piece not in sound]:
        said = (
            f"{piece.record.machine_id}: sequence {piece.record.sequence} is further ahead of {own.file} "
            f"({own.record.sequence}) than it can have beaten since"
        )
        findings.append(f.Finding(piece.file, f.IMPOSSIBLE_SEQUENCE, said, piece.machine_id))
    return sound


def reach(record: Record, until_ms: int) -> int:
    """Return the highest sequence that the machine of `record` can have come to by `until_ms` on its own clock."""
    return (record.sequence or 0) + _BURST + beats_within(until_ms - _heard(record), record.agent)


def _best(pieces: list[Evidence], now_ms: int) -> Evidence:
    if len(pieces) == 1:
        return pieces[0]
    counted = [piece for piece in pieces if piece.record.sequence is not None]
    timed = [piece for piece in pieces if piece.record.sequence is None]
    if not counted:
        return max(timed, key=lambda piece: _by_time(piece, now_ms))
    best = max(counted, key=lambda one: (one.record.sequence or 0, _heard(one.record), _RANK[one.kind], one.file))
    newer = [piece for piece in timed if _newer(piece.record, best.record, piece.read_ms or now_ms)]
    if not newer:
        return best
    latest = max(newer, key=lambda piece: _by_time(piece, now_ms))
    latest.before = best
    return latest


def _newer(candidate: Record, counted: Record, now_ms: int) -> bool:
    heard = candidate.last_heartbeat_ms
    if heard is None or heard > now_ms + FUTURE_TOLERANCE_MS:
        return False
    return all(known is None or heard > known for known in (counted.last_heartbeat_ms, counted.left_at_ms))


def _by_time(piece: Evidence, now_ms: int) -> tuple[bool, int, int, str]:
    heard = _heard(piece.record)
    return heard <= (piece.read_ms or now_ms) + FUTURE_TOLERANCE_MS and heard >= 0, heard, _RANK[piece.kind], piece.file


def _heard(record: Record) -> int:
    return -1 if record.last_heartbeat_ms is None else record.last_heartbeat_ms
