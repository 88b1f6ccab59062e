"""From what was typed to a look at the fleet, and looking again until it shows what is waited for."""

import time
from collections.abc import Callable
from functools import partial

from roosync_ops import errors, typed
from roosync_ops.fleet import Fleet, Machine, load_inventory
from roosync_ops.gather.limits import Probe
from roosync_ops.gather.second import second_of
from roosync_ops.gather.source import Source, here, machine_of
from roosync_ops.gather.validation import FleetLook, GracePeriod, seen, seen_by_all
from roosync_ops.judge import Validation

from . import failures, options, output

#: Between two looks at every machine, in s.
_PROBE_POLL_S = 2.0


def source_of(at: options.HereOrVia, fleet: Fleet | None = None) -> Source:
    """Return where the shared state is read. Raises CommandError where nothing names it."""
    via = machine_of(fleet or load_inventory(at.inventory), at.via) if at.via else None
    return Source(at.shared, via, at.deadline)


def look_of(  # noqa: PLR0913, PLR0917 - what was typed
    command: str,
    fleet: Fleet,
    chosen: tuple[Machine, ...] | None,
    at: options.HereOrVia,
    asked: options.Asked,
    grace: GracePeriod,
) -> tuple[Callable[[], FleetLook], float]:
    """Return what reads, asks and judges once, and how long to wait between two of them, in s. Raises CommandError."""
    limits = asked.limits(at.deadline)
    if asked.probe is not Probe.always:
        source = source_of(at, fleet)
        return partial(seen, source, fleet, chosen, grace, second_of(fleet, asked.probe, limits)), source.poll_s
    if at.via:
        said = "--probe asks every machine, so --via is of no use beside it"
        raise errors.usage(said, typed.ours(command, "--probe"))

    own = here(at.shared, at.deadline)

    def look() -> FleetLook:
        with output.Progress() as progress:
            return seen_by_all(fleet, chosen, own, limits, grace, progress.show)

    return look, _PROBE_POLL_S


def wait_for(  # noqa: PLR0913 - the two last are there so that tests need not sleep
    look: Callable[[], Validation],
    wanted: Callable[[Validation], bool],
    seconds: float,
    poll_s: float,
    tell: Callable[[str], None] | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Validation:
    """Return the first look that is `wanted`, or the last one within `seconds`.

    A shared state that is unavailable is waited for too; what made the last look fail is raised in the end. How far it
    is goes to `tell`, else to the terminal.
    """
    end = clock() + seconds
    with output.Progress() as progress:
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
            (tell or progress.show)(f"{said}; waiting {max(0, left):.0f} s more")
            sleep(max(0.0, min(poll_s, left)))
