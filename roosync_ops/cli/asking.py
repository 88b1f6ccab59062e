"""`--probe`: from what was typed to how the machines are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roosync_ops import errors
from roosync_ops.gather.limits import PROBE_TIMEOUT_S, SECOND_TIMEOUT_S, Limits, Probe
from roosync_ops.gather.second import Second, Ssh

if TYPE_CHECKING:
    from roosync_ops.fleet import Fleet


def limits_of(probe: Probe, timeout: float | None, connect_timeout: float, deadline: float | None) -> Limits:
    """Return how long it may take: in all where those in doubt are asked, each machine where all are."""
    usual = PROBE_TIMEOUT_S if probe is Probe.always else SECOND_TIMEOUT_S
    return Limits(usual if timeout is None else timeout, connect_timeout, deadline)


def second_of(fleet: Fleet, probe: Probe, limits: Limits, confirm_s: float = 0.0) -> Second | None:
    """Return who asks; None for nobody."""
    if probe is Probe.never:
        return None
    return Second(fleet, Ssh(limits), everybody=probe is Probe.always, confirm_s=confirm_s)


def no_via(via: str | None, command: str) -> None:
    """Raises CommandError (usage) where everybody is asked, and one machine is named to read through."""
    if via:
        said = "--probe asks every machine, so --via is of no use beside it"
        raise errors.usage(said, f"roosync-ops {command} --probe")
