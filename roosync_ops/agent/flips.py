"""Flips of other machines as the keeper of the view sees them: the last few, in the journal, shown by `status`.

A small relative of judge.flips, which a machine has no room for. A beat that came proves life, a record that says so a
stop. Silence is told of a machine that was heard here before, from which nothing came for its offlineTimeout and two
intervals, while beats of others did come; after a time in which none came all are listened to anew. What was told
is in the journal: no restart tells it again. How late beats come is counted beside: without a second clock, in beats.
"""

from __future__ import annotations

from roosync_ops.wire.merge import Evidence
from roosync_ops.wire.record import MAX_KNOWS, Record
from roosync_ops.wire.status import LEFT, OFFLINE, ONLINE, status
from roosync_ops.wire.times import to_iso
from roosync_ops.wire.typed import Json

#: So many are kept here; the watcher on the admin machine keeps more.
MAX_FLIPS = 16
#: The journal's slot has room for so many machines beside a whole record.
MAX_KNOWN = 500
#: So many intervals without any beat were a stall of the share; a machine is given as many beyond its timeout.
STALL_INTERVALS = 2
#: A silence of so many beats or more is a replica that stood still, no delay.
MAX_LATE = 21
#: Stamps that lie beyond these, in ms behind and ahead of our clock, are no delay: twice so, and the clock is wrong.
BEHIND_MS, AHEAD_MS = 600_000, 120_000
HOUR_MS = 3_600_000
_HOURS = 24


def note(notes: Json, merged: dict[str, Evidence], me: str, now_ms: int) -> None:
    """Take in what the share shows at `now_ms`.

    `notes` is {"known": {machineId: [word, sequence, last heartbeat, heard since]}, "clocks": {machineId: how wrong its
    clock seemed the last times, in ms}, "heardAt": ms, "last": [flips], "late": {hour: how many silences of each
    length}, "readAt": ms}. Older builds read it after a rollback.
    """
    known: Json = notes["known"]
    moved = [name for name in list(merged)[:MAX_KNOWN] if name != me and _takes(notes, merged[name].record, now_ms)]
    notes["readAt"] = now_ms
    for name in [name for name in known if name not in merged]:
        del known[name]
        notes["clocks"].pop(name, None)
    if not moved:
        return
    slack_ms = STALL_INTERVALS * merged[moved[0]].record.thresholds.interval_ms
    if not 0 <= now_ms - notes["heardAt"] <= slack_ms:
        for entry in known.values():
            entry[3] = now_ms
    notes["heardAt"] = now_ms
    for name, (word, _, _, since) in known.items():
        is_silent = now_ms - since > merged[name].record.thresholds.timeout_ms + slack_ms
        if is_silent and word not in (LEFT, OFFLINE):
            _tell(notes, name, OFFLINE, now_ms)


def _takes(notes: Json, record: Record, now_ms: int) -> bool:
    """Remember a record, and tell what it proves; True where it is a later one than was known."""
    name, sequence, heard = record.machine_id, record.sequence or 0, record.last_heartbeat_ms or 0
    entry = notes["known"].get(name)
    if entry is None:
        notes["known"][name] = [status(record, now_ms, record.thresholds), sequence, heard, now_ms]
        return False
    if sequence <= entry[1] and heard <= entry[2]:
        return False
    # As far as its machine was beating, and we looked.
    beats = min((notes["readAt"] - entry[3]) // record.thresholds.interval_ms, sequence - entry[1])
    if 0 <= beats < MAX_LATE:
        notes["late"].setdefault(str(now_ms // HOUR_MS), [0] * MAX_LATE)[beats] += 1
    off = heard - now_ms
    before = notes["clocks"].pop(name, ())
    if not -BEHIND_MS <= off <= AHEAD_MS:
        notes["clocks"][name] = [*(was for was in before[-1:] if abs(off - was) < BEHIND_MS), off]
    entry[1:] = [max(sequence, entry[1]), max(heard, entry[2]), now_ms]
    _tell(notes, name, LEFT if record.has_left else ONLINE, now_ms)
    return True


def late(notes: Json, now_ms: int, interval_ms: int) -> Json:
    """Return how beats arrive, as the keeper's record says it (wire.record.LATE)."""
    hour = now_ms // HOUR_MS
    offs = [(name, seemed[1]) for name, seemed in notes["clocks"].items() if seemed[1:]]
    found: Json = {"clocks": dict(offs[:MAX_KNOWS])} if offs else {}
    counts = notes["late"] = {key: steps for key, steps in notes["late"].items() if 0 <= hour - int(key) < _HOURS}
    for name, hours in (("hour", 1), ("day", _HOURS)):
        steps = [sum(each) for each in zip(*(counts[key] for key in counts if int(key) >= hour - hours))]  # noqa: B905 - 3.9
        ends = [at for at, count in enumerate(steps, 1) if count]
        if ends:
            most = next(at for at in ends if sum(steps[at:]) * 100 <= sum(steps))
            found[name] = [ends[-1] * interval_ms, most * interval_ms]
    return found


def _tell(notes: Json, name: str, word: str, now_ms: int) -> None:
    entry = notes["known"][name]
    was, entry[0] = entry[0], word
    if was != word and not (was == "warning" and word == ONLINE):
        flip = {"machineId": name, "from": was, "to": word, "at": to_iso(now_ms)}
        notes["last"] = [*notes["last"], flip][-MAX_FLIPS:]
