"""One beat: what this machine's record says next. Pure functions from what is known to the next record.

When it was up is a bounded list of `<start>/<end>`, extended at each beat, never rewritten backwards.
"""

from __future__ import annotations

import sys

from roosync_ops.wire.record import (
    BEFORE,
    KNOWS,
    LATE,
    LEFT_STATE,
    MAX_SEQUENCE,
    OF_A_TWIN,
    OF_THE_PAST,
    PROTOCOL_VERSION,
    RUNNING_STATE,
    object_in,
    ordered,
)
from roosync_ops.wire.status import OFFLINE, ONLINE
from roosync_ops.wire.times import intervals_in, time_or_none, times_in, to_iso
from roosync_ops.wire.typed import Any, Json

from .build import BUILD, VERSION
from .config import Config

Interval = tuple[int, int]

KEPT_MS = 7 * 24 * 3600 * 1000
#: Two a day-hour for seven days; about 17 kB, the most a record may grow by.
MAX_INTERVALS = 336
#: What is stopped more often in seven days is stopped by a program.
MAX_STOPS = 64
#: 2025-01-01: a clock that says earlier was never set (a board without a battery before it meets its time server).
CLOCK_IS_SET_FROM_MS = 1_735_689_600_000
REGISTERED_BY = "roosync-ops"
#: Counted here at each beat, whatever the operator passes.
_NOT_THE_OPERATORS = ("firstSeen", "lastUpdated", "version")
_PROTOCOLS = ("machineId", "lastHeartbeat", "status", "missedHeartbeats", "offlineSince")
_BEGINNINGS = ("firstSeen", "lastUpdated", "version", "hostname", "platform", "registeredAt")
_OURS = (
    "version",
    "buildId",
    "state",
    "sequence",
    "bootId",
    "sessionId",
    "startedAt",
    "leftAt",
    "heartbeatInterval",
    "offlineTimeout",
    "autoSyncEnabled",
    "upIntervals",
    "stops",
)


class Session:
    """One life of the agent on one boot. `started_at_ms` is when it began."""

    __slots__ = ("boot_id", "build", "rolled_back", "session_id", "started_at_ms")

    def __init__(self, boot_id: str, session_id: str, started_at_ms: int) -> None:
        self.boot_id = boot_id
        self.session_id = session_id
        self.started_at_ms = started_at_ms
        self.build: Json = {"version": VERSION, "buildId": BUILD}
        #: Which build this life follows, and why: {from, to, at, why}.
        self.rolled_back: Json | None = None


def agent_part(record: Json | None) -> Json:
    """Return our additive object of a record, empty where an older service wrote it."""
    return object_in(record, "agent")


def sequence_of(record: Json | None) -> int:
    """Return a record's sequence, 0 where it has none that can be believed."""
    sequence = agent_part(record).get("sequence")
    return sequence if type(sequence) is int and 0 <= sequence <= MAX_SEQUENCE else 0


class PreviousRecords:
    """What was published before: `known` here, `on_disk` in the share; `counted` is the highest sequence ever given."""

    __slots__ = ("known", "on_disk", "sequence")

    def __init__(self, known: Json | None, on_disk: Json | None, counted: int) -> None:
        self.known = known
        self.on_disk = on_disk
        self.sequence = max(counted, sequence_of(known), sequence_of(on_disk))

    @property
    def next_sequence(self) -> int:
        return min(self.sequence + 1, MAX_SEQUENCE)

    @property
    def latest(self) -> Json:
        """The one with the higher sequence; the remembered one where they are equal."""
        pair = [record for record in (self.known, self.on_disk) if record is not None]
        return max(pair, key=sequence_of) if pair else {}

    def both(self, key: str | None = None) -> Json:
        """Return the fields of both, or of their objects under `key`; what lies in the share wins."""
        result: Json = {}
        for record in (self.known, self.on_disk):
            result.update((record or {}) if key is None else object_in(record, key))
        return result


def compose(  # noqa: PLR0913, PLR0917 - what a record is made of
    config: Config,
    session: Session,
    past: PreviousRecords,
    now_ms: int,
    metadata: Json,
    extra: Json,
) -> Json:
    """Return the record of a beat at `now_ms`.

    Fields that neither the protocol nor we define are kept. `metadata` is what the operator passes now.
    """
    record = past.both()
    record.update(
        machineId=config.machine_id,
        lastHeartbeat=to_iso(now_ms),
        status=ONLINE,
        missedHeartbeats=0,
        metadata=_metadata(config, past, now_ms, metadata),
        agent=_agent(config, session, past, now_ms, extra),
    )
    record.pop("offlineSince", None)
    record.pop(BEFORE, None)  # of an entry of the view that was migrated into this file
    return ordered(record)


def leave(past: PreviousRecords, now_ms: int) -> Json:
    """Return the latest record, saying that its machine leaves at `now_ms`; lastHeartbeat stays the last beat's."""
    record = past.latest
    # a clock put back must not make the beat look newer than the leaving
    left_ms = max(now_ms, time_or_none(record.get("lastHeartbeat")) or 0)
    left_at = to_iso(left_ms)
    part = agent_part(record)
    stops = stops_until(part.get("stops"), left_ms)
    agent = {**part, "state": LEFT_STATE, "sequence": past.next_sequence, "leftAt": left_at, "stops": stops}
    left = {**record, "status": OFFLINE, "agent": _in_order(agent), "offlineSince": left_at}
    return ordered(left)


def bare(record: Json, config: Config) -> Json:
    """Return a record with nothing in it but what the protocol, the operator and we put there."""
    metadata = {key: value for key, value in object_in(record, "metadata").items() if key in _BEGINNINGS}
    result = {key: record[key] for key in _PROTOCOLS if key in record}
    agent = {key: value for key, value in agent_part(record).items() if key in _OURS}
    return ordered({**result, "metadata": {**metadata, **config.metadata}, "agent": agent})


def has_left(record: Json | None) -> bool:
    """Return True if the agent that wrote `record` said that it leaves."""
    return agent_part(record).get("state") == LEFT_STATE


def rewritten(on_disk: Json, known: Json, sessions: tuple[str, ...]) -> tuple[str, str] | None:
    """Tell (kind, how) the file is not the one we left, None where it is (or is a later one of our own)."""
    found, kept = sequence_of(on_disk), sequence_of(known)
    session = agent_part(on_disk).get("sessionId")
    if found > kept:
        return None if session in sessions else (OF_A_TWIN, f"a later record of another session, {session!r:.40}")
    if found < kept:
        heard = on_disk.get("lastHeartbeat")
        return OF_THE_PAST, f"sequence {found or None} instead of {kept}, lastHeartbeat {heard!r:.40}"
    for key in ("lastHeartbeat", "status"):
        if on_disk.get(key) != known.get(key):
            return OF_THE_PAST, f"{key} {on_disk.get(key)!r:.40} instead of {known.get(key)!r:.40}"
    return None


def _metadata(config: Config, past: PreviousRecords, now_ms: int, passed: Json) -> Json:
    kept = past.both("metadata")
    firsts = [object_in(record, "metadata").get("firstSeen") for record in (past.known, past.on_disk)]
    result = {
        "firstSeen": to_iso(min([*times_in(firsts), now_ms])),
        "lastUpdated": to_iso(now_ms),
        "version": PROTOCOL_VERSION,
        "hostname": config.hostname,
        "platform": sys.platform,
        "registeredBy": kept.get("registeredBy", REGISTERED_BY),
        "registeredAt": kept.get("registeredAt", to_iso(now_ms)),
    }
    result.update((key, value) for key, value in kept.items() if key not in result)
    result.update((key, value) for key, value in passed.items() if key not in _NOT_THE_OPERATORS)
    return result


def _agent(config: Config, session: Session, past: PreviousRecords, now_ms: int, extra: Json) -> Json:
    agent = past.both("agent")
    up = intervals_in(agent_part(past.latest).get("upIntervals"))
    agent.update(
        **session.build,
        state=RUNNING_STATE,
        sequence=past.next_sequence,
        bootId=session.boot_id,
        sessionId=session.session_id,
        startedAt=to_iso(session.started_at_ms),
        upIntervals=written(extend(up, now_ms, config.thresholds.timeout_ms)),
        **config.as_wire(),
    )
    agent.pop("leftAt", None)
    stops = agent_part(past.latest).get("stops")
    if stops:
        agent["stops"] = stops
    earlier = agent_part(past.known)
    if earlier.get("sessionId") != session.session_id and up and now_ms - up[-1][1] <= config.thresholds.timeout_ms:
        extra = earlier  # a restart: the view's keeper looks at others after this beat
    for key in (KNOWS, LATE):
        agent.pop(key, None)
        if extra.get(key):
            agent[key] = extra[key]
    agent.pop("rolledBack", None)
    if session.rolled_back is not None:
        agent["rolledBack"] = session.rolled_back
    return _in_order(agent)


def _in_order(agent: Json) -> Json:
    result = {key: agent[key] for key in _OURS if key in agent}
    result.update((key, value) for key, value in agent.items() if key not in result)
    return result


def written(intervals: list[Interval]) -> list[str]:
    """Return `upIntervals` as the record carries it."""
    return [f"{to_iso(start)}/{to_iso(end)}" for start, end in intervals]


def stops_until(value: Any, now_ms: int) -> list[str]:
    """Return when this machine was stopped on purpose in the last seven days, now included; the newest last."""
    kept = {now_ms, *(at for at in times_in(value) if abs(now_ms - at) <= KEPT_MS)}
    return [to_iso(at) for at in sorted(kept)[-MAX_STOPS:]]


def extend(intervals: list[Interval], now_ms: int, gap_ms: int) -> list[Interval]:
    """Return `intervals` with a beat at `now_ms` in them.

    The beat belongs to the newest interval that began before it and ended at most `gap_ms` before it; otherwise it
    begins one. Only what lies more than seven days from `now_ms` is dropped, then the oldest beyond the bound.
    """
    if now_ms < CLOCK_IS_SET_FROM_MS:
        return intervals
    result = list(intervals)
    for at in range(len(result) - 1, -1, -1):
        start, end = result[at]
        if start <= now_ms <= end + gap_ms:
            result[at] = (start, max(end, now_ms))
            break
    else:
        result.append((now_ms, now_ms))
    near = [piece for piece in sorted(result) if piece[1] >= now_ms - KEPT_MS and piece[0] <= now_ms + KEPT_MS]
    return [(max(start, now_ms - KEPT_MS), end) for start, end in near[-MAX_INTERVALS:]]
