"""What a dashboard shows: read, asked and judged once; one asking of the machines serves the table and the matrix."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from roosync_ops import errors
from roosync_ops.fleet import Fleet
from roosync_ops.judge.reports import WINDOW_MS, Dashboard, fresh_ms, installed, newest_ms
from roosync_ops.state import StateUnavailableError
from roosync_ops.wire.identity import InvalidMachineIdError, hostname, machine_id_named, machine_id_of

from .limits import Limits, Probe, silently
from .past import flips_told, pasts
from .second import second_of
from .source import Source, here
from .validation import GracePeriod, seen, seen_by_all

#: The protocol's own default.
_BASELINE: Final = "myia-ai-01"


def observer() -> str:
    """Return what this computer is called: its machineId, else its host name as it is."""
    try:
        return machine_id_of(hostname())
    except InvalidMachineIdError:
        return hostname()


def dashboard(  # noqa: PLR0913 - a fleet, where to look, and how
    fleet: Fleet,
    shared: str | None,
    limits: Limits,
    *,
    baseline: str | None = None,
    probe: Probe = Probe.auto,
    memory: Path | None = None,
    tell: Callable[[str], None] = silently,
    source: Source | None = None,
) -> Dashboard:
    """Look once at everything that a dashboard shows.

    Unless no machine is to be asked, every machine is asked about a shared state that cannot be read here, and that is
    told in the dashboard. A caller that looks again and again passes the same `source` of `shared`. Without a
    `baseline` it is the usual one, or else a machine that was seen.
    Raises StateUnavailableError where no machine is asked, and CommandError where none shows anything.
    """
    named = _BASELINE if baseline is None else machine_id_named(baseline)
    if named is None:
        raise errors.usage(f"the baseline {str(baseline)[:80]!r} is no machineId", "roosync-ops machines list")
    grace = GracePeriod(None, memory, fleet)
    look, source = None, source or here(shared, limits.deadline_s)
    if probe is Probe.never or (probe is Probe.auto and shared):
        with suppress(*(() if probe is Probe.never else (StateUnavailableError,))):
            look = seen(source or Source(None, None, None), fleet, None, grace, second_of(fleet, probe, limits))
    look = look or seen_by_all(fleet, None, source, limits, grace, tell)
    at_ms, state = look.validation.checked_at_ms, look.state
    flips = flips_told(memory, shared, None) if shared else []
    from_ms = at_ms - WINDOW_MS
    past = pasts(fleet, tuple(fleet), state, flips, from_ms, look.validation)
    stated = installed(fleet, state, at_ms)
    if baseline is None and stated.get(named) is None:
        named = next((name for name, one in stated.items() if one is not None), named)
    return Dashboard(
        observer(),
        None if look.own is None else look.own.shared,
        look.trouble,
        look.validation,
        tuple(past),
        tuple(flips),
        stated,
        named,
        from_ms,
        newest_ms(state, at_ms),
        fresh_ms(fleet),
    )
