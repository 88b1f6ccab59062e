"""`status`: this machine's local truth, from journal, lock and permanence; the share is not touched."""

from __future__ import annotations

from roosync_ops.agent import builds
from roosync_ops.agent.answer import lines
from roosync_ops.agent.beat import agent_part, has_left
from roosync_ops.agent.build import BUILD, VERSION, bundle_sha256
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.local_state import Places, loop_runs, loops, read_local_state
from roosync_ops.agent.permanence import active, describe
from roosync_ops.wire import local
from roosync_ops.wire.times import now_ms, to_iso
from roosync_ops.wire.typed import Answer, Json


def answer(flags: Flags) -> Answer:
    """Answer even while the share hangs. Raises LocalError where the journal is there and cannot be read."""
    config = config_of(flags)
    places = Places(config.instance_dir)
    value = _document(config, places, running=loop_runs(places))
    return value, lines(value)


def _document(config: Config, places: Places, *, running: bool) -> Json:
    notes = read_local_state(places)
    loop = notes["loop"] if running else {}
    view = notes["view"]
    return {
        "machineId": config.machine_id,
        "hostname": config.hostname,
        "version": VERSION,
        "buildId": BUILD,
        "sha256": bundle_sha256(),
        "shared": config.shared,
        "localDir": config.local_dir,
        "running": running,
        "alive": running or bool(loops(config.local_dir) or active(config)),
        "pid": loop.get("pid"),
        "startedAt": loop.get("startedAt"),
        "supervised": loop.get("supervised", "none"),
        "permanence": describe(config),
        "loopVersion": loop.get("version"),
        "loopBuildId": loop.get("buildId"),
        "config": loop.get("config") or config.as_wire(),
        "lastBeat": notes["lastBeat"],
        "share": notes["share"],
        "view": {key: view.get(key) for key in ("keeper", "erasedBy", "erasedAt", "erasures")},
        "flips": notes["flips"]["last"],
        "ownFile": notes["ownFile"],
        "leftAt": agent_part(notes["record"]).get("leftAt") if has_left(notes["record"]) and not running else None,
        "now": to_iso(now_ms()),
        "trial": " ".join(builds.on_trial(config.local_dir)) or None,
        "rolledBack": local.read_object(places.rolled_back) or None,
    }
