"""`start`: the permanent loop, started so that it outlives this command, and proved before it is called a success."""

from __future__ import annotations

import time

from roosync_ops.agent import builds, permanence
from roosync_ops.agent.answer import printable, result
from roosync_ops.agent.beat import agent_part
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.errors import HUNG, OK, LocalError, ProblemError, ShareTroubleError, already_started
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.interactive_session import run_verb, sees_share
from roosync_ops.agent.local_state import Places, loop_runs, loops, prepare, read_local_state
from roosync_ops.agent.lock import is_claimed
from roosync_ops.agent.permanence import Mechanism
from roosync_ops.agent.permanence.launch import run_words
from roosync_ops.agent.publisher import Share, share_of
from roosync_ops.agent.verbs import guard
from roosync_ops.agent.verbs.stop import end_all, take_turn
from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Answer, Json

#: How long the loop may take from being started to a beat that is read back, beside the share's own deadline, in s.
_FIRST_BEAT_S = 15.0
_LOOK_S = 0.02
#: How long after its deadline a touch of the share has been noted, in s.
_TRIED_S = 1.0
#: How often the mechanism is asked whether it still may come up, in s.
_ASK_S = 1.0
_NO_LOCK = "la boucle n'a pas démarré (son verrou n'est pas pris)"
_NO_BEAT = "la boucle tourne, mais son premier heartbeat n'est pas écrit"
_NOT_THERE = "la boucle a battu, mais son heartbeat ne se relit pas dans le dossier partagé"


def answer(flags: Flags) -> Answer:
    """Start the loop and wait for its first beat in the share; a share in trouble is told, and the loop waits for it.

    Raises AgentError where a loop runs already, ProblemError otherwise; then nothing that was started is left.
    """
    config = config_of(flags)
    places = prepare(config)
    with take_turn(places):
        found = loops(config.local_dir)
        if found:
            raise already_started(read_local_state(found[0])["loop"])
        if is_claimed(config.instance):
            raise already_started(None)
        end_all(config, places, save=True)  # a supervisor between two lives of a loop that does not come up
        return bring_up(flags, config, places)


def bring_up(flags: Flags, config: Config, places: Places) -> Answer:
    """Start this build where nothing runs, and prove it; where it does not come up, the one before is named again."""
    # Where this session has no drive the loop's own reading back, in its session, is the proof.
    share = share_of(config) if sees_share(config) else None
    before = read_local_state(places)
    builds_before = [] if flags.to else builds.adopt(config.local_dir, sweeps=flags.to is None)
    guard.begin(flags, config)
    mechanism = permanence.for_start(config)
    words = run_words(config, flags, permanence.word_of(mechanism))
    try:
        mechanism.start(words if _typed(flags) or not mechanism.installed() else None)
        trouble = _prove(config, places, share, before, mechanism)
    except ProblemError:
        # the failure that is being reported is the one that matters
        with suppress(ProblemError):
            end_all(config, places, save=True)
        with suppress(OSError):
            builds.name_builds(config.local_dir, builds_before)
        raise
    return _document(config, read_local_state(places), trouble)


def _prove(config: Config, places: Places, share: Share | None, before: Json, mechanism: Mechanism) -> Json | None:
    """Wait until lock, beat and reading back are all there; return what else the loop says of the share.

    Raises ProblemError as soon as it is known that no loop will come, or no beat for want of anything but the share.
    """

    def failed(*, last: bool) -> None:
        problem = mechanism.failed(lambda: run_verb(Flags("look"), config, "look"), last=last)
        if problem is not None:
            raise problem

    began = asked = now = time.monotonic()
    missing = _NO_LOCK
    while now - began < _FIRST_BEAT_S + config.share_deadline_s:
        time.sleep(_LOOK_S)
        now = time.monotonic()
        notes = read_local_state(places) if loop_runs(places) else None
        missing = _missing(notes, share, before["loop"].get("sessionId"))
        if not missing:
            return None
        trouble = _trouble(notes, before, tried=now - began > config.share_deadline_s + _TRIED_S)
        if trouble is not None:
            return trouble
        if missing == _NO_LOCK and now - asked > _ASK_S:
            failed(last=False)
            asked = now
    if missing == _NO_LOCK:
        failed(last=True)
    said = mechanism.last_words()
    raise LocalError(f"{missing}{f': {said}' if said else ''}", "action status, puis run pour voir l'erreur")


def _typed(flags: Flags) -> bool:
    """Return True if the command line says how to beat; for whom and where is the installation's own business."""
    typed = (flags.heartbeat_interval, flags.offline_timeout, flags.auto_sync, flags.share_deadline, flags.metadata)
    return any(value is not None for value in typed)


def _trouble(notes: Json | None, before: Json, *, tried: bool) -> Json | None:
    """Return what the loop that was started says of a share in trouble in its `notes`; None where it says nothing.

    One that has just begun still tells of the last one's trouble: the same words count once it has `tried` itself.
    """
    if notes is None:
        return None
    share: Json = notes["share"]
    if share["state"] == OK or notes["loop"].get("sessionId") in (None, before["loop"].get("sessionId")):
        return None
    return share if tried or share != before["share"] else None


def _missing(notes: Json | None, share: Share | None, before: object) -> str:
    if notes is None:
        return _NO_LOCK
    session = notes["loop"].get("sessionId")
    if session in (None, before) or agent_part(notes["record"]).get("sessionId") != session:
        return _NO_BEAT
    try:
        seen = share is None or agent_part(share.read_own()).get("sessionId") == session
    except ShareTroubleError:
        seen = False
    return "" if seen else _NOT_THERE


def _document(config: Config, notes: Json, trouble: Json | None) -> Answer:
    message = f"Service de heartbeat démarré pour {config.machine_id}"
    loop = notes["loop"]
    parts = {"machineId": config.machine_id, "startedAt": loop.get("startedAt"), "config": loop.get("config")}
    if trouble is None:
        return result(message, f"{message} ({loop.get('startedAt')})", action="start", **parts)
    parts["share"] = {**trouble, "hint": ShareTroubleError(trouble["state"], "").hint}
    word = "ne répond pas" if trouble["state"] == HUNG else "est inutilisable"
    message = f"{message}; le dossier partagé {word} depuis {trouble['since']}, la boucle l'attend"
    return result(message, f"{message}: {printable(str(trouble['detail']))}", action="start", **parts)
