"""`roosync-ops diagnose`: the cause of a machine's trouble, and the one command that mends it."""

import time
from typing import Annotated, Final

import typer

from roosync_ops import errors, show
from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.gather.diagnosis import diagnoses
from roosync_ops.gather.limits import Limits
from roosync_ops.gather.tidy import TidyError, rebuild_view, sweep, tend
from roosync_ops.judge.diagnose_causes import CAUSES, REBUILD_VIEW, RESTART, SWEEP
from roosync_ops.judge.diagnose_model import Diagnoses, Diagnosis
from roosync_ops.show.diagnosis import Fix, diagnoses_document, diagnoses_table
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S
from roosync_ops.wire.times import now_ms

from . import acting, options, output

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops diagnose

roosync-ops diagnose myia-po-2024 --shared /mnt/share

roosync-ops diagnose --fix --dry

Exit codes: 0 as expected, 1 some machine is not, 2 usage or inventory."""
#: A machine on the LAN takes its connection within ms; one that is off says nothing at all.
_CONNECT_S: Final = 1.2
_TIMEOUT_S: Final = 15.0

Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.5, help="How long one machine may take in all.")
]
ConnectTimeout = Annotated[
    float, typer.Option("--connect-timeout", metavar="SECONDS", min=0.1, help="How long its connection may take.")
]
FixOption = Annotated[
    bool,
    typer.Option("--fix", help="Do what is safe: restart loops that do not beat, rebuild the view, sweep our litter."),
]


@app.command(epilog=_EXAMPLES)
def diagnose(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    limit: options.Limit = None,
    fix: FixOption = False,
    dry: Annotated[
        bool, typer.Option("--dry", "--dry-run", "--check", help="With --fix: show what would be done, do nothing.")
    ] = False,
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    timeout: Timeout = _TIMEOUT_S,
    connect_timeout: ConnectTimeout = _CONNECT_S,
    deadline: options.Deadline = None,
    _schema: options.Schema = False,
) -> int:
    """Diagnose machines: ordered checks, one cause, and the one command that mends it.

    Without names: all machines; those that are not as expected are shown. Nothing is changed without --fix.
    """
    if dry and not fix:
        said = "--dry goes with --fix: without it nothing is ever changed"
        raise errors.usage(said, "roosync-ops diagnose --fix --dry")
    fleet = load_inventory(inventory)
    names = [*(machines or []), *options.names_of(limit)]
    limits = Limits(timeout, connect_timeout, deadline)
    found = _look(fleet, names, shared, limits)
    fixes: list[Fix] = []
    if fix:
        fixes = _fix(found, fleet, shared, deadline or DEFAULT_DEADLINE_S, dry=dry)
        fixes += _tend(found.here, fleet, connect_timeout, dry=dry)
        if any(one.done for one in fixes):
            found = _look(fleet, names, shared, limits)
    _tell(found, fixes, lang, as_json=as_json, dry=dry, everything=bool(names))
    return errors.OK if found.ok else errors.NOT_AS_EXPECTED


def _look(fleet: Fleet, names: list[str], shared: str | None, limits: Limits) -> Diagnoses:
    with output.Progress() as progress:
        return diagnoses(fleet, names, shared, limits, lambda text: progress.show(f"diagnose: {text}"))


def _fix(found: Diagnoses, fleet: Fleet, shared: str | None, deadline_s: float, *, dry: bool) -> list[Fix]:
    """Do the safe things, and nothing else; return what was done, or with `dry` would be."""
    names = [row.machine_id for row in found.machines if _may_restart(row) and row.machine_id is not None]
    fixes = [Fix(RESTART, name, done=False) for name in names] if dry else _restart(fleet, names)
    here = _safe_here(found.here) if shared else set()
    if REBUILD_VIEW in here:
        fixes.append(_rebuild(shared, deadline_s, dry=dry))
    if SWEEP in here:
        fixes.append(_sweep(shared, deadline_s, found.here, dry=dry))
    return fixes


def _may_restart(row: Diagnosis) -> bool:
    """A machine that is expected off is not brought back by a tool that mends."""
    return row.fix == RESTART and row.expected == "online"


def _safe_here(row: Diagnosis) -> set[str]:
    """Return what may be done about the share: a replica that is stale or not there is no ground to act on."""
    causes = [CAUSES[check.cause] for check in row.checks if check.cause]
    return set() if row.grave else {cause.fix for cause in causes if cause.fix is not None}


def _restart(fleet: Fleet, names: list[str]) -> list[Fix]:
    if not names:
        return []
    chosen = fleet.select(names)
    timeout = acting.DEFAULT_CONNECT_TIMEOUT
    results = acting.act("restart", chosen, dry=False, verbose=False, connect_timeout=timeout)
    return [
        Fix(RESTART, row.machine_id, row.ok, problem=None if row.failure is None else row.failure.sentence())
        for row in results
    ]


def _rebuild(shared: str | None, deadline_s: float, *, dry: bool) -> Fix:
    if not shared:
        return Fix(REBUILD_VIEW, None, done=False, problem="no shared state is named: --shared DIR")
    if dry:
        return Fix(REBUILD_VIEW, None, done=False)
    try:
        rebuild_view(shared, now_ms(), deadline_s)
    except TidyError as error:
        return Fix(REBUILD_VIEW, None, done=False, problem=str(error))
    return Fix(REBUILD_VIEW, None, done=True)


def _sweep(shared: str | None, deadline_s: float, row: Diagnosis, *, dry: bool) -> Fix:
    files = next(check.facts["all"] for check in row.checks if check.cause == "orphan-temporary-files")
    if dry or not shared:
        return Fix(SWEEP, None, done=False, files=files)
    try:
        return Fix(SWEEP, None, done=True, files=sweep(shared, time.time(), deadline_s))
    except TidyError as error:
        return Fix(SWEEP, None, done=False, files=files, problem=str(error))


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


def _tell(  # noqa: PLR0913 - what to show, and how
    found: Diagnoses, fixes: list[Fix], lang: str, *, as_json: bool, dry: bool, everything: bool
) -> None:
    if as_json:
        output.write(show.json_text(diagnoses_document(found, fixes, lang, dry=dry)))
        return
    output.write(diagnoses_table(found, fixes, lang, output.width(), color=output.wants_color(), everything=everything))
