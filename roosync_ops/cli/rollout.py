"""`roosync-ops rollout`: put the agent on machines, start it, and see each one online."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final, Literal

import typer

from roosync_ops import errors, judge, show
from roosync_ops.fleet import Fleet, Machine, load_inventory
from roosync_ops.gather.limits import SECOND_TIMEOUT_S, Limits, Probe
from roosync_ops.gather.probe import result_of
from roosync_ops.gather.second import Second
from roosync_ops.gather.source import Source
from roosync_ops.judge import Check, Validation
from roosync_ops.judge.probes import reason_of
from roosync_ops.judge.verdict import Reason
from roosync_ops.pyinfra_ops.run import UNREACHABLE, Result
from roosync_ops.show.messages import words
from roosync_ops.state.shared import SharedState

from . import acting, failures, looking, options, output, ramp, rollout_file
from .run_log import RunLog

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops rollout --shared /mnt/share

roosync-ops rollout myia-po-2024 --via myia-po-2025

roosync-ops rollout --dry

roosync-ops rollout --format junit > rollout.xml

Without names: every machine that is expected online. Run again, it changes nothing and says so.

Where a build that runs is replaced, one machine is first, then the others: --batch. A build that does not prove itself
is left again by its machine, and nobody else gets it.

Exit codes: 0 all done and online, 1 some machine is not, 2 usage or inventory, 3 shared state unavailable, 5 stopped
before the next batch."""

_Batch = Annotated[str, typer.Option("--batch", metavar="N,N%,..|all", help="How many machines are replaced at once.")]
_Soak = Annotated[float, typer.Option("--soak", metavar="SECONDS", min=0, help="Watch each batch for so long.")]
_MaxFail = Annotated[str | None, typer.Option("--max-fail", metavar="N|N%", help="How many machines may fail.")]
_Resume = Annotated[bool, typer.Option("--resume", help="Go on with whoever the last rollout left undone.")]


@app.command(epilog=_EXAMPLES)
def rollout(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    via: options.Via = None,
    limit: options.Limit = None,
    failed: acting.Again = False,
    dry: acting.Dry = False,
    wait: acting.Wait = acting.WAIT_S,
    report: Annotated[Literal["table", "json", "junit"], options.FORMAT] = "table",
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    deadline: options.Deadline = None,
    connect_timeout: acting.ConnectTimeout = acting.DEFAULT_CONNECT_TIMEOUT,
    parallel: acting.Parallel = None,
    verbose: acting.Verbose = False,
    batch: _Batch = ramp.DEFAULT,
    soak: _Soak = 0,
    max_fail: _MaxFail = None,
    resume: _Resume = False,
    probe: options.Probe = Probe.auto,
    _schema: options.Schema = False,
) -> int:
    """Put the agent on machines, start it, and see each one online in the shared state.

    Every machine is looked at before the first is changed: reachable, its own name, Python, share, clock. Then, where
    something differs: push, configure, install, register, start. One dead machine does not stop the others.
    """
    fleet = load_inventory(inventory)
    journal = ramp.Journal(inventory)
    machines = journal.left() if resume else machines
    chosen = acting.targets(fleet, machines, limit, inventory if failed else None)
    where = None if dry else acting.source(fleet, shared, via, deadline)
    before = None if where is None else _before(where, lang)

    log = RunLog("rollout", chosen, wanted=not dry)
    act = partial(
        acting.act,
        dry=dry,
        verbose=verbose,
        connect_timeout=connect_timeout,
        is_new=before is None or not before.seen,
        parallel=parallel,
        log=log,
    )
    steps = ramp.Ramp(chosen, act, journal.note, batch=batch, soak=soak, max_fail=max_fail, lang=lang)
    if dry:
        results = act("rollout", chosen)
        steps.plan(results)
    else:
        with journal.held():
            journal.begin(chosen)
            results = steps.run()
        acting.keep_failures(inventory, results)
    report = "json" if as_json else report
    if report == "table":
        _tell(results, chosen, dry=dry, lang=lang)
    view, second = before and before.view, looking.second_of(fleet, probe, Limits(SECOND_TIMEOUT_S))
    after, unseen = acting.attempt(
        lambda: None if where is None else _Look(fleet, where, chosen, results, before=view, wait=wait, second=second)
    )
    everybody = not (machines or limit or failed or resume)
    ok = all(row.ok for row in results) and unseen is None and (after is None or after.ok(everybody=everybody))
    if report != "table":
        document = _document(results, after, ok=ok, dry=dry, lang=lang) | acting.beside(unseen)
        output.write(
            show.json_text(document) if report == "json" else show.junit_report(rollout_file.report_of(document), lang)
        )
    elif after is not None:
        _tell_after(after, lang)
    elif where is None and not dry:
        output.note(words(lang)["acting.no_table"])
    acting.note_log(log, lang)
    code = errors.OK if ok else errors.NOT_AS_EXPECTED if unseen is None else failures.report(unseen, ())
    return ramp.STOPPED if steps.stopped else code


def _before(where: Source, lang: str) -> SharedState | None:
    """Return the state before anything is done; a state that cannot be read yet is no reason not to begin."""
    try:
        return where()
    except Exception as error:
        if failures.describe(error).exit_code != errors.UNAVAILABLE:
            raise
        output.note(words(lang)["acting.before"].format(error=error))
        return None


class _Look:
    """The fleet after the rollout: looked at until every machine that was rolled out is online and in the view."""

    def __init__(  # noqa: PLR0913 - what a look is made of
        self,
        fleet: Fleet,
        where: Source,
        chosen: tuple[Machine, ...],
        results: tuple[Result, ...],
        *,
        before: object,
        wait: float,
        second: Second | None,
    ) -> None:
        self._before = before
        self._chosen = {machine.machine_id for machine in chosen}
        self._enrolled = [row.machine_id for row in results if row.ok and row.skipped is None]
        self.view: object = None
        unreached = _unreached(chosen, results)

        def look(second: Second | None = None) -> Validation:
            validation, self.view = acting.judged(fleet, where, second)
            rows = validation.verdicts
            told = (row if row.ok else replace(row, reason=unreached.get(row.machine_id, row.reason)) for row in rows)
            return replace(validation, verdicts=tuple(told))

        # Where nobody was enrolled there is nothing to wait for: one look.
        self.validation = looking.watch(look, self._is_there, wait if self._enrolled else 0, where.poll_s)
        if second is not None and not self.validation.ok:  # what is waited for is what the share shows
            self.validation = look(second)

    def checks(self) -> dict[str, tuple[Check, ...]]:
        """Return the procedure's four checks of each machine that was rolled out."""
        return {name: judge.enrolment_checks(self._before, self.view, name) for name in self._enrolled}

    def ok(self, *, everybody: bool) -> bool:
        """Return True if all is as expected: of the machines named, or of the whole fleet."""
        rows = [row for row in self.validation.verdicts if everybody or row.machine_id in self._chosen]
        return all(row.ok for row in rows) and self._checked()

    def _checked(self) -> bool:
        return all(check.ok for checks in self.checks().values() for check in checks)

    def _is_there(self, validation: Validation) -> bool:
        rows = {row.machine_id: row for row in validation.verdicts}
        return all(rows[name].observed == "online" for name in self._enrolled) and self._checked()


def _unreached(chosen: tuple[Machine, ...], results: tuple[Result, ...]) -> dict[str, Reason | None]:
    """Return why each machine that was not reached just now is silent: better known than what its silence suggests."""
    return {
        row.machine_id: reason_of(result_of(machine, row.failure))
        for machine, row in zip(chosen, results, strict=True)
        if row.outcome == UNREACHABLE and row.failure is not None
    }


def _tell(results: tuple[Result, ...], chosen: tuple[Machine, ...], *, dry: bool, lang: str = "en") -> None:
    acting.tell(results, dry=dry, lang=lang)
    bound = {machine.machine_id for machine in chosen if machine.system == "windows"}
    if not dry and any(row.ok and row.skipped is None and row.machine_id in bound for row in results):
        output.write(words(lang)["acting.bound"])


def _tell_after(after: _Look, lang: str) -> None:
    color = output.wants_color()
    checks = after.checks()
    if checks:
        output.write("")
        width = max(map(len, checks))
        for name, found in checks.items():
            output.write("\n".join(_check_lines(name.ljust(width), found, lang, color=color)))
    output.write("\n" + show.table(after.validation, lang, output.width(), color=color))


def _check_lines(name: str, checks: tuple[Check, ...], lang: str, *, color: bool) -> list[str]:
    """Return a machine's checks on one line where they fit, else on a line each."""
    plain, shown = show.check_lines(checks, lang), show.check_lines(checks, lang, color=color)
    if len("  ".join([name, *plain])) <= (output.width() or 10_000):
        return ["  ".join([name, *shown])]
    return [f"{name if at == 0 else ' ' * len(name)}  {line}" for at, line in enumerate(shown)]


def _document(results: tuple[Result, ...], after: _Look | None, *, ok: bool, dry: bool, lang: str) -> dict[str, Any]:
    checks = {} if after is None else after.checks()
    rows = [{**acting.document(row), "checks": _checks(checks.get(row.machine_id), lang)} for row in results]
    validation = None if after is None else show.validation_document(after.validation, lang)
    return {"ok": ok, "dry": dry, "machines": rows, "validation": validation}


def _checks(checks: tuple[Check, ...] | None, lang: str) -> list[dict[str, Any]] | None:
    if checks is None:
        return None
    return [
        {
            "check": check.name,
            "ok": check.ok,
            "reason": None if check.reason is None else show.sentence(check.reason, lang),
        }
        for check in checks
    ]
