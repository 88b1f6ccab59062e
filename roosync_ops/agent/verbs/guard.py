"""A new build on trial: the one before starts it, watches it, and goes back unless it proves itself.

The guard is a process of the build before, loaded whole. `restart --to` starts it, and `agent.pyz` does with every
loop while the trial lasts, so that a reboot or a crash brings it back; guard.lock keeps it the only one.
What is named in `agent.pyz` decides at every instant which build a start brings up: it is written before anything is
ended or started.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from roosync_ops.agent import builds, permanence
from roosync_ops.agent.beat import agent_part, has_left, sequence_of
from roosync_ops.agent.build import bundle_path
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.errors import CodedError, ProblemError
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.local_state import Places, Using, loop_runs, prepare, read_local_state, signal_loop, take
from roosync_ops.agent.lock import is_held
from roosync_ops.agent.machine import process_fields, process_start
from roosync_ops.agent.permanence.launch import begun, build_command, run_words, text_in
from roosync_ops.agent.publisher import Share, share_of
from roosync_ops.agent.trial import SILENT, WHY, Trial
from roosync_ops.wire import local
from roosync_ops.wire.child import run
from roosync_ops.wire.names import HEARTBEATS
from roosync_ops.wire.small import wait_until
from roosync_ops.wire.status import ONLINE
from roosync_ops.wire.times import now_ms, time_or_none, to_iso
from roosync_ops.wire.typed import Answer, Json

ROLLED_BACK = "ROLLED_BACK"
LOCK = "guard.lock"
#: What `--supervised` says of the guard itself, as against the process that is to start it.
_DETACHED = "detached"
_LOOK_S = 0.25
#: How long the guard of a trial that another one has replaced may take to end, in s.
_TURN_S = 5.0
#: How long a build's `stop` may take, and a guard to be started, in s.
_LOAD_S = 30.0
#: How often going back is tried, and how long is waited in between, in s.
_TRIES, _AGAIN_S = 5, 5.0
#: In a process of its own, which ends by itself: a build is loaded, makes a file, and answers the words behind those.
_LOADED = """import sys, faulthandler
faulthandler.dump_traceback_later(60, exit=True)
sys.path.insert(0, sys.argv.pop(1))
import roosync_ops.agent.verbs.run
from roosync_ops.agent.main import main
open(sys.argv.pop(1), "w").close()
sys.exit(main())"""
#: How long the loop of a rehearsal may take to beat and, told to stop, to be gone, in s.
_PLAY_S = 20.0


def check(config: Config, name: str) -> None:
    """See that the build can be loaded here, can end what it begins, and begin anew, while the one before beats on.

    Raises CodedError.
    """
    path = os.path.join(config.local_dir, name)
    folder, mine = os.path.split(bundle_path() or "")
    if name == mine:
        return
    if not (folder == config.local_dir and builds.BUILD_FILE.fullmatch(name) and os.path.exists(path)):
        raise CodedError("NO_SUCH_BUILD", f"{path} n'est pas un agent de ce dossier", "action version")
    with Using(config.local_dir):
        folder = tempfile.mkdtemp("", "roosync-")
        line = build_command("-c", [_LOADED, path, os.path.join(folder, "loaded")])
        wrong = _rehearse(line, folder)
        if not wrong and os.path.exists(os.path.join(folder, HEARTBEATS)):
            wrong = _rehearse(line, folder)
        shutil.rmtree(folder, ignore_errors=True)
    if wrong:
        raise _told(*wrong)


def _last_line(words: str) -> str:
    return words[-300:].strip().split("\n")[-1]


def _rehearse(line: list[str], folder: str) -> tuple[str, str, str] | None:
    """Return what is wrong with a build, as `_told` has it: with a loop of its own, in a `folder` and share of its own.

    A trial shows beats, and no end. What does not beat there is no stop's fault: the trial will tell, unless it could
    not even be loaded, or has beaten in a life before.
    """
    where = ["--local-dir", folder, "--shared", folder, "--machine-id", "x"]
    own, words = os.path.join(folder, HEARTBEATS, "x.json"), os.path.join(folder, "words")
    before = text_in(own)
    with open(words, "wb") as file:
        loop = begun([*line, "run", *where], stderr=file)
    try:
        wait_until(lambda: text_in(own) != before or loop.poll() is not None, _PLAY_S, _LOOK_S)
        if text_in(own) == before:
            said = _last_line(text_in(words)) or "no word"
            if before:
                return "ne redémarre pas", "does not start again", said
            return None if os.path.exists(line[-1]) else ("ne se charge pas", "cannot be loaded", said)
        if before:
            return None  # how it ends was seen in its first life
        done = run([*line, "stop", *where], _LOAD_S)
        said = _last_line((done.stderr or done.stdout or b"?").decode("utf-8", "replace"))
        if not done.returncode:
            loop.wait(_PLAY_S)
            said = "" if has_left(local.read_object(own)) else "its record does not say left"
    except subprocess.TimeoutExpired:
        said = "its loop goes on"
    finally:
        loop.kill()
        loop.wait()
    return ("ne s'arrête pas", "does not stop", said) if said else None


def try_out(flags: Flags, config: Config, places: Places) -> Answer:
    """Put the build `flags.to` in the place of this one, on trial; the caller has the turn. A first one is this one.

    Raises CodedError REPLACED where another one came first, ROLLED_BACK where it does not come up: this one runs again.
    """
    from roosync_ops.agent.verbs.restart import again  # noqa: PLC0415 - each of the two needs the other

    names = [str(flags.to), os.path.basename(bundle_path() or "")]
    if not {*builds.named_builds(config.local_dir)[:1]} <= {names[1], builds.AGENT_NAME}:
        raise CodedError("REPLACED", "un autre agent est venu entre-temps", "action status")
    with Using(config.local_dir):
        local.remove(places.rolled_back)
    if names[0] == names[1]:
        flags.to = ""
        return again(flags, config, places)
    with Using(config.local_dir):
        builds.name_builds(config.local_dir, names, trial=True)
        begin(flags, config)
    try:
        return again(flags, config, places)
    except ProblemError as problem:
        _go_back(flags, config, places, ("refused", problem.reason[:400]))
        reason = problem.reason
        raise _told("ne démarre pas", "does not come up", reason) from None


def begin(flags: Flags, config: Config) -> None:
    """Have a guard watch whatever is on trial here; one that is there already stays the only one."""
    names = builds.on_trial(config.local_dir)
    if not names or flags.supervised == _DETACHED:
        return
    words = ["guard", *run_words(config, flags, _DETACHED)[1:]]
    line = build_command(os.path.join(config.local_dir, names[1]), words)
    mechanism = permanence.installed(config)
    options: Json = {"start_new_session": True}
    if sys.platform == "win32":
        if mechanism is not None and flags.supervised is None:
            return  # this may be a session of SSH, whose processes end with it: the task brings one with its loop
        options = {"creationflags": 0x0800_0000}  # CREATE_NO_WINDOW
    if mechanism is None or not mechanism.run_beside(line):
        begun(line, cwd=config.local_dir, **options)


def answer(flags: Flags) -> Answer:
    """Start the guard, or be it: until the trial is over."""
    config = config_of(flags)
    places = prepare(config)
    if flags.supervised != _DETACHED:
        if sys.platform == "win32":  # the caller is about to be the build on trial, which may hang in its first line
            pid = os.getppid()
            local.write(places.tried, json.dumps({"pid": pid, "start": process_start(pid)}).encode())
        begin(flags, config)
        return {}, []
    only = take(os.path.join(places.folder, LOCK), _TURN_S)
    names = builds.on_trial(config.local_dir)
    why = _watch(config, places, names) if only is not None and names else ()
    if why:
        turn = take(places.control_lock, _LOAD_S)
        if builds.on_trial(config.local_dir) == names:
            _go_back(flags, config, places, why)
        if turn is not None:
            turn.release()
    if only is not None:
        only.release()
    return {}, [_sentence(why)] if why else []


def _watch(config: Config, places: Places, names: list[str]) -> tuple[str, ...]:
    """Return why to go back, nothing where the trial is over without."""
    share = share_of(config)
    trial = Trial(config.thresholds.interval_ms / 1000, config.share_deadline_s, time.monotonic())
    while builds.on_trial(config.local_dir) == names:
        now = time.monotonic()
        if is_held(places.control_lock):
            trial.begin(now)
            time.sleep(_LOOK_S)
            continue
        why = trial.look(now, *_seen(config, places, share))
        if why == SILENT and _in_trouble(share):
            trial.pardon(time.monotonic())
        elif why == ():
            local.remove(places.rolled_back)  # of a guard that was killed before it went back
            builds.name_builds(config.local_dir, names)
        elif why and not is_held(places.control_lock):
            return why
        time.sleep(_LOOK_S)
    return ()


def _seen(config: Config, places: Places, share: Share) -> tuple[str | None, tuple[object, int], int, float]:
    """Look, with this build's own code, at what the one on trial leaves behind. A beat of another time is none."""
    if not loop_runs(places):
        return None, (None, 0), 0, 0.0
    loop = read_local_state(places)["loop"]
    try:
        record = share.read_own() or {}
    except ProblemError:
        record = {}
    age_ms = now_ms() - (time_or_none(record.get("lastHeartbeat")) or 0)
    beats = abs(age_ms) <= config.thresholds.timeout_ms and record.get("status") == ONLINE and not has_left(record)
    beat = (agent_part(record).get("sessionId"), sequence_of(record)) if beats else (None, 0)
    session = loop.get("sessionId")
    return session if isinstance(session, str) else "", beat, *_costs(loop.get("pid"))


def _costs(pid: object) -> tuple[int, float]:
    """Return what a process has of memory, in bytes, and had of a processor, in s; zeros where none can tell."""
    if type(pid) is not int:
        return 0, 0.0
    if sys.platform == "win32":
        from roosync_ops.agent import windows  # noqa: PLC0415 - Windows alone

        return windows.process_costs(pid)
    fields = process_fields(pid)
    if not fields:
        return 0, 0.0
    ticks = int(fields[11]) + int(fields[12])
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK")


def _in_trouble(share: Share) -> bool:
    try:
        share.probe()
        share.read_own()
    except ProblemError:
        return True
    return False


def _go_back(flags: Flags, config: Config, places: Places, why: tuple[str, ...]) -> None:
    """Name this build again, say why, and see it run: what is stopped is started. The caller has the turn."""
    from roosync_ops.agent.verbs.restart import again  # noqa: PLC0415 - as above

    bad, mine = (*builds.on_trial(config.local_dir), "", "")[:2]
    said: Json = {"from": bad[6:22], "to": mine[6:22], "at": to_iso(now_ms()), "why": _sentence(why)}
    said |= {"code": why[0], "values": why[1:]}
    flags.to, flags.supervised = None, None
    for _ in range(_TRIES):
        try:
            # said before it is done: a build that is on trial no more, and of which nothing is said, has proved itself
            local.write(places.rolled_back, json.dumps(said).encode(), durable=True)
            builds.name_builds(config.local_dir, [mine])
            if loop_runs(places):
                signal_loop(places, kill=True)  # one that hangs hears of nothing else, and we say what there is to say
            again(flags, config, places)
        except (ProblemError, OSError):
            time.sleep(_AGAIN_S)
        else:
            return


def _sentence(why: tuple[str, ...]) -> str:
    return WHY[why[0]].format(*why[1:])


def _told(what: str, detail: str, said: str) -> CodedError:
    """Word what an agent that was tried said; `detail` is for the operator's program, which speaks English."""
    error = CodedError(ROLLED_BACK, f"le nouvel agent {what}: {said}", "action status")
    error.cause, error.detail = ROLLED_BACK, f"the new build {detail}: {said}"
    return error
