"""`uninstall`: stop the loop and undo `install`. The local folder, the journal and the share's files stay."""

from __future__ import annotations

from roosync_ops.agent import permanence
from roosync_ops.agent.config import config_of
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.local_state import loops, prepare
from roosync_ops.agent.verbs import stop
from roosync_ops.wire.typed import Answer


def answer(flags: Flags) -> Answer:
    """Undo; a second time changes nothing and says so. Raises ProblemError."""
    config = config_of(flags)
    prepare(config)
    ran = bool(loops(config.local_dir) or permanence.active(config))
    if ran:
        stop.answer(flags)
    removed = permanence.uninstall(config)
    changed = ran or removed
    value = {"changed": changed, "permanence": permanence.describe(config)}
    return value, ["Permanence retirée" if changed else "Aucune permanence installée"]
