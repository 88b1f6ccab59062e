"""The result of `roosync_refresh_dashboard`, in the protocol's shape.

What the tool it is named after says of a machine's MCP configuration, this says of its heartbeat agent:
- an *inventory* there is the file in which a machine says of itself what it runs. Here that is the machine's own record
  in the shared state; a machine without one is "❌ Inventaire manquant", whatever it is expected to be. A machine that
  is off may have one: `status` tells of the record, never of the heartbeat (the page and `validate` do).
- *diffs* there counts the MCP servers that are not as on the baseline machine. Here it counts what a machine's record
  states otherwise than the baseline's: agent version, heartbeatInterval, offlineTimeout, autoSyncEnabled.
- where the baseline has no record itself nothing can be compared: "⚠️ Erreur comparaison", and diffs says why. Such a
  machine has an inventory all the same, so the two counts always add up to the total.
Source of the words: scripts/roosync/generate-mcp-dashboard.ps1 of jsboige/roo-extensions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roosync_ops.wire.times import to_iso

if TYPE_CHECKING:
    from roosync_ops.judge.dashboard import Dashboard, Installed


def refreshed(board: Dashboard, path: str) -> dict[str, Any]:
    """Return {success, dashboardPath, timestamp, baseline, machines: [{id, status, diffs}], metrics}.

    `path` is the Markdown twin's, as it is the Markdown file that the tool it is named after returns.
    """
    present = sum(one.present for one in board.installed)
    return {
        "success": True,
        "dashboardPath": path,
        "timestamp": to_iso(board.at_ms),
        "baseline": board.baseline,
        "machines": [_machine(one, board) for one in board.installed],
        "metrics": {
            "totalMachines": len(board.installed),
            "machinesWithInventory": present,
            "machinesWithoutInventory": len(board.installed) - present,
        },
    }


def _machine(one: Installed, board: Dashboard) -> dict[str, str]:
    differing = board.differing(one)
    if not one.present:
        said = "❌ Inventaire manquant", "Bootstrap requis"
    elif one.machine_id == board.baseline:
        said = "✅ Baseline", "-"
    elif differing is None:
        said = "⚠️ Erreur comparaison", f"Inventaire source introuvable: {board.baseline}"
    else:
        said = "✅ Disponible", f"{len(differing)} diffs"
    return {"id": one.machine_id, "status": said[0], "diffs": said[1]}
