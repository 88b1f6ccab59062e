"""The answer to a second start."""

from __future__ import annotations

from roosync_ops.agent.errors import ALREADY_STARTED, AgentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MESSAGE = "Heartbeat service déjà démarré"


def already_started(loop: dict[str, Any]) -> AgentError:
    """Return the protocol's failure of a second start; it says since when, and what to do."""
    hint = "ne rien faire s'il bat (action status); pour le redémarrer: action restart; pour l'arrêter: action stop"
    return AgentError(ALREADY_STARTED, MESSAGE, since=loop.get("startedAt"), hint=hint)


def started_elsewhere() -> AgentError:
    """Return the same failure where the loop lives in another local folder, say another user's."""
    hint = "un agent d'un autre utilisateur ou d'un autre --local-dir bat déjà pour cette machine: l'arrêter là-bas"
    return AgentError(ALREADY_STARTED, MESSAGE, since=None, hint=hint)
