"""`install`: have the loop survive logouts, crashes and, where the machine can, reboots. Starts nothing."""

from __future__ import annotations

from roosync_ops.agent import builds, permanence
from roosync_ops.agent.build import bundle_path
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.errors import LocalError
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.local_state import prepare
from roosync_ops.agent.permanence.launch import run_words
from roosync_ops.agent.verbs.stop import take_turn
from roosync_ops.wire.typed import Answer


def answer(flags: Flags) -> Answer:
    """Install once; a second time changes nothing and says so. Raises ProblemError."""
    config = config_of(flags)
    places = prepare(config)
    if bundle_path() is None:
        raise LocalError("install ne se fait qu'à partir du fichier agent.pyz", "python3 agent.pyz install")
    with take_turn(places):
        return _install(flags, config)


def _install(flags: Flags, config: Config) -> Answer:
    if not builds.named_builds(config.local_dir):
        builds.adopt(config.local_dir, sweeps=False)  # what is installed here starts `agent.pyz`
    mechanism = permanence.choose(config)
    other = permanence.installed(config)
    changed = False
    if other is not None and other.kind != mechanism.kind:
        other.stop()
        changed = other.uninstall()
    words = run_words(config, flags, permanence.word_of(mechanism))
    changed = mechanism.install(words) or changed
    described = permanence.describe(config)
    done = "installée" if changed else "déjà installée"
    return {"changed": changed, "permanence": described}, [f"Permanence {described['kind']} {done}"]
