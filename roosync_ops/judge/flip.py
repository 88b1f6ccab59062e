"""What flips are made of, and from a validation to that. Times are ms since the epoch, durations ms."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from pydantic.alias_generators import to_camel

from roosync_ops.fleet import Fleet
from roosync_ops.state import SharedState
from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS, LEFT, OFFLINE, ONLINE, UNKNOWN
from roosync_ops.wire.times import to_iso

from . import verdict as v

# Why a machine flipped.
FIRST_BEAT: Final = "first-beat"
BEATS_AGAIN: Final = "beats-again"
STARTED_AGAIN: Final = "started-again"
STOPPED: Final = "stopped-on-purpose"
SILENT: Final = "silent"
OLDER_SILENT: Final = "older-service-silent"
#: Silent too, but no other machine was beating: the share may be what is silent.
SILENT_ALONE: Final = "silent-with-nobody-to-compare"
RECORD_GONE: Final = "record-gone"
#: Confirmed by a second opinion: by the machine itself, or by no computer reaching it.
AGENT_GONE: Final = "agent-gone"
SHARE_STUCK: Final = "share-stuck"
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

#: What takes a machine offline for certain, and why its flip says so.
_DEATHS: Final = {
    v.AGENT_GONE: AGENT_GONE,
    v.NO_AGENT: AGENT_GONE,
    v.SHARE_STUCK: SHARE_STUCK,
    v.MACHINE_OFF: UNREACHABLE,
}
#: A list of changes is never longer.
MAX_CHANGES: Final = 16

#: (sequence, last heartbeat) of a record; -1 where it has none.
Key = tuple[int, int]
NO_KEY: Final[Key] = (-1, -1)


@dataclass(frozen=True, slots=True)
class FlipRow:
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


#: Keys of the file that memory is kept in: `told_key` is `toldKey`, `moved_at_ms` is `movedAt`.
_FILED: Final = ConfigDict(alias_generator=lambda name: to_camel(name.removesuffix("_ms")), defer_build=True)


@with_config(_FILED)
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


@with_config(_FILED)
@dataclass(slots=True)
class Remembered:
    """All that has to outlive a watcher. `moved_at_ms`: when a beat was last known of; `came_at_ms`: when one came in.

    That a machine answers when it is asked proves no sync.
    """

    at_ms: int | None = None
    moved_at_ms: int = 0
    came_at_ms: int = 0
    trouble_since_ms: int | None = None
    share: Known = field(default_factory=lambda: Known(OK))
    machines: dict[str, Known] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        found: dict[str, Any] = _ADAPTER.dump_python(self, mode="json", by_alias=True)
        return found

    @classmethod
    def from_dict(cls, data: object) -> "Remembered":
        """Return what `as_dict` gave. What is not understood is taken as not yet seen, and told of nothing."""
        try:
            found = _ADAPTER.validate_python(data)
        except ValidationError:
            return cls()
        told = {one.told for one in found.machines.values()}
        if found.share.told not in (OK, SUSPECT, UNAVAILABLE) or not told <= {ONLINE, OFFLINE, LEFT, UNKNOWN, None}:
            return cls()
        found.came_at_ms = found.came_at_ms or found.moved_at_ms
        return found


_ADAPTER: Final = TypeAdapter(Remembered)


def latest(known: Key, key: Key) -> Key:
    """Return what is known after a record with `key`: each part only grows, so no order of records makes a circle.

    A later time with a lower sequence is an agent that began anew; an old copy that comes back has neither.
    """
    return max(known[0], key[0]), max(known[1], key[1])


def rows_of(validation: v.Validation, state: SharedState, fleet: Fleet) -> Iterator[FlipRow]:
    """Yield a row for each machine of the inventory: strangers in the share raise no alarm (field note 10).

    What patience the validation had, the flips have too: a burst of delays is no event either.
    """
    patience_ms = validation.patience_ms or 0
    for verdict in validation.verdicts:
        machine, record = fleet.get(verdict.machine_id), state.record_of(verdict.machine_id)
        if machine is None:
            continue
        yield FlipRow(
            verdict.machine_id,
            verdict.observed,
            verdict.last_heartbeat_ms,
            None if record is None else record.sequence,
            None if verdict.reason is None else verdict.reason.doubt,
            machine.thresholds.interval_ms,
            machine.thresholds.timeout_ms + patience_ms,
            _death(verdict, machine.thresholds.timeout_ms, validation.checked_at_ms),
            older=verdict.reason is not None and verdict.reason.kind == v.OLDER_SILENT,
            here_ms=None if record is None else record.last_heartbeat_ms,
        )


def _death(verdict: v.Verdict, timeout_ms: int, now_ms: int) -> str | None:
    """Return why a machine that is silent for its timeout is dead for certain; None where it may be its silence alone.

    That its agent is gone is for certain no sooner: it may just be starting again. Of when it last beat its own word
    counts first: that beat may be on its way.
    """
    if verdict.observed != OFFLINE or verdict.reason is None:
        return None
    said = None if verdict.probe is None else verdict.probe.agent.since_ms
    silent_ms = verdict.age_ms if said is None else now_ms - said
    if silent_ms is not None and 0 <= silent_ms <= timeout_ms:
        return None
    return _DEATHS.get(verdict.reason.kind)
