"""What rollout, restart, stop and uninstall share: the machines, how it is told, and the look at the fleet after."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from roosync_ops import errors
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.asking import given_up
from roosync_ops.gather.probe import look
from roosync_ops.gather.second import Second
from roosync_ops.gather.source import Source
from roosync_ops.gather.validation import GracePeriod, seen
from roosync_ops.judge import Validation
from roosync_ops.pyinfra_ops.ledger import BACK, FAILED, PLANNED, SKIPPED, UNREACHABLE, WAITS
from roosync_ops.pyinfra_ops.run import CONNECT_TIMEOUT_S, Answered, Event, Result, Workers, run
from roosync_ops.pyinfra_ops.settled import LOOKED, PROVE, has_seen, settled
from roosync_ops.remote_script.facts_model import ProbeReport
from roosync_ops.show.columns import BOLD, DIM, GREEN, RED, YELLOW
from roosync_ops.show.document import keyed
from roosync_ops.show.messages import translated
from roosync_ops.show.text import PLAIN, Style, safe, whole, wrapped
from roosync_ops.transport.link import Failure

from . import failures, options, output
from .journal import RunJournal, RunLog
from .ramp import MANY

Seen = TypeVar("Seen")
ConnectTimeout = Annotated[int, options.opt("--connect-timeout SECONDS", "act", min=1)]
#: Two beats of a machine that was just started, and a minute for the file-sync product.
_WAIT_S: Final = 90.0


@dataclass(frozen=True, kw_only=True)
class How:
    """How machines are acted on."""

    failed: Annotated[bool, options.opt("--failed")] = False
    dry: Annotated[bool, options.opt("--dry --dry-run --check")] = False
    wait: Annotated[float, options.opt("--wait SECONDS", min=0)] = _WAIT_S
    connect_timeout: ConnectTimeout = CONNECT_TIMEOUT_S
    parallel: Annotated[int | None, options.opt("--parallel N", min=1)] = None
    verbose: Annotated[bool, options.opt("--verbose -v")] = False


#: The colour of a machine's outcome.
_COLORS: Final = {
    "changed": GREEN,
    "unchanged": DIM,
    PLANNED: YELLOW,
    FAILED: RED,
    BACK: RED,
    UNREACHABLE: RED,
    SKIPPED: DIM,
}
#: Deploys that change nothing: a machine that is asked again and again has no line each time.
QUESTIONS: Final = ("prove", "verify")
_SHOWN: Final = ("changed", PLANNED, FAILED)


def targets(
    fleet: Fleet, machines: list[str] | None, limit: list[str] | None, failed: Path | None = None
) -> tuple[Machine, ...]:
    """Return the machines that are named, or all that are expected online. Raises FleetError or CommandError.

    `failed` is the inventory whose last command's failures are meant.
    """
    names = options.names_of(limit, machines)
    if failed is not None:
        again = RunJournal(failed).failed()
        names = again if not names else [name for name in names if name.startswith("!")] + again
    chosen = fleet.select(names) if names else tuple(machine for machine in fleet if machine.expected == "online")
    if not chosen:
        raise errors.usage("no machine of the inventory is expected online", "name machines, or see machines list")
    return chosen


def confirm(question: str, chosen: Sequence[Machine], *, asked_for: bool) -> None:
    """Ask before acting on machines that were not named. Raises typer.Abort, or CommandError without a terminal."""
    if not asked_for:
        names = ", ".join(machine.machine_id for machine in chosen[:6]) + (", ..." if len(chosen) > 6 else "")  # noqa: PLR2004 - the number just sliced
        asked = question.format(count=len(chosen), s="s" * (len(chosen) > 1), names=names)
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            said = f"no machine is named, and there is no terminal to ask on: {asked}"
            raise errors.usage(said, "name machines, or add --yes for all that are expected online")
        typer.confirm(output.spoken(asked), abort=True, err=True)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One command's run: how machines are acted on, and where that is written down.

    Those that are `fine` were so after the last rollout: there is likely to be nothing to do.
    A machine that is done has a line of its own, unless the `total` of a whole rollout are too many.
    """

    how: How
    log: RunLog
    is_new: bool = True
    fine: frozenset[str] = frozenset()
    total: int = 0

    def act(self, deploy: str, chosen: Sequence[Machine]) -> tuple[Result, ...]:
        """Run deploys/<deploy>.py on the machines, show how far it is, and write it down."""
        looked, begun, style = set[str](), dict[str, str](), output.style()  # a machine may be looked at twice
        lined = max(self.total, len(chosen)) <= MANY and not self.how.dry and deploy not in QUESTIONS

        def tell(event: Event | Result) -> None:
            if isinstance(event, Result):
                if lined and event.skipped != WAITS:
                    told = _told(event, style)
                    progress.say(f"{event.machine_id} {_word(event.outcome, style)}{told and f': {told}'}")
                return
            if event.step is None:
                looked.add(event.machine_id)
                progress.show(f"{deploy}: {len(looked)}/{len(chosen)} machines looked at")
                return
            begun[event.machine_id] = event.step
            self.log.note("step", machineId=event.machine_id, step=event.step)
            progress.show(f"{deploy}: {event.machine_id}: {event.step}")

        try:
            with output.Progress() as progress:
                results = self._done(deploy, chosen, tell)
        except KeyboardInterrupt:
            said = "Interrupted: machines were looked at, and none was changed."
            if begun:  # a step that was begun is ended by the machine or done again the next time
                done = "; ".join(f"{name}: {safe(step)}" for name, step in begun.items())
                said = f"Interrupted. Begun by then: {done}. The same command again goes on from there."
            output.note(said)
            raise
        for row in results:
            self.log.note(deploy, **document(row))
        return results

    def _done(
        self, deploy: str, chosen: Sequence[Machine], tell: Callable[[Event | Result], None]
    ) -> tuple[Result, ...]:
        """Run a deploy where a look does not settle it, and pyinfra has something to do. --verbose shows it.

        All are looked at before one is changed: those too that pyinfra looks at.
        """
        rows: dict[str, Result] = {}
        known: dict[str, Answered] = {}
        how, seen = self.how, False

        def hear(machine: Machine, found: ProbeReport | Failure) -> None:
            nonlocal seen
            tell(Event(machine.machine_id))
            row = settled(deploy, machine, found, dry=how.dry)
            seen |= (row is None or row.ok) and not isinstance(found, Failure) and has_seen(found)
            if row is not None:
                rows[row.machine_id] = row
                tell(row)
            elif not isinstance(found, Failure):
                known[machine.machine_id] = (found, given_up(machine))

        asked = [machine for machine in chosen if machine.transport == "ssh" and deploy in LOOKED and not how.verbose]
        alone = {one.machine_id for one in asked} if how.dry or deploy == PROVE else self.fine
        with Workers({machine.transport for machine in chosen}, verbose=how.verbose) as workers:
            if any(machine.machine_id not in alone for machine in asked):  # there is likely something to do
                workers.start(1)
            look(asked, how.connect_timeout, how.parallel, hear, alone=alone)
            left = [machine for machine in chosen if machine.machine_id not in rows]
            if left:
                done = run(
                    deploy,
                    left,
                    dry=how.dry,
                    verbose=how.verbose,
                    connect_timeout_s=how.connect_timeout,
                    parallel=how.parallel,
                    is_new=self.is_new and not seen,
                    known=known,
                    tell=tell,
                    begun=workers,
                )
                rows |= {row.machine_id: row for row in done}
        return tuple(rows[machine.machine_id] for machine in chosen)


def tell(results: Sequence[Result], notes: dict[str, str] | None = None, *, dry: bool = False) -> None:
    """Print the recap: a line a machine, beyond forty one for those alone that something is to be said of."""
    style = output.style()
    if dry:
        output.write(f"{style['acting.dry']}\n")
    rows = [row for row in results if len(results) <= MANY or dry or not row.ok or row.skipped]
    output.write("\n".join([*lines(rows, notes, style), "", headline(results, style)]))


def lines(results: Sequence[Result], notes: dict[str, str] | None = None, style: Style = PLAIN) -> list[str]:
    """Return a line for each machine: what was done or is to be, or why not and what to type next."""
    name_width = max((len(row.machine_id) for row in results), default=0)
    width = max(len(_word(outcome, style)) for outcome in _COLORS)
    found: list[str] = []
    for row in results:
        told = " ".join(filter(None, [_told(row, style), (notes or {}).get(row.machine_id)]))
        said = [(_word(row.outcome, style), _COLORS[row.outcome], told)]
        if row.outcome == PLANNED and row.differences:
            said.append(("", "", "; ".join(dict.fromkeys(whole(safe(str(one))) for one in row.differences))))
        if row.failure is not None:
            said.append((style["acting.next"], "", whole(safe(translated(row.failure.hint, style.lang)))))
        for at, (word, code, text) in enumerate(said):
            name = "" if at else row.machine_id
            found += _columns(name.ljust(name_width), word.ljust(width), code, text, style)
    return found


def _word(outcome: str, style: Style) -> str:
    return style[f"report.{outcome}_word"]


def _columns(name: str, word: str, code: str, told: str, style: Style) -> list[str]:
    """Return one line, or several where the terminal is too narrow for what is told."""
    room = (style.width or 10_000) - len(name) - len(word) - 4
    first, *rest = wrapped(told, room, 0)
    blank = " " * (len(name) + len(word) + 4)
    return [f"{name}  {style.paint(word, code)}  {first}".rstrip(), *(blank + line for line in rest)]


def _told(row: Result, style: Style) -> str:
    if row.failure is not None:
        done = ", ".join(step for step, outcome in row.steps.items() if outcome == "changed")
        before = f"({style['acting.after'].format(steps=done)}) " if done else ""
        step = "" if row.outcome == UNREACHABLE else f"{row.failure.step}: "
        return f"{before}{step}{safe(translated(row.failure.reason.removeprefix('unreachable: '), style.lang))}"
    if row.skipped is not None:
        return safe(translated(row.skipped, style.lang))
    return ", ".join(step for step, outcome in row.steps.items() if outcome in _SHOWN)


def headline(results: Sequence[Result], style: Style = PLAIN) -> str:
    """Return one line that counts the outcomes: `3 machines: 2 done, 1 unreachable`."""
    counts = Counter(_word(row.outcome, style) for row in results)
    total = f"{len(results)} machine{'' if len(results) == 1 else 's'}{style['colon']}"
    return style.paint(f"{total} {', '.join(f'{count} {word}' for word, count in counts.items())}", BOLD)


def note_log(log: RunLog) -> None:
    """Say where it is written down what was done."""
    if log.path is not None:
        output.mention(f"Written down in {safe(str(log.path))}")


def document(row: Result, lang: str = "en") -> dict[str, Any]:
    """Return what --json says of one machine."""
    failure = row.failure
    return keyed(
        row,
        "machineId outcome ok",
        steps=[{"step": step, "outcome": outcome} for step, outcome in row.steps.items()],
        changes=[keyed(one, "what from=before to=after") for one in row.differences],
        code=failure and failure.code,
        reason=failure and f"{failure.step}: {translated(failure.reason, lang)}",
        hint=failure and failure.hint,
    )


def attempt(look: Callable[[], Seen]) -> tuple[Seen | None, BaseException | None]:
    """Look at the fleet after something was done to it; where that fails, what was done is told all the same."""
    try:
        return look(), None
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told beside what was done
        return None, error


def beside(error: BaseException | None) -> dict[str, Any]:
    """Return what --json says beside what was done, where the look at the fleet after it failed."""
    return {} if error is None else {"error": failures.document(failures.describe(error))}


def judged(fleet: Fleet, where: Source, second: Second | None = None) -> tuple[Validation, object]:
    """Read and judge once; also return the view the old readers read."""
    found = seen(where, fleet, None, GracePeriod(None, None, fleet), second)
    return found.validation, found.state.view
