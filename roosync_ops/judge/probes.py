"""What machines testify when they are asked: their own word, their clock, and what their own replica shows.

An age never mixes two clocks here: a beat's time is brought to the reader's clock by the offset that was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.state.seen import Seen
from roosync_ops.state.shared import SharedState
from roosync_ops.state.silences import Silence
from roosync_ops.wire.merge import Evidence, merge

from . import verdict as v

if TYPE_CHECKING:
    from roosync_ops.remote_script.facts_model import AgentStatus, ProbeReport
    from roosync_ops.transport.link import Failure
    from roosync_ops.transport.reach import Reach

# A machine's own word, the local truth.
RUNNING: Final = "alive"  # its loop runs and beats
SHARE_BLOCKED: Final = "stuck"  # its loop runs, and its share hangs or refuses
SILENT: Final = "silent"  # its loop runs, and has not beaten for longer than the timeout
NOT_RUNNING: Final = "gone"  # no loop runs
LEFT: Final = "left"  # no loop runs, for it was stopped on purpose
NO_AGENT: Final = "no-agent"  # nothing is installed
UNCLEAR: Final = "unclear"  # it answered, and nothing that can be used
REFUSED: Final = "refused"  # it answers, and does not let us in
OFF: Final = "off"  # nothing answers
CUT: Final = "cut"  # nothing answers here, and it does another machine: `detail` says which
UNASKED: Final = "unasked"  # this computer has no way to ask it
#: Words that a machine gave itself.
SELF_REPORTED: Final = frozenset([RUNNING, SHARE_BLOCKED, SILENT, NOT_RUNNING, LEFT, NO_AGENT])

#: The observer that asks, in the place of a machineId; none can have parentheses.
HERE: Final = "(here)"


@dataclass(frozen=True, slots=True)
class AgentState:
    """What a machine said of its own agent. `since_ms` is on the reader's clock; `heard_ms` is on the machine's.

    `sequence` and `heard_ms` are those of the last beat that it wrote, and read back in its own replica. `twin` is what
    it lately found in its own file that another computer of its name must have written. `left_ms` is when it was
    stopped on purpose, on the reader's clock; None where it was not, or began again;
    `undone` what an older service made of that, and `older` whether that alone kept it (see older).
    """

    kind: str
    since_ms: int | None = None
    detail: str | None = None
    hint: str | None = None
    sequence: int | None = None
    heard_ms: int | None = None
    twin: str | None = None
    left_ms: int | None = None
    undone: Mapping[str, Any] = field(default_factory=dict)
    older: bool = False


@dataclass(frozen=True, slots=True)
class Builds:
    """Whether the agent that lies there, its configuration and its loop are what this computer would put there."""

    agent: bool
    config: bool
    loop: bool | None


@dataclass(frozen=True)
class ProbeResult:
    """One machine's answer. `state` is its own replica; `read_ms` is when that was read, on the reader's clock.

    `offset_ms` is its clock minus the reader's, `error_ms` how wrong that may be; None where it was not measured.
    `report` is what it said, None where `failure` says why it said nothing; `reach` is what was met on the way to it.
    `through` is the machine that it was reached through, where this computer does not reach it itself.
    `share` is what keeps an agent there from using its share. `login` are the words that log in, over the connection
    that `known_hosts` is asked about. `builds` None: they were not compared.
    """

    machine_id: str
    agent: AgentState
    state: SharedState | None = None
    state_problem: str | None = None
    read_ms: int = 0
    offset_ms: int | None = None
    error_ms: int | None = None
    report: ProbeReport | None = None
    failure: Failure | None = None
    reach: Reach | None = None
    share: Failure | None = None
    login: tuple[str, ...] = ()
    known_hosts: str | None = None
    builds: Builds | None = None
    through: str | None = None

    @property
    def status(self) -> AgentStatus | None:
        """What its agent says of itself, None where there is none that says anything."""
        return None if self.report is None else self.report.status

    @property
    def is_reached(self) -> bool:
        return self.agent.kind not in (OFF, REFUSED, CUT, UNASKED)


@dataclass(frozen=True)
class Knowledge:
    """What a reader knows beside the state it read: measured clocks, and what it saw when. Nothing, unless asked for.

    `patience_ms` None is the protocol's status exactly. `here` is the last heartbeat of each in the reader's own
    replica, where others were read as well.
    """

    offsets: Mapping[str, int] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    patience_ms: int | None = None
    #: Of a reader of time stamps: the longest delays of beats within a day and an hour, as the share itself notes them.
    late_ms: tuple[int, int] = (0, 0)
    #: And the clocks of others minus the reader's, which it noted of those whose beats arrive at other times.
    clocks: Mapping[str, int] = field(default_factory=dict)
    #: Until when, and why, a machine is no alarm.
    silences: Mapping[str, Silence] = field(default_factory=dict)
    here: Mapping[str, int | None] | None = None

    def asked(self, own: SharedState | None, probes: Iterable[ProbeResult]) -> Knowledge:
        """Return what is known with machines' answers as well; `own` is the reader's own replica."""
        measured = {one.machine_id: one.offset_ms for one in probes if one.offset_ms is not None}
        return replace(
            self,
            offsets={**self.offsets, **measured},
            here={} if own is None else {name: piece.record.last_heartbeat_ms for name, piece in own.machines.items()},
        )


NOTHING_ELSE: Final = Knowledge()


def replicas_of(
    own: SharedState | None, probes: Iterable[ProbeResult], now_ms: int
) -> dict[str, tuple[SharedState, int]]:
    """Return each replica that was read, and when, on the reader's clock."""
    found = {} if own is None else {HERE: (own, own.read_at_ms)}
    return found | {one.machine_id: (one.state, one.read_ms or now_ms) for one in probes if one.state is not None}


def merge_replicas(own: SharedState | None, probes: Iterable[ProbeResult], now_ms: int) -> SharedState | None:
    """Return the shared state as all observers together show it; None where none shows anything.

    What a machine's own replica says of that machine itself counts only where no other says anything of it: a beat
    that never left its machine was heard nowhere. Some answers come a minute after others: no beat grows old between
    two looks, so that each was read when it was last looked at.
    """
    replicas = replicas_of(own, probes, now_ms)
    if not replicas:
        return None
    heard: list[Evidence] = []
    alone: list[Evidence] = []
    looked: dict[tuple[str, int | None, int | None], int] = {}
    for observer, (state, read_ms) in replicas.items():
        for name, piece in state.machines.items():
            beat = name, piece.record.sequence, piece.record.last_heartbeat_ms
            looked[beat] = max(looked.get(beat, 0), read_ms)
            (alone if name == observer else heard).append(piece)
    machines = {name: copy(piece) for name, piece in {**merge(alone, now_ms), **merge(heard, now_ms)}.items()}
    for name, piece in machines.items():
        piece.read_ms = looked[name, piece.record.sequence, piece.record.last_heartbeat_ms]
    states = [state for state, _ in replicas.values()]
    first, signs = states[0], (item for state in states for item in state.signs.items())
    return SharedState(
        first.shared, now_ms, dict(sorted(machines.items())), first.findings, first.view, first.view_state,
        max(state.seen for state in states), signs=dict(sorted(signs, key=lambda item: item[1])),
    )  # fmt: skip


def reason_of(probe: ProbeResult) -> v.Reason | None:
    """Return why a machine does not beat, by its own word; None where its word explains no silence."""
    word, name = probe.agent, probe.machine_id
    if word.left_ms is not None:
        return v.Reason(v.OLDER_LEFT if word.older else v.HAS_LEFT, name, {"since": word.left_ms, **word.undone})
    if word.kind == SHARE_BLOCKED:
        return v.Reason(v.SHARE_STUCK, name, {"since": word.since_ms, "state": word.hint, "detail": word.detail})
    if word.kind in _SINCE:
        return v.Reason(_SINCE[word.kind], name, {"since": word.since_ms})
    said = _SAID.get(word.kind)
    return None if said is None else v.Reason(said, name, {"detail": word.detail, "hint": word.hint})


_SINCE: Final = {NOT_RUNNING: v.AGENT_GONE, SILENT: v.AGENT_SILENT, NO_AGENT: v.NO_AGENT}
_SAID: Final = {
    OFF: v.MACHINE_OFF,
    REFUSED: v.NOT_LET_IN,
    UNCLEAR: v.NO_WORD,
    CUT: v.CUT_OFF,
    UNASKED: v.NOT_ASKED_HERE,
}
