"""The read-only questions: each is the command's own question, and its document is the one that --json prints.

`roosync_heartbeat_status` alone has the protocol's result. What it saw last on this computer is kept in a local folder,
so that the next call can tell what changed. It is not the watchers' memory: what is told there is told once, and an
assistant that asks must not eat a watcher's news.
"""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from roosync_ops import show
from roosync_ops.agent.errors import STATUS_FAILED
from roosync_ops.errors import INTERNAL, CommandError, describe
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.dashboard import dashboard
from roosync_ops.gather.diagnosis import diagnoses
from roosync_ops.gather.limits import Probe
from roosync_ops.gather.past import flips_told, memory_name, pasts
from roosync_ops.gather.second import second_of
from roosync_ops.gather.validation import GracePeriod, seen, seen_by_all, who_sees_whom
from roosync_ops.publish.dashboard import refresh
from roosync_ops.show.diagnosis import diagnoses_document
from roosync_ops.show.history import history_document
from roosync_ops.state import SharedState
from roosync_ops.state.memory import Store, default_folder
from roosync_ops.wire.identity import is_machine_id
from roosync_ops.wire.record import BEFORE
from roosync_ops.wire.status import OFFLINE, ONLINE, WARNING
from roosync_ops.wire.times import now_ms, to_iso
from roosync_ops.wire.view import build

from .arguments import HeartbeatStatus, History, Look, RefreshDashboard, Validate
from .desk import ServerContext, ToolAnswer

_DAY_MS: Final = 86_400_000
_WORDS: Final = (ONLINE, OFFLINE, WARNING)
_NEWS: Final = {OFFLINE: "newlyOfflineMachines", ONLINE: "newlyOnlineMachines", WARNING: "newWarnings"}
_ALL: Final = "all"
#: What is ours in an entry, beside the protocol's own fields.
_OURS: Final = ("agent", BEFORE)
#: Invariant 4 (roosync_ops/README.md): one machine that is gone is gone; several at once are a stale replica.
_SUSPICIOUS: Final = 2
_SUSPICION: Final = (
    "Every machine looks offline at once: suspect this computer's replica before the machines (roosync_diagnose, or "
    "roosync-ops validate --via MACHINE)."
)


def validate(desk: ServerContext, arguments: Validate) -> ToolAnswer:
    """Raises CommandError, FleetError or StateUnavailableError, as the others here do."""
    fleet, settings = desk.fleet(), desk.settings
    chosen = fleet.select(arguments.machines) if arguments.machines else None
    grace = GracePeriod(arguments.patience, settings.memory, fleet)
    if arguments.probe == Probe.always:
        look = seen_by_all(fleet, chosen, desk.here, desk.limits, grace)
    else:
        look = seen(desk.source(), fleet, chosen, grace, second_of(fleet, Probe(arguments.probe)))
    trouble = () if grace.trouble is None else (f"What was seen could not be kept: {grace.trouble}",)
    return ToolAnswer(show.validation_document(look.validation, arguments.lang), trouble)


def matrix(desk: ServerContext, arguments: Look) -> ToolAnswer:
    """Who sees whom."""
    fleet = desk.fleet()
    found = who_sees_whom(_chosen(fleet, arguments.machines), desk.here, desk.limits)
    return ToolAnswer(show.matrix_document(found, arguments.lang))


def diagnose(desk: ServerContext, arguments: Look) -> ToolAnswer:
    """Look once; nothing is mended here."""
    found = diagnoses(desk.fleet(), arguments.machines or (), desk.settings.shared, desk.limits)
    return ToolAnswer(diagnoses_document(found, lang=arguments.lang))


def history(desk: ServerContext, arguments: History) -> ToolAnswer:
    """As `validate`, and from the flips that were told on this computer."""
    fleet, settings = desk.fleet(), desk.settings
    state = desk.source()()
    flips = flips_told(settings.memory, settings.shared, settings.via)
    from_ms = state.read_at_ms - round(arguments.days * _DAY_MS)
    found = pasts(fleet, _chosen(fleet, arguments.machines), state, flips, from_ms)
    return ToolAnswer(history_document(found, state.shared, from_ms, state.read_at_ms))


def refresh_dashboard(desk: ServerContext, arguments: RefreshDashboard) -> ToolAnswer:
    """Write the page and its Markdown twin, and return the protocol's result. Raises CommandError as the others do."""
    settings, baseline = desk.settings, arguments.baseline
    look = partial(dashboard, desk.fleet(), settings.shared, desk.limits, baseline=baseline, memory=settings.memory)
    return ToolAnswer(refresh(look, settings.shared, arguments.output_dir, settings.deadline_s))


def _chosen(fleet: Fleet, names: list[str] | None) -> tuple[Machine, ...]:
    return fleet.select(names) if names else tuple(fleet)


def heartbeat_status(desk: ServerContext, arguments: HeartbeatStatus) -> ToolAnswer:
    """Raises CommandError with the protocol's code and message, and the way out."""
    try:
        state = desk.source()()
    except Exception as error:
        failure = describe(error)
        if failure.exit_code == INTERNAL:
            raise
        said = f"Erreur lors de la récupération du statut heartbeat: {failure.reason}"
        raise CommandError(STATUS_FAILED, said, failure.hint, failure.exit_code) from None
    heartbeats = _heartbeats(state)
    found = {machine_id: str(entry["status"]) for machine_id, entry in heartbeats.items()}
    wanted = _WORDS if arguments.filter == _ALL else (arguments.filter,)
    named = {word: [machine_id for machine_id, seen in found.items() if seen == word] for word in _WORDS}
    document: dict[str, Any] = {
        "success": True,
        **{f"{word}Machines": names if word in wanted else [] for word, names in named.items()},
        "statistics": {
            "totalMachines": len(found),
            **{f"{word}Count": len(names) for word, names in named.items()},
            "lastHeartbeatCheck": to_iso(state.read_at_ms),
        },
    }
    if arguments.include_heartbeats:
        document["heartbeats"] = {name: entry for name, entry in heartbeats.items() if found[name] in wanted}
    # A machine that was stopped on purpose is not expected to be heard.
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
        entries = build({machine_id: piece}, None, state.read_at_ms, piece.record.thresholds)["heartbeats"]
        for name, entry in entries.items():
            found[name] = {key: value for key, value in entry.items() if key not in _OURS}
    return found


def changes(before: Mapping[str, str] | None, now: Mapping[str, str]) -> dict[str, Any]:
    """Compare the statuses of two looks; before the first there is nothing that could have changed.

    A machine that was not there before is newly online, a warning or nothing new: it cannot have gone offline.
    """
    became: dict[str, list[str]] = {word: [] for word in _NEWS}
    for machine_id, word in now.items():
        old = word if before is None else before.get(machine_id)
        if word != old and not (old is None and word == OFFLINE):
            became[word].append(machine_id)
    return {**{_NEWS[word]: names for word, names in became.items()}, "totalChanges": sum(map(len, became.values()))}


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
