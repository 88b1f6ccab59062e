"""`stop`: end for good whatever of ours runs here, whatever keeps it alive, and have its record say that it left."""

from __future__ import annotations

import json
import sys

from roosync_ops.agent import builds, permanence
from roosync_ops.agent.answer import result
from roosync_ops.agent.beat import agent_part, has_left
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.errors import LocalError, ProblemError
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.interactive_session import is_elsewhere, run_verb
from roosync_ops.agent.local_state import Places, Using, loop_runs, loops, prepare, read_local_state, signal_loop, take
from roosync_ops.agent.lock import Lock
from roosync_ops.agent.publisher import publisher_of
from roosync_ops.wire import local
from roosync_ops.wire.small import wait_until
from roosync_ops.wire.times import now_ms, to_iso
from roosync_ops.wire.typed import Answer

_TURN_S = 60.0
#: How long the loop may take to end, beside the share's deadline for its last record, in s.
_END_S = 15.0
#: How long a killed loop may take to be gone, in s; one whose call hangs in the kernel stays until that comes back.
_KILLED_S = 2.0
MESSAGE = "Service de heartbeat arrêté avec succès"


def answer(flags: Flags) -> Answer:
    """Stop; done already is done too. Raises ProblemError where the loop lives on or its leaving is not written."""
    config = config_of(flags)
    places = prepare(config)
    with take_turn(places):
        builds.name_builds(config.local_dir, builds.on_trial(config.local_dir))  # a stop ends the trial
        end_all(config, places, save=flags.save_state)
        if flags.save_state and is_elsewhere(flags, config):
            notes = read_local_state(places)  # the loop itself wrote that it leaves, and read it back
            saved = True if has_left(notes["record"]) and notes["pending"] is None else None
        else:
            saved = flags.save_state and _saved(config, places)
    if saved is None:  # the logon session's agent takes the turn itself
        return run_verb(flags, config, "stop")
    return result(MESSAGE, MESSAGE, action="stop", stoppedAt=to_iso(now_ms()), stateSaved=saved)


def take_turn(places: Places) -> Lock:
    """Wait until no other process starts, stops or installs here. Raises LocalError."""
    turn = take(places.control_lock, _TURN_S)
    if turn is None:
        raise LocalError("une autre action start ou stop est en cours", "réessayer")
    return turn


def end_all(config: Config, places: Places, *, save: bool) -> None:
    """End what keeps a loop alive here, then every loop, under whatever name and for whatever share it was started.

    Without `save` this machine's own record is left as it is. Raises LocalError where a loop lives on.
    """
    found = loops(config.local_dir)
    asked = found if sys.platform == "win32" else []
    for each in asked:
        _request(each, save=save or each.folder != places.folder)
    if not save and places.folder not in [each.folder for each in asked]:  # twice would meet the loop's reading of it
        _request(places, save=False)
    for mechanism in permanence.active(config):
        mechanism.stop()
    for each in loops(config.local_dir):
        _end(each, _END_S + config.share_deadline_s)


def _end(places: Places, seconds: float) -> None:
    for kill, patience_s in ((False, seconds), (True, _KILLED_S)):  # one that does not hear does not beat either
        if loop_runs(places):
            signal_loop(places, kill=kill)
        wait_until(lambda: not loop_runs(places), patience_s)
    if loop_runs(places):
        pid = read_local_state(places)["loop"].get("pid")
        raise LocalError(f"la boucle (pid {pid}) ne s'arrête pas", "réessayer; sinon arrêter ce pid")


def _request(places: Places, *, save: bool) -> None:
    with Using(places.request):
        local.write(places.request, json.dumps({"saveState": save}).encode())


def _saved(config: Config, places: Places) -> bool:
    """See that the record says left, and write it where the loop could not (it was killed, or had no share)."""
    now = now_ms()
    publisher = publisher_of(config, places, now)
    try:
        publisher.attempt(lambda: publisher.leave(now), now)
        own = publisher.share.read_own()
    except ProblemError as problem:
        problem.reason = f"service arrêté, mais état non enregistré: {problem.reason}"
        raise
    return has_left(own) or not agent_part(own)
