"""From what was typed to a look at the fleet, and looking again until it shows what is waited for."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from roosync_ops import errors
from roosync_ops.gather.limits import PROBE_TIMEOUT_S, SECOND_TIMEOUT_S, Limits, Probe
from roosync_ops.gather.second import Second, Ssh
from roosync_ops.gather.source import Source, machine_of
from roosync_ops.gather.validation import Seen, seen, seen_by_all

from . import failures, output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from roosync_ops.fleet import Fleet, Machine
    from roosync_ops.gather.grace_period import GracePeriod
    from roosync_ops.judge import Validation

#: Between two looks at every machine, in s.
_PROBE_POLL_S = 2.0


def limits_of(probe: Probe, timeout: float | None, connect_timeout: float, deadline: float | None) -> Limits:
    """Return how long it may take: in all where those in doubt are asked, each machine where all are."""
    usual = PROBE_TIMEOUT_S if probe is Probe.always else SECOND_TIMEOUT_S
    return Limits(usual if timeout is None else timeout, connect_timeout, deadline)


def second_of(fleet: Fleet, probe: Probe, limits: Limits, confirm_s: float = 0.0) -> Second | None:
    """Return who asks; None for nobody."""
    if probe is Probe.never:
        return None
    return Second(fleet, Ssh(limits), everybody=probe is Probe.always, confirm_s=confirm_s)


def look_of(  # noqa: PLR0913 - each is an option
    command: str,
    fleet: Fleet,
    chosen: tuple[Machine, ...] | None,
    *,
    shared: str | None,
    via: str | None,
    probe: Probe,
    limits: Limits,
    grace: GracePeriod,
) -> tuple[Callable[[], Seen], float]:
    """Return what reads, asks and judges once, and how long to wait between two of them, in s. Raises CommandError."""
    if probe is not Probe.always:
        source = Source(shared, machine_of(fleet, via) if via else None, limits.deadline_s)
        return partial(seen, source, fleet, chosen, grace, second_of(fleet, probe, limits)), source.poll_s
    if via:
        said = "--probe asks every machine, so --via is of no use beside it"
        raise errors.usage(said, f"roosync-ops {command} --probe")

    def look() -> Seen:
        with output.Progress() as progress:
            return seen_by_all(fleet, chosen, shared, limits, grace, progress.show)

    return look, _PROBE_POLL_S


def watch(
    look: Callable[[], Validation], wanted: Callable[[Validation], bool], seconds: float, poll_s: float
) -> Validation:
    """Wait as `wait_for` does, showing on a terminal how far it is."""
    with output.Progress() as progress:
        return wait_for(look, wanted, seconds, poll_s, progress.show)


def wait_for(  # noqa: PLR0913 - the two last are there so that tests need not sleep
    look: Callable[[], Validation],
    wanted: Callable[[Validation], bool],
    seconds: float,
    poll_s: float,
    tell: Callable[[str], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Validation:
    """Return the first look that is `wanted`, or the last one within `seconds`.

    A shared state that is unavailable is waited for too; what made the last look fail is raised in the end.
    """
    end = clock() + seconds
    while True:
        last, validation = clock() >= end, None
        try:
            validation = look()
            said = f"{validation.as_expected}/{validation.total} as expected"
        except Exception as error:
            if last or failures.describe(error).exit_code != errors.UNAVAILABLE:
                raise
            said = str(error)
        left = end - clock()
        if validation is not None and (wanted(validation) or left <= 0):
            return validation
        tell(f"{said}; waiting {max(0, left):.0f} s more")
        sleep(max(0.0, min(poll_s, left)))


@contextmanager
def without_collector() -> Iterator[None]:
    """Hold the cycle collector off: 10,000 parsed files keep it busy for half a second and leave it nothing.

    What is alive at the end is exempted for good: the process is about to end, and would be searched once more.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
