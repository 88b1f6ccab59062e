"""`roosync_heartbeat_service`: this machine's agent registers, starts or stops, and its answer is the answer."""

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from roosync_ops import process, typed
from roosync_ops.agent import builds
from roosync_ops.agent.config import CONFIG_NAME, check_metadata, default_local_dir, read_config
from roosync_ops.agent.errors import (
    SERVICE_FAILED,
    LocalError,
    MissingMachineIdError,
    ProblemError,
    UsageError,
    answer_to,
)
from roosync_ops.errors import CommandError
from roosync_ops.remote_script.bundle import BundleError, build, identify
from roosync_ops.transport.link import MAX_ANSWER
from roosync_ops.wire.identity import InvalidMachineIdError, hostname, is_machine_id, machine_id_of
from roosync_ops.wire.times import now_ms, to_iso

from .arguments import Heartbeat, HeartbeatService, HeartbeatStatus
from .desk import ServerContext, ToolAnswer
from .reading import heartbeat_status

#: One verb may wait for another's turn (60 s), for the share and for a first beat.
_LIMIT_S: Final = 110.0


class Refused(Exception):  # noqa: N818 - the agent's answer, which is no
    """A verb's own answer that it failed; `reply` is {success: false, code, message, ...}."""

    def __init__(self, reply: Mapping[str, Any]) -> None:
        super().__init__(str(reply.get("message")))
        self.reply = reply


class LocalAgent:
    """The agent in `folder` (None: the agent's own default), for the shared state `shared` (None: its own)."""

    def __init__(self, folder: str | None, shared: str | None, machine_id: str) -> None:
        self._folder = Path(os.path.abspath(folder or default_local_dir(os.environ)))  # noqa: PTH100 - no resolve()
        self._where = ["--local-dir", str(self._folder), "--machine-id", machine_id]
        shared = self._shared(shared)
        if shared is not None:
            self._where += ["--shared", shared]
        self._file = self._put()

    def ask(self, verb: str, *words: str) -> dict[str, Any]:
        """Run one verb. Raises Refused with its answer, LocalError where there is none."""
        python = getattr(sys, "_base_executable", None) or sys.executable  # one that outlives a virtual environment
        line = [python, "-I", "-S", "-B", str(self._file), verb, "--json", *self._where, *words]
        until = time.monotonic() + _LIMIT_S
        try:  # in a session of its own: an assistant that is closed meanwhile does not cut it off
            done = process.run(line, until=until, max_out=MAX_ANSWER, windows="CREATE_NO_WINDOW")
            if done.code is None:
                limit = f"{MAX_ANSWER >> 20} MiB" if done.too_much else f"{_LIMIT_S:g} s"
                raise LocalError(f"l'agent n'a pas répondu en {limit}", f"{self.by_hand} status")
            reply = json.loads(done.out)
        except (OSError, ValueError, RecursionError) as error:
            raise LocalError(f"l'agent n'a pas répondu: {error}", f"{self.by_hand} status") from None
        if not isinstance(reply, dict) or reply.get("success") is not True:
            raise Refused(reply if isinstance(reply, dict) else {})
        return reply

    @property
    def by_hand(self) -> str:
        """How a person asks it."""
        return typed.line(("python3", str(self._file)))

    def _shared(self, shared: str | None) -> str | None:
        """Return what to say of the share. Raises UsageError where the agent installed here beats in another."""
        written = read_config(str(self._folder / CONFIG_NAME)).get("shared")
        if written is None or shared is None:
            return shared
        if len({os.path.normcase(os.path.abspath(path)) for path in (written, shared)}) == 1:  # noqa: PTH100 - as above
            return None
        raise UsageError(
            f"l'agent de cette machine bat dans {written}, et ce serveur lit {shared}",
            typed.ours("mcp", "--shared", written),
        )

    def _put(self) -> Path:
        """Return the file of the agent to run; what lies there and is none of ours stays. Raises LocalError."""
        path = self._folder / builds.AGENT_NAME
        try:
            for name in builds.named_builds(str(self._folder)):
                identify(self._folder / name)
                return path
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            bundle = build()
            builds.put(str(self._folder), bundle.file_name, bundle.data)
        except (BundleError, OSError) as error:
            raise LocalError(f"agent inutilisable: {error}", f"mettre {path} de côté, puis réessayer") from None
        return path


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
    # What was not asked for is as a rollout left it, else the protocol's default.
    asked = arguments.model_fields_set
    words = ["--heartbeat-interval", str(arguments.heartbeat_interval)] if "heartbeat_interval" in asked else []
    words += ["--offline-timeout", str(arguments.offline_timeout)] if "offline_timeout" in asked else []
    words += [] if arguments.enable_auto_sync else ["--no-auto-sync"]
    try:
        before = agent.ask("status")
    except Refused:
        return ToolAnswer(agent.ask("start", *words))  # which says in its own words what is wrong
    permanence = before["permanence"]
    fresh = not before["running"] and not permanence["installed"]
    notes: tuple[str, ...] = ()
    if fresh:
        try:
            permanence = agent.ask("install", *words)["permanence"]
        except Refused as refused:  # a machine that cannot be permanent is started all the same, and that is said
            permanence = {"installed": False, "survivesReboot": False}
            notes = (f"{_NOT_PERMANENT} ({refused.reply.get('message')}).",)
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


def _said_no(action: str, reply: Any) -> CommandError:
    """Return the agent's own failure, with a way out where it named none."""
    code = str(reply.get("code") or SERVICE_FAILED)
    message = str(reply.get("message") or f"Erreur lors de l'action {action}: l'agent n'a pas dit pourquoi")
    return CommandError(code, message, str(reply.get("hint") or typed.ours("diagnose")))
