"""`uninstall`: stop the loop and undo `install`. The local folder, the journal and the share's files stay."""

from __future__ import annotations

from roosync_ops.agent import permanence
from roosync_ops.agent.context import config_of
from roosync_ops.agent.notes import loop_runs, prepare
from roosync_ops.agent.verbs import stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from roosync_ops.agent.flags import Flags


def answer(flags: Flags) -> tuple[dict[str, Any], list[str]]:
    """Undo; a second time changes nothing and says so. Raises ProblemError."""
    config = config_of(flags)
    places = prepare(config)
    found = permanence.installed(config)
    ran = loop_runs(places) or bool(permanence.active(config))
    if ran:
        stop.answer(flags)
    removed = found.uninstall() if found is not None else False
    changed = ran or removed
    value = {"success": True, "changed": changed, "permanence": permanence.describe(config)}
    return value, ["Permanence retirée" if changed else "Aucune permanence installée"]
