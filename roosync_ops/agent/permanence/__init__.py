"""What keeps the loop alive when nobody is logged in: one interface, one module a mechanism.

systemd or a supervised process on Linux, a scheduled task on Windows.
"""

from __future__ import annotations

import sys

from roosync_ops.agent.errors import LocalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from roosync_ops.agent.config import Config
    from roosync_ops.agent.errors import ProblemError

    class Permanence(Protocol):
        """One mechanism, for one local folder.

        `kind` is the word of `status`. `unavailable` is None or the reason why this machine has not got it. `install`
        and `uninstall` tell whether they changed anything. All but `start`, `stop`, `install` and `uninstall` are
        questions and change nothing; those four raise LocalError. `words` are those of a `run`: launch.run_words;
        `start` without them runs what was installed. `failed` tells why what was started will not come up, None
        while it may; asked while there is no loop, `last` where nothing more is waited for.
        """

        kind: str

        def unavailable(self) -> str | None: ...

        def installed(self) -> bool: ...

        def enabled(self) -> bool: ...

        def survives_reboot(self) -> bool: ...

        def active(self) -> bool: ...

        def install(self, words: list[str]) -> bool: ...

        def uninstall(self) -> bool: ...

        def start(self, words: list[str] | None) -> None: ...

        def stop(self) -> None: ...

        def failed(self, *, last: bool) -> ProblemError | None: ...

        def last_words(self) -> str | None: ...


def _mechanisms(config: Config) -> list[Permanence]:
    """Every mechanism of this platform, the preferred one first."""
    if sys.platform == "win32":
        from .task import Task  # noqa: PLC0415 - each platform loads its own

        return [Task(config)]
    from .process import Process  # noqa: PLC0415 - each platform loads its own
    from .systemd import Systemd  # noqa: PLC0415 - as above

    return [Systemd(config.local_dir), Process(config)]


def installed(config: Config) -> Permanence | None:
    """Return the mechanism that is installed for this local folder, None where there is none."""
    return next((each for each in _mechanisms(config) if each.installed()), None)


def active(config: Config) -> list[Permanence]:
    """Return the mechanisms that run, or are about to run, the loop right now."""
    return [each for each in _mechanisms(config) if each.active()]


def uninstall(config: Config) -> bool:
    """Undo every installation for this local folder; False where there was none. Raises LocalError."""
    done = [each.uninstall() for each in _mechanisms(config)]
    return any(done)


def choose(config: Config) -> Permanence:
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


def for_start(config: Config) -> Permanence:
    """Return what `start` starts through: what is installed, else what needs no administrator."""
    found = installed(config)
    if found is not None:
        return found
    return _mechanisms(config)[-1]


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
