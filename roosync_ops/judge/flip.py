"""What flips are made of. Everything that leaves is frozen; times are ms since the epoch, durations ms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS, LEFT, OFFLINE, ONLINE, UNKNOWN
from roosync_ops.wire.times import to_iso

if TYPE_CHECKING:
    from collections.abc import Mapping

# Why a machine flipped.
FIRST_BEAT: Final = "first-beat"
BEATS_AGAIN: Final = "beats-again"
STARTED_AGAIN: Final = "started-again"
STOPPED: Final = "stopped-on-purpose"
SILENT: Final = "silent"
OLDER_SILENT: Final = "older-service-silent"
#: Silent too, but nobody else was beating: the share may be what is silent.
SILENT_ALONE: Final = "silent-with-nobody-to-compare"
RECORD_GONE: Final = "record-gone"
#: Confirmed by a second opinion: by the machine itself, or by nobody reaching it.
AGENT_GONE: Final = "agent-gone"
UNREACHABLE: Final = "silent-and-unreachable"
FLAPPING: Final = "flapping"
SETTLED: Final = "settled"
# Why the share flipped, whose `machine_id` is None.
SHARE_SILENT: Final = "no-beat-of-anybody"
SHARE_SUSPECT: Final = "most-look-gone-at-once"
SHARE_UNAVAILABLE: Final = "share-unavailable"
SHARE_BACK: Final = "share-back"

#: What `was` and `to` of a flip of the share are; those of a machine are wire.status words, or FLAPPING.
OK: Final = "ok"
SUSPECT: Final = "suspect"
UNAVAILABLE: Final = "unavailable"


MACHINE_WORDS: Final = frozenset([ONLINE, OFFLINE, LEFT, UNKNOWN])
SHARE_WORDS: Final = frozenset([OK, SUSPECT, UNAVAILABLE])
#: A list of changes is never longer.
MAX_CHANGES: Final = 16

#: (sequence, last heartbeat) of a record; -1 where it has none.
Key = tuple[int, int]
NO_KEY: Final[Key] = (-1, -1)


@dataclass(frozen=True, slots=True)
class Row:
    """One machine as a reading shows it, judged. `doubt` is what its reason puts in doubt, None for nothing.

    `sequence` is None in records of older services; `heard_ms` is the last heartbeat, by its writer's clock. `death` is
    why a machine that is offline is so for certain; None where silence alone says it, of an `older` service perhaps.
    `here_ms` is the last heartbeat that has come into this replica, where `heard_ms` is by the word of who was asked.
    """

    machine_id: str
    status: str
    heard_ms: int | None = None
    sequence: int | None = None
    doubt: str | None = None
    interval_ms: int = DEFAULT_INTERVAL_MS
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    death: str | None = None
    older: bool = False
    here_ms: int | None = None

    @property
    def key(self) -> Key:
        """What a beat makes grow: the sequence, or the time, or both."""
        return (-1 if self.sequence is None else self.sequence, -1 if self.heard_ms is None else self.heard_ms)


@dataclass(frozen=True, slots=True)
class Flip:
    """One event, told once. `machine_id` is None where it is about the share itself.

    `planned` is a stop on purpose, or the start after it. `flapping` names a machine that flips too often: `to` is
    what it was at that moment, and nothing more is told of it until it settles (then `was` is "flapping").
    """

    machine_id: str | None
    was: str
    to: str
    at_ms: int
    reason: str
    planned: bool = False
    flapping: bool = False
    heard_ms: int | None = None
    #: How long nothing came from it, by the reader's own clock; None where it never saw it beat.
    silent_ms: int | None = None
    detail: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the flip as the JSON lines, the history and the commands get it."""
        return {
            "machineId": self.machine_id,
            "from": self.was,
            "to": self.to,
            "at": to_iso(self.at_ms),
            "reason": self.reason,
            "planned": self.planned,
            "flapping": self.flapping,
            "lastHeartbeat": None if self.heard_ms is None else to_iso(self.heard_ms),
            "silentMs": self.silent_ms,
            "detail": self.detail,
        }


@dataclass(slots=True)
class Known:
    """What is remembered of one machine between two readings.

    `told` is what was last told, or taken for granted at the first look; `told_key` the record it rested on;
    `moved_at_ms` is when its last record came in, by the reader's clock.
    `silence_ms` is how long nothing came from it while the share was seen to move; `changes` are when it flipped
    without a plan, in the last FLAP_WINDOW_MS. `came_ms` is the last heartbeat of it that came into this replica.
    """

    told: str | None = None
    told_key: Key = NO_KEY
    key: Key = NO_KEY
    moved_at_ms: int | None = None
    silence_ms: int = 0
    changes: list[int] = field(default_factory=list)
    flapping: bool = False
    came_ms: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "told": self.told,
            "toldKey": list(self.told_key),
            "key": list(self.key),
            "movedAt": self.moved_at_ms,
            "silence": self.silence_ms,
            "changes": self.changes,
            "flapping": self.flapping,
            "came": self.came_ms,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], words: frozenset[str]) -> Known:
        """Raises ValueError, TypeError or KeyError where `data` is not what `as_dict` gave with one of the `words`."""
        told = data["told"]
        if told is not None and told not in words:
            raise ValueError(f"told: {told!r:.40}")
        return cls(
            told,
            _key(data["toldKey"]),
            _key(data["key"]),
            None if data["movedAt"] is None else whole(data["movedAt"]),
            whole(data["silence"]),
            [whole(at) for at in data["changes"]][-MAX_CHANGES:],
            bool(data["flapping"]),
            None if data.get("came") is None else whole(data["came"]),
        )


def whole(value: object) -> int:
    """Return a whole number as it is. Raises TypeError for anything else, True and 1.0 included."""
    if type(value) is not int:
        raise TypeError(f"{value!r:.40} is no whole number")
    return value


def _key(value: Any) -> Key:
    first, second = value
    return whole(first), whole(second)


def latest(known: Key, key: Key) -> Key:
    """Return what is known after a record with `key`: each part only grows, so no order of records makes a circle.

    A later time with a lower sequence is an agent that began anew; an old copy that comes back has neither.
    """
    return max(known[0], key[0]), max(known[1], key[1])


def is_current(key: Key, known: Key) -> bool:
    """Return True if a record is the latest known, not an old copy."""
    return key[0] == known[0] >= 0 or key[1] == known[1]
