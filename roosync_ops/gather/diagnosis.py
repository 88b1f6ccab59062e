"""What is the matter with machines: asked with who can bear witness about them, and judged, once."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from roosync_ops.fleet import FleetError
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import DiagnosisInput
from roosync_ops.judge.probes import Builds, ProbeResult
from roosync_ops.pyinfra_ops import plan
from roosync_ops.remote_script import bundle
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S
from roosync_ops.wire.times import now_ms

from .limits import silently
from .probe import probe_beside
from .source import own_replica
from .tidy import TidyError, orphans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from roosync_ops.fleet import Fleet, Machine
    from roosync_ops.judge.diagnose_model import Diagnoses

    from .limits import Limits

#: Where a few machines of a large fleet are asked about, so many others are looked at as witnesses.
_WITNESSES: Final = 12


def diagnoses(
    fleet: Fleet,
    names: Sequence[str],
    shared: str | None,
    limits: Limits,
    tell: Callable[[str], None] = silently,
) -> Diagnoses:
    """Look at the machines and groups of `names` (none: all) once, and judge.

    Raises FleetError for a name that neither the inventory nor any replica knows.
    """
    strangers = [name.lower() for name in names if not _stands_for_somebody(fleet, name)]
    chosen = fleet.select(name for name in names if name.lower() not in strangers) if names else tuple(fleet)
    count = len(chosen) or len(fleet)
    tell(f"looking at {count} machine{'' if count == 1 else 's'}")
    scene = gather(fleet, chosen, shared, limits)
    unseen = [name for name in strangers if not any(name in view.machines for view in scene.views.values())]
    fleet.select(unseen)
    return diagnose(scene, [*(machine.machine_id for machine in chosen), *strangers])


def _stands_for_somebody(fleet: Fleet, name: str) -> bool:
    try:
        return bool(fleet.select([name]))
    except FleetError:
        return False


def gather(fleet: Fleet, chosen: Sequence[Machine], shared: str | None, limits: Limits) -> DiagnosisInput:
    """Look at `chosen` and at who can bear witness about them, all at once, and return what was seen."""
    machines = with_witnesses(fleet, chosen)
    with ThreadPoolExecutor(1) as pool:
        built: Future[bundle.Bundle] = pool.submit(bundle.build)
        read = partial(own_replica, shared, limits.deadline_s)
        own, found, trouble = probe_beside(machines, limits.timeout_s, limits.connect_s, read)
        wanted = built.result()
    found = {machine.machine_id: compared(machine, found[machine.machine_id], wanted) for machine in machines}
    here = None if trouble is None else (trouble.reason, trouble.hint)
    return DiagnosisInput(
        fleet, now_ms(), found, own, here, None if own is None else _orphans(own.shared, limits.deadline_s)
    )


def with_witnesses(fleet: Fleet, chosen: Sequence[Machine]) -> tuple[Machine, ...]:
    """Return `chosen` and others that should be online: what a machine's replica shows is nothing without theirs."""
    known = {machine.machine_id for machine in chosen}
    others = [machine for machine in fleet if machine.machine_id not in known and machine.expected == "online"]
    return (*chosen, *others[:_WITNESSES])


def _orphans(shared: str, deadline_s: float | None) -> tuple[str, ...] | None:
    try:
        return orphans(shared, time.time(), deadline_s or DEFAULT_DEADLINE_S)
    except TidyError:
        return None


def compared(machine: Machine, one: ProbeResult, wanted: bundle.Bundle) -> ProbeResult:
    """Return an answer with whether what lies on the machine is what this computer would put there."""
    report, status = one.report, one.status
    if report is None:
        return one
    loop = None if status is None or not status.loop_build_id else status.loop_build_id == wanted.build_id
    is_configured = report.config == plan.wanted_config(machine, report)
    return replace(one, builds=Builds(report.agent_sha256 == wanted.sha256, is_configured, loop))
