"""What keeps the loop alive when no user is logged in: one interface, one module a mechanism.

systemd or a supervised process on Linux, a scheduled task on Windows.
"""

from __future__ import annotations

import sys

from roosync_ops.agent.config import Config
from roosync_ops.agent.errors import LocalError, ProblemError
from roosync_ops.agent.flags import Flags
from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Callable, Json

from .launch import run_words, tail


class Mechanism:
    """One mechanism, for one local folder; `kind` is the word of `status`.

    `install` and `uninstall` tell whether they changed anything; these, `start` and `stop` raise LocalError, the others
    are questions and change nothing. `words` are those of a `run`: launch.run_words.
    """

    kind = ""
    #: The file that the loop's stderr goes into, where the mechanism makes one.
    log = ""

    def unavailable(self) -> str | None:
        """Return the reason why this machine has not got it."""
        return None

    def installed(self) -> bool:
        raise NotImplementedError

    def enabled(self) -> bool:
        return self.installed()

    def survives_reboot(self) -> bool:
        return self.enabled()

    def active(self) -> bool:
        """Return True if it runs the loop, or is about to."""
        return self.enabled()

    def install(self, words: list[str]) -> bool:
        raise NotImplementedError

    def changes(self, words: list[str]) -> tuple[str, str]:
        """Return what of what is installed `install` would change, and what would stand there; empty for nothing."""
        raise NotImplementedError

    def uninstall(self) -> bool:
        raise NotImplementedError

    def start(self, words: list[str] | None) -> None:
        """Start the loop with `words`; without, what was installed."""
        raise NotImplementedError

    def stop(self) -> None:
        raise NotImplementedError

    def failed(self, ask_session: Callable[[], object], *, last: bool) -> ProblemError | None:  # noqa: ARG002 - most know nothing early
        """Return why what was started will not come up, None while it may; asked while there is no loop.

        `last` where nothing more is waited for; `ask_session` asks the user's logon session, and raises what it meets.
        """
        return None

    def run_beside(self, line: list[str]) -> bool:  # noqa: ARG002 - systemd alone can
        """Run a program that outlives login and loop, and return True; False where this is no mechanism for it."""
        return False

    def last_words(self) -> str | None:
        """Return what the loop said before it ended."""
        return tail(self.log)


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
        if config.permanence not in ("auto", word_of(each)):
            continue
        reason = each.unavailable()
        if reason is None:
            return each
        reasons.append(reason)
    reason = "; ".join(reasons) or f"{config.permanence} n'existe pas sur cette plateforme"
    raise LocalError(reason, "choisir --permanence auto")


def for_start(config: Config) -> Mechanism:
    """Return what `start` starts through: what is installed, else what needs no administrator."""
    return installed(config) or _mechanisms(config)[-1]


def word_of(mechanism: Mechanism) -> str:
    """Return what a loop that it starts is told of it: one of `--permanence`'s words."""
    return mechanism.kind.partition("-")[0]


def describe(config: Config) -> Json:
    """Return `status`'s object about what is installed."""
    found = installed(config)
    value: Json = {
        "kind": "none" if found is None else found.kind,
        "installed": found is not None,
        "enabled": found is not None and found.enabled(),
        "survivesReboot": found is not None and found.survives_reboot(),
    }
    if found is not None:
        with suppress(LocalError):  # what this Python cannot install is not compared
            there, wanted = found.changes(run_words(config, Flags("install"), word_of(found)))
            value |= {"there": there, "wanted": wanted} if there or wanted else {}
    if value["survivesReboot"] and value["kind"] == "task":
        value["note"] = "survit à un redémarrage une fois la session de son utilisateur ouverte"
    return value
