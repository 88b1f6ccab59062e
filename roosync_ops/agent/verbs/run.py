"""`run`: the permanent loop, in the foreground, until SIGTERM or SIGINT."""

from __future__ import annotations

import os

from roosync_ops.agent.answer import result
from roosync_ops.agent.build import BUILD, VERSION
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.errors import LocalError, ProblemError, already_started
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.local_state import Places, loops, prepare, read_local_state, take
from roosync_ops.agent.lock import Lock, claim
from roosync_ops.agent.loop import Loop, SystemClock
from roosync_ops.agent.machine import process_start, system_goes_down
from roosync_ops.agent.publisher import HeartbeatPublisher, publisher_of
from roosync_ops.wire import local
from roosync_ops.wire.small import suppress
from roosync_ops.wire.times import now_ms, to_iso
from roosync_ops.wire.typed import Answer, Json

#: How often a supervised loop asks again for a lock that another loop holds, in s.
_STANDBY_S = 1.0
#: A supervisor restarts at once; a configuration that cannot work is not worth a process every second, in s.
_BAD_CONFIG_S = 30.0


def answer(flags: Flags) -> Answer:
    """Beat until told to stop. Raises AgentError where a loop runs already, ProblemError where none can."""
    clock = _clock()
    try:
        config = config_of(flags)
        places = prepare(config)
    except ProblemError:
        _hold_back(flags, clock)
        raise
    done = _life(flags, config, places, clock)
    while done is None:  # what was written down may be gone with the folder: this process knows it still
        try:
            done = _life(flags, config, prepare(config), clock)
        except LocalError:
            clock.wait(_BAD_CONFIG_S)
            if clock.stopping():
                raise
    return done


def _clock() -> SystemClock:
    clock = SystemClock()
    clock.catch_signals()
    return clock


def _life(flags: Flags, config: Config, places: Places, clock: SystemClock) -> Answer | None:
    """Beat, as the only loop here, and return what it came to; None where the local folder is to be made again."""
    clock.listen(places.request)
    lock = _only_loop(places, clock, wait=flags.supervised is not None)
    if lock is None:
        return _document(config, now_ms(), 0, saved=False)
    if flags.supervised == "task" and os.path.exists(places.halted):
        lock.release()  # started before `stop` disabled its task, and late
        return _document(config, now_ms(), 0, saved=False)
    place = claim(config.instance)
    try:
        if place is None:
            _hold_back(flags, clock)
            raise already_started(None)
        return _loop(flags, config, places, clock)
    finally:
        # Not left to the process's end: a call stuck in the kernel can keep a dead process and its descriptors.
        lock.release()
        if place is not None:
            place.close()


def _hold_back(flags: Flags, clock: SystemClock) -> None:
    """A scheduled task comes back once a minute by itself, and the verb that started it waits for its word."""
    if flags.supervised not in (None, "task"):
        clock.wait(_BAD_CONFIG_S)


def _only_loop(places: Places, clock: SystemClock, *, wait: bool) -> Lock | None:
    """Take the one place here, whatever another loop is called; supervised wait for it, None once told to stop."""
    while True:
        lock = take(places.loop_lock)
        others = [each for each in loops(os.path.dirname(places.folder)) if each.folder != places.folder]
        if lock is not None and not others:
            return lock
        if lock is not None:
            lock.release()
        if not wait:
            raise already_started(read_local_state(others[0] if others else places)["loop"])
        clock.wait(_STANDBY_S)
        if clock.stopping():
            return None


def _loop(flags: Flags, config: Config, places: Places, clock: SystemClock) -> Answer | None:
    """Beat; return as `_life` does."""
    _take_request(places)  # what was asked of an earlier loop is not meant for this one
    started = now_ms()
    publisher = publisher_of(config, places, started)
    publisher.loop = _description(publisher, flags)
    with suppress(LocalError):  # another process publishes just now; the first beat writes it down
        publisher.attempt(lambda: None, started)
    loop = Loop(publisher, clock)
    loop.run()
    if not clock.stopping():
        publisher.journal.close()
        return None
    saved = _end(loop, places)
    return _document(config, started, loop.beats, saved=saved)


def _description(publisher: HeartbeatPublisher, flags: Flags) -> Json:
    return {
        "pid": os.getpid(),
        "start": process_start(os.getpid()),
        "sessionId": publisher.session.session_id,
        "startedAt": to_iso(publisher.session.started_at_ms),
        "version": VERSION,
        "buildId": BUILD,
        "supervised": flags.supervised or "none",
        "config": publisher.config.as_wire(),
    }


def _end(loop: Loop, places: Places) -> bool:
    """Leave, unless asked not to or unless it is the whole system that goes down. True where the record says left."""
    loop.publisher.loop = {**(loop.publisher.loop or {}), "pid": None}
    try:
        if not _take_request(places).get("saveState", True):
            loop.step()  # another is about to begin: a beat now, so that no reader waits longer than an interval for it
            return False
        if system_goes_down():
            loop.publisher.attempt(lambda: None, now_ms())
            return False
        loop.leave()
    except ProblemError:
        return False
    return True


def _take_request(places: Places) -> Json:
    """Read and remove what `stop` asked for beside the signal."""
    request = local.read_object(places.request)
    local.remove(places.request)
    return request


def _document(config: Config, started: int, beats: int, *, saved: bool) -> Answer:
    message = "Service de heartbeat arrêté avec succès"
    return result(
        message,
        f"{message} ({beats} heartbeats)",
        action="run",
        machineId=config.machine_id,
        startedAt=to_iso(started),
        stoppedAt=to_iso(now_ms()),
        beats=beats,
        stateSaved=saved,
    )
