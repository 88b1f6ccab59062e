"""`roosync-ops diagnose`: the cause of a machine's trouble, and the one command that mends it."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Final

import typer

from roosync_ops import errors, show
from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.gather.diagnosis import TidyError, diagnoses, tend, tidied
from roosync_ops.gather.limits import PROBE_TIMEOUT_S, Limits
from roosync_ops.judge.diagnose_causes import CAUSES, REBUILD_VIEW, RESTART, SWEEP
from roosync_ops.judge.diagnose_model import Diagnoses, Diagnosis
from roosync_ops.remote_script import on_tidy
from roosync_ops.show.diagnosis import Fix, diagnoses_document, diagnoses_table
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S
from roosync_ops.wire.times import now_ms

from . import acting, options, output
from .journal import RunLog

app = typer.Typer()

#: A machine on the LAN takes its connection within ms; one that is off says nothing at all.
_CONNECT_S: Final = 1.2


@app.command()
@options.grouped
def diagnose(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    at: options.Here,
    limit: options.Limit = None,
    fix: Annotated[bool, options.opt("--fix")] = False,
    dry: Annotated[bool, options.opt("--dry --dry-run --check", "diagnose")] = False,
    shown: options.Shown,
    timeout: options.ProbeTimeout = PROBE_TIMEOUT_S,
    connect_timeout: options.ProbeConnectTimeout = _CONNECT_S,
    _schema: options.Schema = False,
) -> int:
    """Diagnose machines: ordered checks, one cause, and the one command that mends it.

    Without names: all machines; those that are not as expected are shown. Nothing is changed without --fix.
    """
    if dry and not fix:
        said = "--dry goes with --fix: without it nothing is ever changed"
        raise errors.usage(said, "roosync-ops diagnose --fix --dry")
    fleet = load_inventory(at.inventory)
    names = options.names_of(limit, machines)
    limits = Limits(timeout, connect_timeout, at.deadline)
    found = _look(fleet, names, at.shared, limits)
    fixes: list[Fix] = []
    if fix:
        fixes = _fix(found, fleet, at, dry=dry)
        fixes += _tend(found.here, fleet, connect_timeout, dry=dry)
        if any(one.done for one in fixes):
            found = _look(fleet, names, at.shared, limits)
    document = diagnoses_document(found, fixes, shown.lang, dry=dry)
    table = diagnoses_table(found, fixes, output.style(), everything=bool(names))
    output.write(show.json_text(document) if shown.as_json else table)
    return errors.OK if found.ok else errors.NOT_AS_EXPECTED


def _look(fleet: Fleet, names: list[str], shared: str | None, limits: Limits) -> Diagnoses:
    with output.Progress() as progress:
        return diagnoses(fleet, names, shared, limits, lambda text: progress.show(f"diagnose: {text}"))


def _fix(found: Diagnoses, fleet: Fleet, at: options.Here, *, dry: bool) -> list[Fix]:
    """Do the safe things, and nothing else; return what was done, or with `dry` would be."""
    shared, deadline_s = at.shared, at.deadline or DEFAULT_DEADLINE_S
    # A machine that is expected off is not brought back by a tool that mends.
    to_restart = [row for row in found.machines if row.fix == RESTART and row.expected == "online"]
    names = [row.machine_id for row in to_restart if row.machine_id is not None]
    fixes = [Fix(RESTART, name, done=False) for name in names]
    if names and not dry:
        machines = fleet.select(names)
        results = acting.Run(how=acting.How(), log=RunLog("restart", machines, wanted=False)).act("restart", machines)
        fixes = [
            Fix(RESTART, row.machine_id, row.ok, problem=None if row.failure is None else row.failure.sentence())
            for row in results
        ]
    # A replica that is stale or not there is no ground to act on.
    causes = [] if found.here.grave else [CAUSES[check.cause] for check in found.here.checks if check.cause]
    here = {cause.fix for cause in causes}
    if shared and REBUILD_VIEW in here:
        fix = Fix(REBUILD_VIEW, None, not dry)
        fixes.append(_done(fix, lambda: tidied(on_tidy.rebuilt, shared, now_ms(), deadline_s)))
    if shared and SWEEP in here:
        files = next(check.facts["all"] for check in found.here.checks if check.cause == "orphan-temporary-files")
        fix = Fix(SWEEP, None, not dry, files)
        fixes.append(_done(fix, lambda: tidied(on_tidy.swept, shared, time.time(), deadline_s)))
    return fixes


def _done(fix: Fix, do: Callable[[], object]) -> Fix:
    """Return what came of a fix that is to be done."""
    try:
        gone = do() if fix.done else None
    except TidyError as error:
        return replace(fix, done=False, problem=str(error))
    return replace(fix, files=gone) if isinstance(gone, tuple) else fix


def _tend(row: Diagnosis, fleet: Fleet, connect_timeout_s: float, *, dry: bool) -> list[Fix]:
    """Where this computer has no replica: do what is safe about the share in that of a machine."""
    views = [check for check in row.checks if check.name == "view" and "via" in check.facts]
    machine = fleet.get(views[0].facts["via"]) if views else None
    if machine is None:
        return []
    cause = views[0].cause
    rebuild = cause is not None and CAUSES[cause].fix == REBUILD_VIEW
    about = machine.machine_id
    try:
        found = tend(machine, rebuild=rebuild, dry=dry, connect_timeout_s=connect_timeout_s)
    except TidyError as error:
        return [Fix(REBUILD_VIEW if rebuild else SWEEP, about, done=False, problem=str(error))]
    fixes = [Fix(REBUILD_VIEW, about, done=not dry)] if rebuild else []
    return [*fixes, Fix(SWEEP, about, done=not dry, files=tuple(found.files))] if found.files else fixes
