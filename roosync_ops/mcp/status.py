"""`roosync_heartbeat_status`: the protocol's result, from what the shared state shows now. The share is only read.

What a status call saw last on this computer is kept in a local folder, so that the next can tell what changed. It is
not the watchers' memory: what is told there is told once, and an assistant that asks must not eat a watcher's news.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from roosync_ops.agent.errors import STATUS_FAILED
from roosync_ops.errors import INTERNAL, CommandError, describe
from roosync_ops.gather.past import memory_name
from roosync_ops.judge.observe import stated_thresholds
from roosync_ops.state import SharedState
from roosync_ops.state.memory import Store, default_folder
from roosync_ops.wire.identity import is_machine_id
from roosync_ops.wire.record import BEFORE
from roosync_ops.wire.status import OFFLINE, ONLINE, WARNING
from roosync_ops.wire.times import now_ms, to_iso
from roosync_ops.wire.view import build

from .arguments import HeartbeatStatus
from .desk import ServerContext, ToolAnswer

_LISTS: Final = {ONLINE: "onlineMachines", OFFLINE: "offlineMachines", WARNING: "warningMachines"}
_ALL: Final = "all"
#: What is ours in an entry, beside the protocol's own fields.
_OURS: Final = ("agent", BEFORE)
#: Invariant 4 (roosync_ops/README.md): one machine that is gone is gone; several at once are a stale replica.
_SUSPICIOUS: Final = 2
_SUSPICION: Final = (
    "Every machine looks offline at once: suspect this computer's replica before the machines (roosync_diagnose, or "
    "roosync-ops validate --via MACHINE)."
)


def heartbeat_status(desk: ServerContext, arguments: HeartbeatStatus) -> ToolAnswer:
    """Raises CommandError with the protocol's code and message, and the way out."""
    try:
        state = desk.source()()
    except Exception as error:
        failure = describe(error)
        if failure.exit_code == INTERNAL:
            raise
        said = f"Erreur lors de la récupération du statut heartbeat: {failure.message}"
        raise CommandError(STATUS_FAILED, said, failure.hint, failure.exit_code) from None
    heartbeats = _heartbeats(state)
    found = {machine_id: str(entry["status"]) for machine_id, entry in heartbeats.items()}
    wanted = tuple(_LISTS) if arguments.filter == _ALL else (arguments.filter,)
    named = {word: [machine_id for machine_id, seen in found.items() if seen == word] for word in _LISTS}
    document: dict[str, Any] = {
        "success": True,
        **{key: named[word] if word in wanted else [] for word, key in _LISTS.items()},
        "statistics": {
            "totalMachines": len(found),
            "onlineCount": len(named[ONLINE]),
            "offlineCount": len(named[OFFLINE]),
            "warningCount": len(named[WARNING]),
            "lastHeartbeatCheck": to_iso(state.read_at_ms),
        },
    }
    if arguments.include_heartbeats:
        document["heartbeats"] = {name: entry for name, entry in heartbeats.items() if found[name] in wanted}
    # Who was stopped on purpose is not to be heard.
    words = [word for machine_id, word in found.items() if not state.machines[machine_id].record.has_left]
    notes = [_SUSPICION] if len(words) >= _SUSPICIOUS and set(words) == {OFFLINE} else []
    if arguments.force_check or arguments.include_changes:
        settings = desk.settings
        store = Store(settings.memory or default_folder(), "asked", memory_name(settings.shared, settings.via))
        before, trouble = last_look(store, found)
        document["changes"] = changes(before, found)
        notes += [f"What was seen could not be kept for the next call: {trouble}"] if trouble else []
    document["retrievedAt"] = to_iso(now_ms())
    return ToolAnswer(document, tuple(notes))


def _heartbeats(state: SharedState) -> dict[str, Any]:
    """Return each machine's entry as an older service would write it, by the thresholds its own agent states."""
    found: dict[str, Any] = {}
    for machine_id, piece in state.machines.items():
        limits = stated_thresholds(machine_id, state)
        for name, entry in build({machine_id: piece}, None, state.read_at_ms, limits)["heartbeats"].items():
            found[name] = {key: value for key, value in entry.items() if key not in _OURS}
    return found


def changes(before: Mapping[str, str] | None, now: Mapping[str, str]) -> dict[str, Any]:
    """Compare the statuses of two looks; before the first there is nothing that could have changed.

    A machine that was not there before is newly online, a warning or nothing new: it cannot have gone offline.
    """
    became: dict[str, list[str]] = {OFFLINE: [], ONLINE: [], WARNING: []}
    for machine_id, word in now.items():
        old = word if before is None else before.get(machine_id)
        if word != old and not (old is None and word == OFFLINE):
            became[word].append(machine_id)
    return {
        "newlyOfflineMachines": became[OFFLINE],
        "newlyOnlineMachines": became[ONLINE],
        "newWarnings": became[WARNING],
        "totalChanges": sum(map(len, became.values())),
    }


def last_look(store: Store, now: Mapping[str, str]) -> tuple[dict[str, str] | None, str | None]:
    """Keep `now`; return what was kept before, None for nothing that is understood, and why `now` could not be kept."""
    kept: Any = None
    try:
        with store.locked():
            with suppress(ValueError):
                kept = store.read().get("machines")
            store.write({"machines": dict(now)})
    except OSError as error:
        return None, f"{store.path}: {error}"
    if not isinstance(kept, dict):
        return None, None
    return {name: word for name, word in kept.items() if is_machine_id(name) and isinstance(word, str)}, None
