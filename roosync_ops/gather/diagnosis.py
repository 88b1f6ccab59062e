"""What is the matter with machines: looked at and judged, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roosync_ops.fleet import FleetError
from roosync_ops.judge.diagnose import diagnose

from .probe import silently
from .sights import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from roosync_ops.fleet import Fleet
    from roosync_ops.judge.diagnose_model import Diagnoses

    from .limits import Limits


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
    tell(f"looking at {len(chosen) or len(fleet)} machines")
    scene = gather(fleet, chosen, shared, limits)
    unseen = [name for name in strangers if not any(name in view.machines for view in scene.views.values())]
    fleet.select(unseen)
    return diagnose(scene, [*(machine.machine_id for machine in chosen), *strangers])


def _stands_for_somebody(fleet: Fleet, name: str) -> bool:
    try:
        return bool(fleet.select([name]))
    except FleetError:
        return False
