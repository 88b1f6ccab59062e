"""What is the matter with machines: asked with who can bear witness about them, and judged; and what --fix does.

It may rebuild the view and sweep orphans among our temporary files: see on_tidy, in the operator's own replica, or on a
machine where the operator has none.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from roosync_ops.fleet import Fleet, FleetError, Machine
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import Diagnoses, DiagnosisInput
from roosync_ops.judge.probes import Builds, ProbeResult
from roosync_ops.pyinfra_ops import plan
from roosync_ops.remote_script import bundle, on_tidy
from roosync_ops.remote_script.facts_model import Tended
from roosync_ops.transport.link import Failure
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError
from roosync_ops.wire.times import now_ms

from . import source
from .asking import about_share
from .limits import Limits, silently
from .probe import probe_beside
from .verify_share import others

#: Where a few machines of a large fleet are asked about, so many others are looked at as witnesses.
_WITNESSES: Final = 12
T = TypeVar("T")
N = TypeVar("N", int, float)

#: How long it may take on the machine, and with the login, a Python, and a task of a Windows logon session, in s.
_TEND_S: Final = 20.0
_ALL_S: Final = 90.0


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
        own, found, trouble = probe_beside(machines, limits, source.here(shared, limits.deadline_s))
        wanted = built.result()
    found = {machine.machine_id: compared(machine, found[machine.machine_id], wanted) for machine in machines}
    here = None if trouble is None else (trouble.reason, trouble.hint)
    left = None
    with suppress(TidyError):
        left = None if own is None else orphans(own.shared, time.time(), limits.deadline_s or DEFAULT_DEADLINE_S)
    return DiagnosisInput(fleet, now_ms(), found, own, here, left)


def with_witnesses(fleet: Fleet, chosen: Sequence[Machine]) -> tuple[Machine, ...]:
    """Return `chosen` and others that should be online: what a machine's replica shows is nothing without theirs."""
    return (*chosen, *others(fleet, chosen)[:_WITNESSES])


def compared(machine: Machine, one: ProbeResult, wanted: bundle.Bundle) -> ProbeResult:
    """Return an answer with whether what lies on the machine is what this computer would put there."""
    report, status = one.report, one.status
    if report is None:
        return one
    loop = None if status is None or not status.loop_build_id else status.loop_build_id == wanted.build_id
    is_configured = report.config == plan.wanted_config(machine, report)
    return replace(one, builds=Builds(report.agent_sha256 == wanted.sha256, is_configured, loop))


class TidyError(Exception):
    """It could not be done: one sentence."""


def orphans(shared: str, now_s: float, deadline_s: float) -> tuple[str, ...]:
    """Return the orphans in `shared`, relative to it, in order. Raises TidyError."""
    return tidied(lambda share, now: tuple(sorted(on_tidy.found(share, now))), shared, now_s, deadline_s)


def tidied(work: Callable[[str, N], T], shared: str, now: N, deadline_s: float) -> T:
    """Return what a `work` of on_tidy comes to in the operator's own replica. Raises TidyError."""
    try:
        return BoundedShare(deadline_s).call(lambda: work(shared, now), f"tidying {shared}")
    except ShareHungError as error:
        raise TidyError(f"{shared} gave no answer within {error.deadline_s:g} s") from None
    except OSError as error:
        raise TidyError(f"{error.filename or shared}: {error.strerror or error}") from None


def tend(machine: Machine, *, rebuild: bool, dry: bool, connect_timeout_s: float) -> Tended:
    """Sweep our orphans in the replica of `machine`, and `rebuild` the view. With `dry` only look. Raises TidyError."""
    what = {"do": "tend", "rebuild": rebuild, "dry": dry, "limit": _TEND_S}
    found = about_share(machine, what, _ALL_S, connect_timeout_s, Tended.read)
    if isinstance(found, Failure):
        raise TidyError(f"{machine.machine_id}: {found.reason}")
    if found.problem is not None:
        raise TidyError(f"{machine.machine_id}: {found.problem[1]}")
    return found
