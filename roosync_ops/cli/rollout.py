"""`roosync-ops rollout`: put the agent on machines, start it, and see each one online."""

from collections.abc import Container, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import typer

from roosync_ops import errors, judge, show, typed
from roosync_ops.fleet import Fleet, Machine, load_inventory
from roosync_ops.gather.limits import Probe
from roosync_ops.gather.probe import result_of
from roosync_ops.gather.second import Second, second_of
from roosync_ops.gather.source import Source
from roosync_ops.judge import Check, Validation
from roosync_ops.judge.probes import reason_of
from roosync_ops.pyinfra_ops.ledger import PLANNED, UNREACHABLE
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.show.document import keyed
from roosync_ops.show.text import Style
from roosync_ops.state.shared import SharedState
from roosync_ops.wire.status import ONLINE
from roosync_ops.wire.status import status as status_of

from . import acting, failures, looking, options, output, ramp
from .journal import RunJournal, RunLog

app = typer.Typer()


@app.command()
@options.grouped
def rollout(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    at: options.HereOrVia,
    limit: options.Limit = None,
    how: acting.How,
    report: Annotated[Literal["table", "json", "junit"], options.FORMAT] = "table",
    shown: options.Shown,
    by: ramp.Batches,
    probe: options.Probe = Probe.auto,
    _schema: options.Schema = False,
) -> int:
    """Put the agent on machines, start it, and see each one online in the shared state.

    Every machine is looked at before the first is changed: reachable, its own name, Python, share, clock. Then, where
    something differs: push, configure, install, register, start. One dead machine does not stop the others.
    """
    fleet = load_inventory(at.inventory)
    journal = RunJournal(at.inventory)
    meant = journal.left() if by.resume else machines
    chosen = acting.targets(fleet, meant, limit, at.inventory if how.failed else None)
    where = None if how.dry or not (at.shared or at.via) else looking.source_of(at, fleet)
    before = None if where is None else _read(where)
    if isinstance(before, str):
        output.note(f"Before: {before}")
        before = None
    log = RunLog("rollout", chosen, wanted=not how.dry)
    act = acting.Run(how=how, log=log, is_new=not (before and before.seen), fine=journal.fine(), total=len(chosen)).act
    unseen_in = None if where is None else partial(_unseen, where)
    steps = ramp.Ramp(chosen=chosen, act=act, note=journal.note, unseen=unseen_in, wait=how.wait, by=by)
    if how.dry:
        results = act("rollout", chosen)
        steps.plan(results)
    else:
        with journal.held(chosen):
            results = steps.run()
        journal.ended(results)
    report = "json" if shown.as_json else report
    if report == "table":
        _tell(results, chosen, dry=how.dry)
    view, second = before and before.view, second_of(fleet, probe)
    after, unseen = acting.attempt(
        partial(_look, fleet, where, chosen, results, before=view, wait=how.wait, second=second)
    )
    named = machines or limit or how.failed or by.resume
    names = {machine.machine_id for machine in chosen} if named else None
    ok = all(row.ok for row in results) and unseen is None and (after is None or after.ok(names))
    if report != "table":
        document = _document(results, after, ok=ok, dry=how.dry, lang=shown.lang) | acting.beside(unseen)
        output.write(show.json_text(document) if report == "json" else _junit(document, shown.lang))
    elif after is not None:
        _tell_after(after)
    elif how.dry and any(row.outcome == PLANNED for row in results):
        asked = ["--failed"] if how.failed else ["--resume"] if by.resume else []
        output.mention(f"Next:  {typed.ours('rollout', *(machines or []), *options.names_of(limit), *asked)}")
    elif where is None and not how.dry:
        output.note("No shared state is named, so no table is shown: add --shared DIR or --via MACHINE.")
    acting.note_log(log)
    code = errors.OK if ok else errors.NOT_AS_EXPECTED if unseen is None else failures.report(unseen, ())
    return ramp.STOPPED if steps.stopped else code


def _junit(document: dict[str, Any], lang: str) -> str:
    from .report import report_of  # noqa: PLC0415 - seldom asked for, and long to load

    found = report_of(document)
    return show.junit(found.validation, Style(lang), found.rollout)


def _read(where: Source) -> SharedState | str:
    """Return the shared state, or why it cannot be read just now: no reason not to begin, nor to give up at once."""
    try:
        return where()
    except Exception as error:
        if failures.describe(error).exit_code != errors.UNAVAILABLE:
            raise
        return str(error)


def _unseen(where: Source, builds: Sequence[tuple[Machine, str | None]]) -> dict[str, str]:
    """Return the machines that the shared state does not show beating as their build, and what it shows instead."""
    state = _read(where)
    if isinstance(state, str):
        return {machine.machine_id: f"the shared state cannot be read: {state}" for machine, _ in builds}
    found = {}
    for machine, build in builds:
        record = state.record_of(machine.machine_id)
        shown = None if record is None else record.agent.get("buildId")
        word = "unknown" if record is None else status_of(record, state.read_at_ms, machine.thresholds)
        if word != ONLINE or build not in (None, shown):
            said = f"the shared state shows it {word} as build {shown or '-'}, not {build or 'ours'}"
            found[machine.machine_id] = said
    return found


class _After(NamedTuple):
    """The fleet after the rollout, and the procedure's four checks of each machine that was rolled out."""

    validation: Validation
    checks: dict[str, tuple[Check, ...]]

    def ok(self, names: Container[str] | None) -> bool:
        """Return True if all is as expected: of the machines named, or of the whole fleet."""
        rows = [row for row in self.validation.verdicts if names is None or row.machine_id in names]
        return all(row.ok for row in rows) and all(check.ok for found in self.checks.values() for check in found)


def _look(  # noqa: PLR0913 - what a look is made of
    fleet: Fleet,
    where: Source | None,
    chosen: tuple[Machine, ...],
    results: tuple[Result, ...],
    *,
    before: object,
    wait: float,
    second: Second | None,
) -> _After | None:
    """Look until every machine that was rolled out is online and in the view; None where no state is named."""
    if where is None:
        return None
    enrolled = [row.machine_id for row in results if row.ok and row.skipped is None]
    # Why each machine that was not reached just now is silent: better known than what its silence suggests.
    unreached = {
        row.machine_id: reason_of(result_of(machine, row.failure))
        for machine, row in zip(chosen, results, strict=True)
        if row.outcome == UNREACHABLE and row.failure is not None
    }
    checks: dict[str, tuple[Check, ...]] = {}

    def look(second: Second | None = None) -> Validation:
        validation, view = acting.judged(fleet, where, second)
        checks.update((name, judge.enrolment_checks(before, view, name)) for name in enrolled)
        rows = validation.verdicts
        told = (row if row.ok else replace(row, reason=unreached.get(row.machine_id, row.reason)) for row in rows)
        return replace(validation, verdicts=tuple(told))

    def is_there(validation: Validation) -> bool:
        online = {row.machine_id for row in validation.verdicts if row.observed == "online"}
        return online.issuperset(enrolled) and _After(validation, checks).ok(())

    # Where no machine was enrolled there is nothing to wait for: one look.
    validation = looking.wait_for(look, is_there, wait if enrolled else 0, where.poll_s)
    if second is not None and not validation.ok:  # what is waited for is what the share shows
        validation = look(second)
    return _After(validation, checks)


def _tell(results: tuple[Result, ...], chosen: tuple[Machine, ...], *, dry: bool) -> None:
    acting.tell(results, dry=dry)
    bound = {machine.machine_id for machine in chosen if machine.system == "windows"}
    if not dry and any(row.ok and row.skipped is None and row.machine_id in bound for row in results):
        output.write(output.style()["acting.bound"])


def _tell_after(after: _After) -> None:
    style = output.style()
    width = max(map(len, after.checks), default=0)
    lines = [""] if after.checks else []
    for name, checks in after.checks.items():
        plain, shown = show.check_lines(checks, replace(style, color=False)), show.check_lines(checks, style)
        if len("  ".join([name.ljust(width), *plain])) <= (style.width or 10_000):
            lines.append("  ".join([name.ljust(width), *shown]))
        else:
            lines += [f"{'' if at else name:<{width}}  {line}" for at, line in enumerate(shown)]
    output.write("\n".join([*lines, "", show.table(after.validation, style)]))


def _document(results: tuple[Result, ...], after: _After | None, *, ok: bool, dry: bool, lang: str) -> dict[str, Any]:
    def told(one: Check) -> dict[str, Any]:
        return keyed(
            one, "check=name ok", reason=None if one.reason is None else show.sentence(one.reason, Style(lang))
        )

    checks = {} if after is None else {name: list(map(told, found)) for name, found in after.checks.items()}
    rows = [{**acting.document(row, lang), "checks": checks.get(row.machine_id)} for row in results]
    validation = None if after is None else show.validation_document(after.validation, lang)
    return {"ok": ok, "dry": dry, "machines": rows, "validation": validation}
