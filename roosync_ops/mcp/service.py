"""`roosync_heartbeat_service`: this machine's agent registers, starts or stops, and its answer is the answer."""

import json
from contextlib import suppress
from typing import Any

from roosync_ops import typed
from roosync_ops.agent.config import check_metadata
from roosync_ops.agent.errors import SERVICE_FAILED, MissingMachineIdError, ProblemError, UsageError, answer_to
from roosync_ops.errors import CommandError
from roosync_ops.wire.identity import InvalidMachineIdError, hostname, is_machine_id, machine_id_of
from roosync_ops.wire.times import now_ms, to_iso

from .arguments import Heartbeat, HeartbeatService, HeartbeatStatus
from .desk import ServerContext, ToolAnswer
from .local_agent import LocalAgent, Refused
from .status import heartbeat_status

_NOT_PERMANENT = (
    "L'agent bat hors de l'assistant et lui survit, mais rien ne le relancera après un redémarrage de la machine"
)


def heartbeat_service(desk: ServerContext, arguments: HeartbeatService) -> ToolAnswer:
    """Raises CommandError with the protocol's codes and messages, and the way out."""
    action = arguments.action
    try:
        own = _own_name(arguments)
        agent = LocalAgent(desk.settings.agent_dir, desk.settings.shared, own)
        if action == "start":
            return _start(agent, arguments)
        if action == "stop":
            return ToolAnswer(agent.ask("stop", *([] if arguments.save_state else ["--no-save-state"])))
        given = arguments.metadata
        words = [] if given is None else ["--metadata", json.dumps(check_metadata(given), allow_nan=False)]
        return ToolAnswer(agent.ask("register", *words))
    except Refused as refused:
        raise _said_no(action, refused.reply) from None
    except ProblemError as problem:
        raise _said_no(action, answer_to(action, problem).as_dict()) from None


def heartbeat(desk: ServerContext, arguments: Heartbeat) -> ToolAnswer:
    """Do as the older service's one tool did (the protocol, 9). Raises CommandError as the tool of the action does."""
    action, given = arguments.action, arguments.model_dump(by_alias=True, exclude_unset=True)
    takes = HeartbeatStatus if action == "status" else HeartbeatService
    named = {field.alias for field in takes.model_fields.values()}
    own = takes.model_validate({key: value for key, value in given.items() if key in named})
    answer = heartbeat_status(desk, own) if isinstance(own, HeartbeatStatus) else heartbeat_service(desk, own)
    document = dict(answer.document)
    success, message = document.pop("success"), document.pop("message", "Statut heartbeat récupéré")
    data = document.get("result", document)
    said = {"success": success, "action": action, "timestamp": to_iso(now_ms()), "message": message, "data": data}
    return ToolAnswer(said, answer.notes)


def _own_name(arguments: HeartbeatService) -> str:
    """Return this machine's machineId, once it is the one asked for. Raises ProblemError or CommandError.

    Invariant 2 (roosync_ops/README.md): one identity. The agent of a machine writes that machine's file and no other.
    """
    given = (arguments.machine_id or "").strip()
    try:
        own = machine_id_of(hostname())
    except InvalidMachineIdError as error:
        raise UsageError(str(error), "hostname") from None
    if not given and arguments.action != "stop":
        missing = answer_to(arguments.action, MissingMachineIdError("machineId vide"))
        hint = f'indiquer machineId: "{own}", le nom de cette machine en minuscules (commande: hostname)'
        raise CommandError(missing.code, missing.message, hint)
    if given and given.lower() != own:
        reason = f"cette machine est {own}, pas {given[:80]!r}, et son agent n'écrit que pour elle"
        elsewhere = typed.ours("stop" if arguments.action == "stop" else "rollout", given.lower())
        raise UsageError(reason, elsewhere if is_machine_id(given.lower()) else f'indiquer machineId: "{own}"')
    return own


def _start(agent: LocalAgent, arguments: HeartbeatService) -> ToolAnswer:
    """Start what survives this server, this session and, where the machine can, a reboot."""
    words = _how_to_beat(arguments)
    try:
        before = agent.ask("status")
    except Refused:
        return ToolAnswer(agent.ask("start", *words))  # which says in its own words what is wrong
    permanence = before["permanence"]
    fresh = not before["running"] and not permanence["installed"]
    notes: tuple[str, ...] = ()
    if fresh:
        permanence, notes = _install(agent, words)
    try:
        reply = agent.ask("start", *words)
    except Refused:
        if fresh and permanence["installed"]:
            with suppress(Refused, ProblemError):  # the failure that is reported is the start's
                agent.ask("uninstall")
        raise
    if not permanence["survivesReboot"] and not notes:
        notes = (f"{_NOT_PERMANENT}; alors: action start.",)
    return ToolAnswer(reply, notes)


def _install(agent: LocalAgent, words: list[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Make it permanent; a machine that cannot is started all the same, and that is said."""
    try:
        return agent.ask("install", *words)["permanence"], ()
    except Refused as refused:
        why = refused.reply.get("message")
        return {"installed": False, "survivesReboot": False}, (f"{_NOT_PERMANENT} ({why}).",)


def _how_to_beat(arguments: HeartbeatService) -> list[str]:
    """Return the words for what was asked for; what was not is as a rollout left it, else the protocol's default."""
    asked = arguments.model_fields_set
    words: list[str] = []
    if "heartbeat_interval" in asked:
        words += ["--heartbeat-interval", str(arguments.heartbeat_interval)]
    if "offline_timeout" in asked:
        words += ["--offline-timeout", str(arguments.offline_timeout)]
    return words if arguments.enable_auto_sync else [*words, "--no-auto-sync"]


def _said_no(action: str, reply: Any) -> CommandError:
    """Return the agent's own failure, with a way out where it named none."""
    code = str(reply.get("code") or SERVICE_FAILED)
    message = str(reply.get("message") or f"Erreur lors de l'action {action}: l'agent n'a pas dit pourquoi")
    return CommandError(code, message, str(reply.get("hint") or typed.ours("diagnose")))
