"""What dashboards and reports are made of, as pure data. Times are ms since the epoch, durations ms.

A dashboard: the table, who sees whom, the past, the agents, and whose eyes it rests on. A report: a validation, what a
rollout did, and what changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

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
_STATED: Final = {"heartbeatInterval": int, "offlineTimeout": int, "autoSyncEnabled": bool}
#: A report names at most so many changes, the latest.
MAX_CHANGES: Final = 50


#: What a machine's own record states of its agent, by its names on the wire; None where the shared state holds no such
#: record. `version` is that of an older service where one keeps the machine; what is not stated is None.
Installed: TypeAlias = Mapping[str, Any] | None


@dataclass(frozen=True)
class Dashboard:
    """Everything a page shows. `validation.evidence` is who sees whom, None where no machine was asked.

    `observer` is the computer that looked; `replica` the shared folder it read, None where it read none, and then
    `trouble` is why, if it should have had one. `newest_ms` is the newest heartbeat of all: how old the data is.
    `fresh_ms` is how long what it shows may be called current.
    `pasts` reach from `from_ms` to the check; `flips` are in their JSON form, the newest last.
    """

    observer: str
    replica: str | None
    trouble: str | None
    validation: Validation
    pasts: tuple[UptimeHistory, ...]
    flips: tuple[Mapping[str, Any], ...]
    installed: Mapping[str, Installed]
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

    @property
    def is_compared(self) -> bool:
        """Whether the baseline has a record that others can be compared with."""
        return self.installed.get(self.baseline) is not None

    def differing(self, machine_id: str) -> tuple[str, ...] | None:
        """Return the settings, by their names on the wire, that a machine and the baseline state, and not the same.

        None where there is nothing to compare.
        """
        mine, base = self.installed[machine_id], self.installed.get(self.baseline)
        if mine is None or base is None:
            return None
        return tuple(name for name in mine if None not in (mine[name], base[name]) and mine[name] != base[name])


def fresh_ms(fleet: Fleet) -> int:
    """Return how long a look is current, in ms: a machine that was heard at it takes longer to go into warning."""
    return min([MOST_FRESH_MS, *(machine.heartbeat_interval * (MISSED_THRESHOLD - 1) for machine in fleet)])


def installed(fleet: Fleet, state: SharedState, now_ms: int) -> dict[str, Installed]:
    """Return what the records of `state` say of the agent of each machine of the fleet."""
    found: dict[str, Installed] = {}
    for machine in fleet:
        name, record = machine.machine_id, state.record_of(machine.machine_id)
        stated = {} if record is None else {key: record.agent.get(key) for key in _STATED}
        known = {key: value if type(value) is _STATED[key] else None for key, value in stated.items()}
        found[name] = {"version": observation(name, state, now_ms).version, **known} if known else None
    return found


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
