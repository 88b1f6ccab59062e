"""A rollout in batches: what is replaced first on one machine, seen to prove itself, and only then on the next."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Annotated, Final

from roosync_ops import errors
from roosync_ops.fleet import Machine
from roosync_ops.pyinfra_ops.ledger import (
    CHANGED,
    ONLINE,
    PLANNED,
    PROVED,
    REPLACED,
    ROLLED_BACK,
    UNCHANGED,
    UNREACHABLE,
    WAITS,
)
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.remote_script import checks
from roosync_ops.transport.link import Failure

from . import options, output

Act = Callable[[str, Sequence[Machine]], tuple[Result, ...]]
Unseen = Callable[[Sequence[tuple[Machine, str | None]]], dict[str, str]]

#: More machines than so many are a count, and no line each.
MANY: Final = 40
ALL: Final = "all"
#: The threshold was reached: what was left was not begun.
STOPPED: Final = 5
NOT_BEGUN: Final = "not begun: the rollout stopped before its turn"
#: A build on trial beats four times; so much later than that it is asked for the last time, in s.
_BEATS: Final = 4
_LATE_S: Final = 60.0
#: How often a machine is asked whether the trial is over, in s, at most and at least.
_ASK_S: Final = (2.0, 15.0)


def sizes(text: str, total: int) -> list[int]:
    """Return how many machines each batch has: `1,25%,100%`, the last again and again. Raises CommandError."""
    if text == ALL:
        return [total] if total else []
    found: list[int] = []
    words = [_number(word, total, "--batch") for word in text.split(",")]
    while sum(found) < total:
        found.append(min(max(1, words[min(len(found), len(words) - 1)]), total - sum(found)))
    return found


def _number(word: str, total: int, option: str) -> int:
    digits = word.strip().removesuffix("%")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 6:  # noqa: PLR2004 - no fleet is larger
        raise errors.usage(f"{option}: {word.strip()!r} is neither a number nor a percentage", f"{option} 1")
    return math.floor(total * int(digits) / 100) if word.strip().endswith("%") else int(digits)


def waiting(results: Sequence[Result]) -> set[str]:
    """Return whose running build is to be replaced, and was not yet."""
    found = {row.machine_id for row in results if row.skipped in (WAITS, NOT_BEGUN)}
    # of a dry run: a build that runs, and another to take its place
    dry = [(row, one) for row in results if row.outcome == PLANNED for one in row.differences]
    return found | {row.machine_id for row, one in dry if one.what == "build" and one.before}


@dataclass(frozen=True, kw_only=True)
class Batches:
    """How many machines get a new build at once, and when to stop."""

    batch: Annotated[str, options.opt("--batch N,N%,..|all")] = "1,100%"
    soak: Annotated[float, options.opt("--soak SECONDS", min=0)] = 0
    max_fail: Annotated[str | None, options.opt("--max-fail N|N%")] = None
    resume: Annotated[bool, options.opt("--resume")] = False


@dataclass(kw_only=True)
class Ramp:
    """One rollout. `act` runs a deploy on machines; `note` is told after each batch what became of every machine.

    `unseen` tells which machines the shared state does not show as their build; it is asked for `wait` s after a batch.
    """

    chosen: Sequence[Machine]
    act: Act
    note: Callable[[Sequence[Result]], None]
    unseen: Unseen | None = None
    wait: float = 0
    by: Batches
    stopped: bool = False

    def __post_init__(self) -> None:
        """Raises CommandError for what no option takes."""
        most = self.by.max_fail
        self._allowed = None if most is None else _number(most, len(self.chosen), "--max-fail")
        sizes(self.by.batch, len(self.chosen))
        #: Machines that have the new build, whatever became of it since.
        self._begun: set[str] = set()

    def run(self) -> tuple[Result, ...]:
        """Enrol the machines without an agent at once, and go batch by batch through the others."""
        if self.by.batch == ALL:
            return self.act("rollout", self.chosen)
        results = {row.machine_id: row for row in self.act("ramp", self.chosen)}
        self._begun.update(row.machine_id for row in results.values() if row.outcome == CHANGED)
        plan = self.plan(list(results.values()))
        replaced: set[str] = set()
        done: list[Result] = []
        for number, batch in enumerate(plan, 1):
            self._ask_again(results, done)
            self.note(list(results.values()))
            if self._too_many(results, replaced):
                self.stopped = True
                break
            done = self._replace(batch)
            if number < len(plan):  # what comes after the last one is the rollout's own look
                self._see(batch, done)
            output.mention(f"{number}/{len(plan)}: {self._summary(done)}")
            results.update((row.machine_id, row) for row in done)
            replaced.update(machine.machine_id for machine in batch)
        if plan:
            self._ask_again(results, done)
        found = tuple(results[machine.machine_id] for machine in self.chosen)
        found = tuple(Result(row.machine_id, skipped=NOT_BEGUN) if row.skipped == WAITS else row for row in found)
        self.note(found)
        return found

    def plan(self, results: Sequence[Result]) -> list[tuple[Machine, ...]]:
        """Share out the machines that run another build, and say in which order they come."""
        names = set() if self.by.batch == ALL else waiting(results)
        left = iter([machine for machine in self.chosen if machine.machine_id in names])
        plan = [tuple(islice(left, size)) for size in sizes(self.by.batch, len(names))]
        if len(names) > MANY:
            output.mention(f"Batches of {', '.join(str(len(batch)) for batch in plan)} machines")
        elif plan:
            told = ("+".join(machine.machine_id for machine in batch) for batch in plan)
            output.mention(f"Batches: {'; '.join(told)}")
        return plan

    def _ask_again(self, results: dict[str, Result], just: Sequence[Result]) -> None:
        """See what became of the machines with the new build, but for those `just` asked.

        Where two rollouts meet, the one that changes a machine last has seen all of its own after that.
        """
        asked = {name for name in self._begun if results[name].ok} - {row.machine_id for row in just}
        if asked:
            found = self.act("prove", [machine for machine in self.chosen if machine.machine_id in asked])
            results.update((row.machine_id, row) for row in found if _is_known(row, soaked=False))

    def _too_many(self, results: dict[str, Result], replaced: set[str]) -> bool:
        """Where nothing was said, one machine that took harm is too many; one that was never reached took none.

        One that was lost with the new build on it may have been lost by it.
        """
        bad = [row for row in results.values() if not row.ok]
        if any(row.failure is not None and row.failure.code == REPLACED for row in bad):
            return True  # another rollout is under way: two of them would leave two builds
        if self._allowed is not None:
            return len(bad) > self._allowed
        harmed = (row for row in bad if row.outcome != UNREACHABLE or row.machine_id in self._begun)
        return any(row.machine_id in replaced for row in harmed)

    def _summary(self, done: Sequence[Result]) -> str:
        style = output.style()
        told = [(row.machine_id, style[f"report.{row.outcome}_word"]) for row in done]
        if len(self.chosen) > MANY:
            return ", ".join(f"{count} {word}" for word, count in Counter(word for _, word in told).items())
        return ", ".join(f"{name} {word}" for name, word in told)

    def _see(self, batch: Sequence[Machine], done: list[Result]) -> None:
        """Wait until the shared state too shows the batch as the new build; a machine it does not show has failed."""
        builds = {row.machine_id: one.after for row in done if row.ok for one in row.differences if one.what == "build"}
        asked = [(machine, builds[machine.machine_id]) for machine in batch if machine.machine_id in builds]
        until = time.monotonic() + self.wait
        while asked and self.unseen is not None:
            found = self.unseen(asked)
            if not found or time.monotonic() > until:
                for at, row in enumerate(done):
                    if row.machine_id in found:
                        hint = checks.diagnosing(row.machine_id)
                        done[at] = replace(row, failure=Failure(PROVED, "NOT_SEEN", found[row.machine_id], hint))
                return
            time.sleep(_ASK_S[0])

    def _replace(self, batch: tuple[Machine, ...]) -> list[Result]:
        done = {row.machine_id: row for row in self.act("rollout", batch)}
        began = time.monotonic()  # the look before and the upload are no time in which a build proves itself
        # one that was not online just then may be about to be left again, or late
        asked = [machine for machine in batch if _is_on_trial(done[machine.machine_id])]
        self._begun.update(machine.machine_id for machine in asked)
        trial_s = max(_BEATS * machine.heartbeat_interval / 1000 + machine.share_deadline for machine in batch)
        until = began + trial_s + _LATE_S + self.by.soak
        while asked:
            over = time.monotonic() > until
            soaked = time.monotonic() - began >= self.by.soak
            for row in self.act("prove", asked):
                if _is_known(row, soaked=soaked) or over:
                    asked = [machine for machine in asked if machine.machine_id != row.machine_id]
                    was = done[row.machine_id]
                    online = {} if was.ok else {ONLINE: UNCHANGED}
                    done[row.machine_id] = replace(was, failure=None, steps=was.steps | online) if row.ok else row
            if asked:
                time.sleep(min(max(_ASK_S[0], asked[0].heartbeat_interval / 1000), _ASK_S[1]))
        return list(done.values())


def _is_on_trial(row: Result) -> bool:
    return row.failure is None or (row.failure.step == ONLINE and not _is_known(row, soaked=False))


def _is_known(row: Result, *, soaked: bool) -> bool:
    """Return True if a trial is over: what is not asked, or has no share just now, may yet prove itself."""
    if row.failure is None:
        return soaked
    return row.failure.code in (ROLLED_BACK, REPLACED)
