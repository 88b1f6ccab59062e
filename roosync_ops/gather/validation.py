"""The validation table, and who sees whom: read, asked and judged, once.

Without `--patience` and `--memory` machines are judged by time stamps; what an earlier reader kept tells which of them
cannot be right.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from roosync_ops import errors, judge
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import Knowledge
from roosync_ops.judge import second as second_opinion
from roosync_ops.judge.observe import AUTO_MOST_MS, auto_ms
from roosync_ops.state import SharedState
from roosync_ops.state.memory import Memory, default_folder
from roosync_ops.state.silences import silences
from roosync_ops.wire.status import DEFAULT_THRESHOLDS
from roosync_ops.wire.times import now_ms

from .limits import Limits, silently
from .second import Second, Ssh, checked
from .source import Source

AUTO: Final = "auto"


class GracePeriod:
    """How long to wait, and the memory that this rests on; without `typed` nothing is waited for, and nothing kept."""

    def __init__(self, typed: str | None, folder: Path | None, fleet: Fleet) -> None:
        self._typed, self._extra_ms = typed, _extra_ms(typed)
        self._folder = folder
        self._intervals = {machine.machine_id: machine.heartbeat_interval for machine in fleet}
        self._thresholds = min(
            (one.thresholds for one in fleet), key=lambda one: one.timeout_ms, default=DEFAULT_THRESHOLDS
        )
        self._memory: Memory | None = None

    @property
    def trouble(self) -> str | None:
        """Why what was seen could not be kept, None where it was."""
        return None if self._memory is None else self._memory.trouble

    def learn(self, state: SharedState | None) -> Knowledge:
        """Note a reading of our own, and return what is known now; the protocol's own where nothing was typed."""
        known = Knowledge(silences=silences(now_ms()))
        if self._typed is None:
            if state is not None:
                known = replace(second_opinion.noted(state, state.read_at_ms), silences=known.silences)
                with suppress(RuntimeError):  # Path.home: this user has no place of his own
                    kept = Memory(self._folder or default_folder(), state.shared)
                    known = replace(known, seen=kept.peek(state, self._intervals))
            return known
        if state is not None:
            self._memory = self._memory or Memory(self._folder or default_folder(), state.shared)
            self._memory.note(state, self._intervals)
        seen = {} if self._memory is None else self._memory.seen
        extra = auto_ms(seen.values(), self._thresholds) if self._typed == AUTO else self._extra_ms
        return replace(known, seen=seen, patience_ms=extra)


def _extra_ms(typed: str | None) -> int:
    """Return the ms typed. Raises CommandError (usage) for what is no patience."""
    if typed is None or typed == AUTO:
        return 0
    with suppress(ValueError):
        if 0 <= float(typed) <= AUTO_MOST_MS / 10:  # a day's patience is a typing error; so is not a number
            return round(float(typed) * 1000)
    raise errors.usage(f"--patience {typed}: give seconds from 0 to 60000, or auto", "roosync-ops validate --help")


@dataclass(frozen=True)
class FleetLook:
    """One look: the judgement, and the state it rests on. `own` is this computer's replica, `trouble` why it is None.

    `trouble` is None as well where no replica was named.
    """

    validation: judge.Validation
    state: SharedState
    own: SharedState | None
    trouble: str | None = None


def seen(
    source: Callable[[], SharedState],
    fleet: Fleet,
    chosen: Sequence[Machine] | None,
    grace: GracePeriod,
    second: Second | None = None,
) -> FleetLook:
    """Read `source` once and judge `chosen` (None: the whole fleet). Raises StateUnavailableError.

    `second` asks the machines that are in doubt.
    """
    state = source()
    return FleetLook(judged(state, fleet, chosen, grace, second), state, state)


def judged(
    state: SharedState,
    fleet: Fleet,
    chosen: Sequence[Machine] | None,
    grace: GracePeriod,
    second: Second | None = None,
) -> judge.Validation:
    """Judge what was read, with a second opinion where one is to be had."""
    known, at_ms = grace.learn(state), state.read_at_ms

    def by_words(said: Mapping[str, judge.ProbeResult]) -> judge.Validation:
        shown = (judge.merge_replicas(state, said.values(), at_ms) if said else None) or state
        every = known.asked(state, said.values()) if said else known
        if said and known.patience_ms is None:  # what the keeper noted may not have come in here
            every = replace(every, clocks={**known.clocks, **second_opinion.noted(shown, at_ms, every.offsets).clocks})
        return judge.validate(fleet, shown, at_ms, chosen, known=every, asked=said)

    return by_words({}) if second is None else second.opinion(by_words)


def seen_by_all(  # noqa: PLR0913, PLR0917 - a fleet, where to look, how long, and whom to tell
    fleet: Fleet,
    chosen: Sequence[Machine] | None,
    source: Source | None,
    limits: Limits,
    grace: GracePeriod,
    tell: Callable[[str], None] = silently,
) -> FleetLook:
    """Ask the machines as well, and judge once with what `source` shows. Raises CommandError where nothing is shown."""
    asked = tuple(fleet) if chosen is None else chosen
    own, found, trouble = _asked(asked, source, limits, tell)
    found = checked(fleet, found, Ssh(limits), set())
    reads = [one.read_ms for one in found.values() if one.state is not None]
    now = max([*reads, *([] if own is None else [own.read_at_ms])], default=0) or now_ms()
    state = judge.merge_replicas(own, found.values(), now)
    if state is None:
        raise _nobody(len(asked), trouble)
    known = grace.learn(own).asked(own, found.values())
    matrix = judge.matrix(asked, found, own, now if own is None else own.read_at_ms, trouble)
    return FleetLook(judge.validate(fleet, state, now, chosen, known=known, matrix=matrix), state, own, trouble)


def who_sees_whom(
    chosen: Sequence[Machine], source: Source | None, limits: Limits, tell: Callable[[str], None] = silently
) -> judge.Matrix:
    """Ask every machine what its own replica shows. Raises CommandError where no replica shows anything."""
    own, found, trouble = _asked(chosen, source, limits, tell)
    matrix = judge.matrix(chosen, found, own, now_ms() if own is None else own.read_at_ms, trouble)
    if not matrix.observers and not matrix.reached:
        raise _nobody(len(chosen), trouble)
    return matrix


def _nobody(count: int, trouble: str | None) -> errors.CommandError:
    """Return the error for a look that gave nothing: no verdict about any machine can rest on it."""
    why = f"no machine of {count} shows anything, and no shared state was read here"
    return errors.CommandError(
        "NOBODY_ASKED", f"{why}: {trouble}" if trouble else why, "roosync-ops diagnose", errors.UNAVAILABLE
    )


def _asked(
    machines: Sequence[Machine], source: Source | None, limits: Limits, tell: Callable[[str], None]
) -> tuple[SharedState | None, dict[str, judge.ProbeResult], str | None]:
    from .probe import probe_beside  # noqa: PLC0415 - not needed where no machine is asked

    own, found, trouble = probe_beside(machines, limits, source, tell)
    return own, found, None if trouble is None else trouble.reason
