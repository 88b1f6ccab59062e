"""`start`: the permanent loop, started so that it outlives this command, and proved before it is called a success."""

from __future__ import annotations

import contextlib
import time

from roosync_ops.agent import permanence
from roosync_ops.agent.beat import agent_part
from roosync_ops.agent.claim import is_claimed
from roosync_ops.agent.context import config_of, share_of
from roosync_ops.agent.errors import LocalError, ProblemError
from roosync_ops.agent.logon import sees_share
from roosync_ops.agent.notes import loop_runs, prepare, read_notes, take
from roosync_ops.agent.permanence.launch import run_words
from roosync_ops.agent.verbs.already import already_started, started_elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from roosync_ops.agent.config import Config
    from roosync_ops.agent.flags import Flags
    from roosync_ops.agent.notes import Places
    from roosync_ops.agent.permanence import Permanence
    from roosync_ops.agent.share import FolderShare

#: How long another `start` or `stop` of this machine is waited for, in s.
_TURN_S = 60.0
#: How long the loop may take from being started to a beat that is read back, beside the share's own deadline, in s.
_FIRST_BEAT_S = 15.0
_LOOK_S = 0.02
#: How often the mechanism is asked whether it still may come up, in s.
_ASK_S = 1.0
_NO_LOCK = "la boucle n'a pas démarré (son verrou n'est pas pris)"
_NO_BEAT = "la boucle tourne, mais son premier heartbeat n'est pas écrit"
_NOT_THERE = "la boucle a battu, mais son heartbeat ne se relit pas dans le dossier partagé"


def answer(flags: Flags) -> tuple[dict[str, Any], list[str]]:
    """Start the loop and wait for its first beat in the share.

    Raises AgentError where a loop runs already, ProblemError otherwise; then nothing that was started is left.
    """
    config = config_of(flags)
    places = prepare(config)
    turn = take(places.control_lock, _TURN_S)
    if turn is None:
        raise LocalError("une autre action start ou stop est en cours", "réessayer")
    try:
        return _start(flags, config, places)
    finally:
        turn.release()


def _start(flags: Flags, config: Config, places: Places) -> tuple[dict[str, Any], list[str]]:
    if loop_runs(places):
        raise already_started(read_notes(places))
    if is_claimed(config.instance):
        raise started_elsewhere()
    # Where this session has no drive the loop's own reading back, in its session, is the proof.
    share = share_of(config) if sees_share(config) else None
    if share is not None:
        share.probe()
    before = read_notes(places)["loop"].get("sessionId")
    mechanism = permanence.for_start(config)
    was_active = mechanism.active()
    words = run_words(config, flags, mechanism.kind.partition("-")[0])
    try:
        mechanism.start(words if _typed(flags) or not mechanism.installed() else None)
        _prove(config, places, share, before, mechanism)
    except ProblemError:
        if not was_active:  # what was there before, for another shared state it may be, is not ours to stop
            _undo(mechanism)
        raise
    return _document(config, read_notes(places))


def _prove(config: Config, places: Places, share: FolderShare | None, before: object, mechanism: Permanence) -> None:
    missing = _wait(places, share, before, mechanism, _FIRST_BEAT_S + config.share_deadline_s)
    if missing:
        problem = mechanism.failed(_said_of_share(places, before), last=True)
        if problem is not None:
            raise problem
        said = mechanism.last_words()
        raise LocalError(f"{missing}{f': {said}' if said else ''}", "action status, puis run pour voir l'erreur")


def _typed(flags: Flags) -> bool:
    """Tell whether the command line says how to beat; for whom and where is the installation's own business."""
    typed = (flags.heartbeat_interval, flags.offline_timeout, flags.auto_sync, flags.share_deadline, flags.metadata)
    return any(value is not None for value in typed)


def _wait(places: Places, share: FolderShare | None, before: object, mechanism: Permanence, seconds: float) -> str:
    """Return what is missing after at most `seconds`: empty when lock, beat and reading back are all there.

    Raises ProblemError as soon as the mechanism knows that it will not come.
    """
    began = asked = time.monotonic()
    missing = _NO_LOCK
    while missing and time.monotonic() - began < seconds:
        time.sleep(_LOOK_S)
        missing = _missing(places, share, before)
        if missing and time.monotonic() - asked > _ASK_S:
            problem = mechanism.failed(_said_of_share(places, before), last=False)
            if problem is not None:
                raise problem
            asked = time.monotonic()
    return missing


def _said_of_share(places: Places, before: object) -> dict[str, Any]:
    """Return what the loop that was started says of the share; empty where it is not there yet."""
    if not loop_runs(places):
        return {}
    notes = read_notes(places)
    share: dict[str, Any] = notes["share"]
    return share if notes["loop"].get("sessionId") not in (None, before) else {}


def _missing(places: Places, share: FolderShare | None, before: object) -> str:
    if not loop_runs(places):
        return _NO_LOCK
    notes = read_notes(places)
    session = notes["loop"].get("sessionId")
    if session in (None, before) or agent_part(notes["record"]).get("sessionId") != session:
        return _NO_BEAT
    if share is None:
        return ""
    return "" if agent_part(share.read_own().data).get("sessionId") == session else _NOT_THERE


def _undo(mechanism: Permanence) -> None:
    # the failure that is being reported is the one that matters
    with contextlib.suppress(ProblemError):
        mechanism.stop()


def _document(config: Config, notes: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    message = f"Service de heartbeat démarré pour {config.machine_id}"
    loop = notes["loop"]
    result = {
        "action": "start",
        "machineId": config.machine_id,
        "startedAt": loop.get("startedAt"),
        "config": loop.get("config"),
    }
    return {"success": True, "message": message, "result": result}, [f"{message} ({loop.get('startedAt')})"]
