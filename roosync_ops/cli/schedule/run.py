"""One scheduled run, in this order: look and notify, refresh the dashboard, note what came of it.

1. Two runs of one schedule never overlap: the second says so and does nothing.
2. One reading is enough where nothing changed. Where a machine looks gone, the run goes on reading until that is proven
   or it is heard, as long as its offlineTimeout and the patience ask for: of what happened between two runs nothing is
   known, so that one reading proves no silence (judge.flips).
3. Everything is bounded: each reading, the readings together, the dashboard, each delivery.
"""

import json
import shlex
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from roosync_ops import errors, process
from roosync_ops.cli import failures, options, output, watch
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.limits import Probe
from roosync_ops.show.messages import headline
from roosync_ops.show.reasons import flip_text
from roosync_ops.show.text import Style, safe
from roosync_ops.watch.delivery import TIMEOUT_S as DELIVERY_S
from roosync_ops.watch.terminal import Endings, Terminated
from roosync_ops.wire.times import now_ms, to_iso

from .install import ScheduleSettings, read, save

#: Another run is under way: this one has looked at nothing (sysexits' EX_TEMPFAIL).
BUSY: Final = 75
#: Between two readings of one run, in s: at most so long, and half a heartbeat interval.
POLL_S: Final = 5.0
#: How much longer than the longest timeout a run may go on reading, in s: sync delay, and a share that is slow.
_BEYOND_S: Final = 120.0
#: No run reads for longer, in s.
_MOST_S: Final = 1_200.0
_DASHBOARD_S: Final = 120.0
#: How long a ping may take, in s.
_PING_S: Final = 10.0
#: The dashboard's own command, in a process that can be ended.
DASHBOARD: tuple[str, ...] = process.ours("dashboard")
#: What is kept of what a run said.
_SAID: Final = 50


def run(path: Path) -> int:
    """Run the schedule whose settings are in `path` once, and return validate's exit code. Raises CommandError."""
    settings = read(path)
    output.speak(settings.lang)
    lock = FileLock(path.with_suffix(".lock"), timeout=0, mode=0o600)
    try:
        with lock:
            return _Run(settings).noted(path.with_suffix(".last.json"))
    except Timeout:
        message = "another run of this schedule is under way; this one has looked at nothing"
        raise errors.CommandError("ALREADY_RUNNING", message, "roosync-ops schedule --status", BUSY) from None


class _Run:
    """One run. What it says goes to stdout and stderr, and into the note of what came of it."""

    def __init__(self, settings: ScheduleSettings) -> None:
        self._settings = settings
        self._said: list[str] = []
        self._summary: str | None = None

    def noted(self, note: Path) -> int:
        """Do it all, and write down what came of it, a failure too."""
        began_ms, began = now_ms(), time.monotonic()
        self._ping("/start")
        code, trouble = errors.INTERNAL, None
        try:
            code = self._look()
            refreshed = self._refresh()
            code = refreshed if code == errors.OK else code
        except Terminated:
            code = errors.INTERRUPTED
        except BaseException as error:
            failure = failures.describe(error)
            code, trouble = failure.exit_code, failure.reason
            raise
        finally:
            document = {
                "at": to_iso(began_ms),
                "seconds": round(time.monotonic() - began, 1),
                "exitCode": code,
                "summary": self._summary,
                "said": [*self._said[-_SAID:], *([trouble] if trouble else [])],
            }
            self._ping("" if code in (errors.OK, errors.NOT_AS_EXPECTED) else "/fail")
            try:
                save(note, json.dumps(document))
            except errors.CommandError as error:  # must not hide what came of the run
                output.note(str(error))
        return code

    def _ping(self, what: str) -> None:
        """Tell the dead-man switch (as healthchecks.io has it); that it cannot be told changes no verdict."""
        if self._settings.ping is None:
            return
        from urllib.request import Request, urlopen  # noqa: PLC0415 - 50 ms that only --ping needs

        body = (self._summary or "").encode()
        try:
            with urlopen(Request(self._settings.ping.rstrip("/") + what, data=body), timeout=_PING_S):  # noqa: S310 - http and https alone: Settings
                pass
        except (OSError, ValueError, HTTPException) as error:
            said = str(getattr(error, "code", None) or getattr(error, "reason", type(error).__name__))
            self._note(f"--ping: {said[:80]}")

    def _look(self) -> int:
        """Read until it is known what there is to tell, tell it, and return validate's exit code."""
        settings = self._settings
        fleet = load_inventory(Path(settings.inventory))
        at = options.HereOrVia(shared=settings.shared, via=settings.via, deadline=settings.deadline)
        how = watch.Watched(
            patience=settings.patience,
            exec_=[shlex.join(words) for words in settings.exec],
            notify=settings.notify,
            memory=Path(settings.memory),
            probe=settings.probe,
        )
        watched = watch.watching(fleet, at, how, self._tell, self._note, settings.lang, grace_s=DELIVERY_S)
        with Endings() as endings, watched as (watcher, second):
            # As long as it may take before a silence is proven; and between two readings less than the two intervals
            # of silence that would be the share's (judge.flips).
            timeout_s = max((machine.thresholds.timeout_ms for machine in fleet), default=0) / 1000
            extra_s = 600.0 if settings.patience == "auto" else float(settings.patience)
            until = time.monotonic() + min(timeout_s + extra_s + _BEYOND_S, _MOST_S)
            shortest_s = min((machine.thresholds.interval_ms for machine in fleet), default=0) / 1000
            watcher.round(endings)
            while (watcher.memory.unsettled or (second and second.unsettled)) and time.monotonic() < until:
                time.sleep(min(POLL_S, max(shortest_s / 2, 0.2)))
                watcher.validation = None  # what an earlier reading showed is not what is there now
                watcher.round(endings)
        for text in watcher.troubles:
            self._note(text)
        if watcher.validation is None:
            return errors.UNAVAILABLE
        seen = watcher.validation
        self._summary = headline(seen.online, seen.total)
        if any(text != watcher.memory.trouble for text in watcher.troubles):  # all was seen, and could not be told
            return errors.USAGE
        return errors.OK if seen.ok else errors.NOT_AS_EXPECTED

    def _tell(self, flip: dict[str, Any]) -> None:
        text = flip_text(flip, Style(self._settings.lang))
        self._said.append(text)
        output.write(text)

    def _note(self, text: str) -> None:
        self._said.append(safe(text))
        output.note(safe(text))

    def _refresh(self) -> int:
        """Refresh the dashboard, in a process that can be ended; return 0, or the exit code that tells why not."""
        settings = self._settings
        if not settings.dashboard:
            return errors.OK
        # no shared state but the schedule's own
        environment = process.our_environment("ROOSYNC_SHARED_PATH", PYTHONUTF8="1")
        try:
            ended = process.within(_DASHBOARD_S, [*DASHBOARD, *_dashboard_words(settings)], environment=environment)
        except process.ChildError as error:
            self._note(f"the dashboard was not refreshed: {error}")
            return errors.UNAVAILABLE
        if ended.code == errors.OK:
            return errors.OK
        self._note(f"the dashboard was not refreshed: {ended.said or f'exit code {ended.code}'}")
        return ended.code if ended.code in (errors.USAGE, errors.INTERNAL) else errors.UNAVAILABLE


def _dashboard_words(settings: ScheduleSettings) -> list[str]:
    """Return the options of `roosync-ops dashboard`: a replica that is read over SSH is asked as any other is."""
    probe = Probe.always if settings.shared is None else settings.probe
    words = ["--inventory", settings.inventory, "--memory", settings.memory, "--lang", settings.lang]
    words += [f"--probe={probe}", *(["--presence"] if settings.presence else [])]
    words += ["--every", str(settings.every_min)]
    named = {"--shared": settings.shared, "--output": settings.dashboard_dir, "--deadline": settings.deadline}
    return words + [str(word) for flag, value in named.items() if value is not None for word in (flag, value)]
