"""The validation table, and who sees whom: read, asked and judged, once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from roosync_ops import errors, judge
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import second as second_opinion
from roosync_ops.state import SharedState
from roosync_ops.wire.times import now_ms

from .grace_period import GracePeriod
from .limits import Limits, silently
from .second import Second, Ssh, checked
from .source import Source, own_replica


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
        every = known.asked(shown, state, said.values()) if said else known
        if said and known.patience_ms is None:  # what the keeper noted may not have come in here
            every = replace(every, clocks={**known.clocks, **second_opinion.noted(shown, at_ms, every.offsets).clocks})
        return judge.validate(fleet, shown, at_ms, chosen, known=every, asked=said)

    return by_words({}) if second is None else second.opinion(by_words)


def seen_by_all(  # noqa: PLR0913, PLR0917 - a fleet, where to look, how long, and whom to tell
    fleet: Fleet,
    chosen: Sequence[Machine] | None,
    shared: str | None,
    limits: Limits,
    grace: GracePeriod,
    tell: Callable[[str], None] = silently,
    source: Source | None = None,
) -> FleetLook:
    """Ask the machines as well, all at once, and judge once. Raises CommandError where nobody shows anything.

    `source` is what reads `shared`, where it is kept.
    """
    asked = tuple(fleet) if chosen is None else chosen
    own, found, trouble = _asked(asked, shared, limits, tell, source)
    found = checked(fleet, found, Ssh(limits), set())
    reads = [one.read_ms for one in found.values() if one.state is not None]
    now = max([*reads, *([] if own is None else [own.read_at_ms])], default=0) or now_ms()
    state = judge.merge_replicas(own, found.values(), now)
    if state is None:
        raise _nobody(len(asked), trouble)
    known = grace.learn(own).asked(state, own, found.values())
    matrix = judge.matrix(asked, found, own, now if own is None else own.read_at_ms, trouble)
    return FleetLook(judge.validate(fleet, state, now, chosen, known=known, matrix=matrix), state, own, trouble)


def who_sees_whom(
    chosen: Sequence[Machine], shared: str | None, limits: Limits, tell: Callable[[str], None] = silently
) -> judge.Matrix:
    """Ask every machine what its own replica shows. Raises CommandError where nobody shows anything."""
    own, found, trouble = _asked(chosen, shared, limits, tell)
    matrix = judge.matrix(chosen, found, own, now_ms() if own is None else own.read_at_ms, trouble)
    if not matrix.observers and not matrix.reached:
        raise _nobody(len(chosen), trouble)
    return matrix


def _nobody(count: int, trouble: str | None) -> errors.CommandError:
    """Return the error for a look that gave nothing: no verdict about any machine can rest on it."""
    why = f"none of {count} machines shows anything, and no shared state was read here"
    return errors.CommandError(
        "NOBODY_ASKED", f"{why}: {trouble}" if trouble else why, "roosync-ops diagnose", errors.UNAVAILABLE
    )


def _asked(
    machines: Sequence[Machine],
    shared: str | None,
    limits: Limits,
    tell: Callable[[str], None],
    source: Source | None = None,
) -> tuple[SharedState | None, dict[str, judge.ProbeResult], str | None]:
    from .probe import probe_beside  # noqa: PLC0415 - not needed where nobody is asked

    read = partial(own_replica, shared, limits.deadline_s, source)
    own, found, trouble = probe_beside(machines, limits.timeout_s, limits.connect_s, read, tell)
    return own, found, None if trouble is None else trouble.reason
