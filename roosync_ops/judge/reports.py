"""What dashboards and reports are made of, as pure data. Times are ms since the epoch, durations ms.

A dashboard: the table, who sees whom, the past, the agents, and whose eyes it rests on. A report: a validation, what a
rollout did, and what changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import Any, Final

from roosync_ops.fleet import Fleet
from roosync_ops.state import SharedState
from roosync_ops.wire.status import MISSED_THRESHOLD
from roosync_ops.wire.times import to_iso

from .history import INTERVALS, OFF, UptimeHistory
from .matrix import Matrix
from .observe import observation
from .verdict import Validation

#: How far back a dashboard looks: a record carries the intervals of seven days.
WINDOW_MS: Final = 7 * 86_400_000
#: A table that is older is not called current.
MOST_FRESH_MS: Final = 60_000
_STATED: Final = ("heartbeatInterval", "offlineTimeout", "autoSyncEnabled")
#: A report names at most so many changes, the latest.
MAX_CHANGES: Final = 50


@dataclass(frozen=True, slots=True)
class Installed:
    """What a machine's own record says of its agent. `present` is whether the shared state holds such a record.

    `version` is that of an older service where one keeps the machine; what a record does not state is None.
    """

    machine_id: str
    present: bool
    version: str | None = None
    interval_ms: int | None = None
    timeout_ms: int | None = None
    auto_sync: bool | None = None


@dataclass(frozen=True)
class Dashboard:
    """Everything a page shows. `validation.evidence` is who sees whom, None where no machine was asked.

    `observer` is the computer that looked; `replica` the shared folder it read, None where it read none, and then
    `trouble` is why, if it should have had one. `newest_ms` is the newest heartbeat of anybody: how old the data is.
    `fresh_ms` is how long what it shows may be called current.
    `pasts` reach from `from_ms` to the check; `flips` are in their JSON form, the newest last.
    """

    observer: str
    replica: str | None
    trouble: str | None
    validation: Validation
    pasts: tuple[UptimeHistory, ...]
    flips: tuple[Mapping[str, Any], ...]
    installed: tuple[Installed, ...]
    baseline: str
    from_ms: int
    newest_ms: int | None
    fresh_ms: int

    @property
    def at_ms(self) -> int:
        """When it was looked."""
        return self.validation.checked_at_ms

    @property
    def matrix(self) -> Matrix | None:
        return self.validation.evidence

    @cached_property
    def _base(self) -> Installed | None:
        """The baseline's record, where there is one that others can be compared with."""
        return next((one for one in self.installed if one.machine_id == self.baseline and one.present), None)

    @property
    def is_compared(self) -> bool:
        return self._base is not None

    def differing(self, machine: Installed) -> tuple[str, ...] | None:
        """Return the settings, by their names on the wire, that a machine and the baseline state, and not the same.

        None where there is nothing to compare.
        """
        if self._base is None or not machine.present:
            return None
        stated = zip(("version", *_STATED), astuple(machine)[2:], astuple(self._base)[2:], strict=True)
        return tuple(name for name, mine, theirs in stated if None not in (mine, theirs) and mine != theirs)


def fresh_ms(fleet: Fleet) -> int:
    """Return how long a look is current, in ms: a machine that was heard at it takes longer to go into warning."""
    return min([MOST_FRESH_MS, *(machine.heartbeat_interval * (MISSED_THRESHOLD - 1) for machine in fleet)])


def installed(fleet: Fleet, state: SharedState, now_ms: int) -> tuple[Installed, ...]:
    """Return what the records of `state` say of the agent of each machine of the fleet."""
    return tuple(_installed(machine.machine_id, state, now_ms) for machine in fleet)


def _installed(machine_id: str, state: SharedState, now_ms: int) -> Installed:
    record = state.record_of(machine_id)
    if record is None:
        return Installed(machine_id, present=False)
    interval, timeout, auto_sync = (record.agent.get(key) for key in _STATED)
    return Installed(
        machine_id,
        present=True,
        version=observation(machine_id, state, now_ms).version,
        interval_ms=interval if type(interval) is int else None,
        timeout_ms=timeout if type(timeout) is int else None,
        auto_sync=auto_sync if isinstance(auto_sync, bool) else None,
    )


def newest_ms(state: SharedState, now_ms: int) -> int | None:
    """Return the newest heartbeat in `state`; none that lies in the future makes data look fresh."""
    heard = (piece.record.last_heartbeat_ms for piece in state.machines.values())
    return max((at for at in heard if at is not None and at <= now_ms), default=None)


@dataclass(frozen=True)
class Report:
    """A validation (None where a rollout saw no shared state), with what a rollout did or what changed since.

    Those two are in their JSON form, as `roosync-ops report --schema` describes it. `said` are the reasons, by
    machineId, of a validation that was read from a document, whose verdicts have none: a kind, and the sentence in the
    language of then.
    """

    validation: Validation | None
    rollout: Mapping[str, Any] | None = None
    changes: Mapping[str, Any] | None = None
    said: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        seen = self.validation is None or self.validation.ok
        return seen and (self.rollout is None or self.rollout["ok"] is True)

    @property
    def expected_online(self) -> int:
        """How many machines are to be online: the procedure's objective."""
        rows = () if self.validation is None else self.validation.verdicts
        return sum(row.expected == "online" for row in rows)


def changes(
    flips: Sequence[Mapping[str, Any]], pasts: Iterable[UptimeHistory], from_ms: int, to_ms: int, *, watched: bool
) -> dict[str, Any]:
    """Return what changed in the window: the flips a watcher told on this computer, and the machines' own outages.

    `watched` tells whether one ever looked here: without it that there are no flips means nothing.
    """
    since = to_iso(from_ms)  # as a flip's time is written
    told = [flip for flip in flips if isinstance(flip.get("at"), str) and flip["at"] >= since]
    outages = [
        {"machineId": past.machine_id, "since": to_iso(span.start_ms), "until": to_iso(span.end_ms)}
        for past in pasts
        if past.source == INTERVALS
        for span in past.spans
        if span.kind == OFF
    ]
    outages.sort(key=lambda one: one["since"])
    latest = {"flips": told[-MAX_CHANGES:], "outages": outages[-MAX_CHANGES:]}
    return {"since": since, "until": to_iso(to_ms), "watched": watched, **latest}
