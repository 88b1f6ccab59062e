"""What keeps the loop alive when nobody is logged in: one interface, one module a mechanism.

systemd or a supervised process on Linux, a scheduled task on Windows.
"""

from __future__ import annotations

import sys

from roosync_ops.agent.errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from roosync_ops.agent.config import Config

    from .mechanism import Mechanism


def _mechanisms(config: Config) -> list[Mechanism]:
    """Every mechanism of this platform, the preferred one first."""
    if sys.platform == "win32":
        from .task import Task  # noqa: PLC0415 - each platform loads its own

        return [Task(config)]
    from .process import Process  # noqa: PLC0415 - each platform loads its own
    from .systemd import Systemd  # noqa: PLC0415 - as above

    return [Systemd(config.local_dir), Process(config)]


def installed(config: Config) -> Mechanism | None:
    """Return the mechanism that is installed for this local folder, None where there is none."""
    return next((each for each in _mechanisms(config) if each.installed()), None)


def active(config: Config) -> list[Mechanism]:
    """Return the mechanisms that run, or are about to run, the loop right now."""
    return [each for each in _mechanisms(config) if each.active()]


def uninstall(config: Config) -> bool:
    """Undo every installation for this local folder; False where there was none. Raises LocalError."""
    done = [each.uninstall() for each in _mechanisms(config)]
    return any(done)


def choose(config: Config) -> Mechanism:
    """Return the mechanism the configuration asks for, or the best this machine has. Raises LocalError."""
    reasons = []
    for each in _mechanisms(config):
        if config.permanence not in ("auto", each.kind.partition("-")[0]):
            continue
        reason = each.unavailable()
        if reason is None:
            return each
        reasons.append(reason)
    raise LocalError(
        "; ".join(reasons) or f"{config.permanence} n'existe pas sur cette plateforme", "choisir --permanence auto"
    )


def for_start(config: Config) -> Mechanism:
    """Return what `start` starts through: what is installed, else what needs no administrator."""
    return installed(config) or _mechanisms(config)[-1]


def describe(config: Config) -> dict[str, Any]:
    """Return `status`'s object about what is installed."""
    found = installed(config)
    if found is None:
        return {"kind": "none", "installed": False, "enabled": False, "survivesReboot": False}
    value = {
        "kind": found.kind,
        "installed": True,
        "enabled": found.enabled(),
        "survivesReboot": found.survives_reboot(),
    }
    if value["survivesReboot"] and found.kind == "task":
        value["note"] = "survit à un redémarrage une fois la session de son utilisateur ouverte"
    return value
