"""`roosync-ops restart|rollback|stop|uninstall`: act, tell, and see in the shared state that it is so."""

from typing import Annotated, Final

import typer

from roosync_ops import errors, show, typed
from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.gather.source import Source
from roosync_ops.judge import Validation
from roosync_ops.pyinfra_ops.run import Result

from . import acting, failures, looking, options, output
from .journal import RunJournal, RunLog

#: What a machine is to be seen as afterwards, and what is asked before acting on unnamed machines.
_COMMANDS: Final[dict[str, tuple[tuple[str, ...], str | None]]] = {
    "restart": (("online",), None),
    "rollback": (("online",), "Return to the build before on {count} machine{s} ({names})?"),
    "stop": (("left", "unknown"), "Stop the agent on {count} machine{s} ({names})?"),
    "uninstall": (("left", "offline", "unknown"), "Take the agent off {count} machine{s} ({names})?"),
}


@options.grouped
def _command(  # noqa: PLR0913 - one argument an option
    context: typer.Context,
    machines: options.Machines = None,
    *,
    at: options.HereOrVia,
    limit: options.Limit = None,
    how: acting.How,
    yes: Annotated[bool, options.opt("--yes -y")] = False,
    shown: options.Shown,
    _schema: options.Schema = False,
) -> int:
    deploy = str(context.info_name)
    wanted, question = _COMMANDS[deploy]
    fleet = load_inventory(at.inventory)
    chosen = acting.targets(fleet, machines, limit, at.inventory if how.failed else None)
    if question is not None and not how.dry:
        acting.confirm(question, chosen, asked_for=yes or bool(machines or limit or how.failed))
    where = None if how.dry or not (at.shared or at.via) else looking.source_of(at, fleet)
    log = RunLog(deploy, chosen, wanted=not how.dry)
    results = acting.Run(how=how, log=log).act(deploy, chosen)
    if not how.dry:
        RunJournal(at.inventory).ended(results)
    found, unseen = acting.attempt(lambda: _seen(fleet, where, results, wanted, how.wait))
    seen = found or {}
    ok = all(row.ok for row in results) and unseen is None and all(word in wanted for word in seen.values())
    if shown.as_json:
        rows = [{**acting.document(row, shown.lang), "observed": seen.get(row.machine_id)} for row in results]
        output.write(show.json_text({"ok": ok, "dry": how.dry, "machines": rows, **acting.beside(unseen)}))
    else:
        still = output.style()["acting.still"]
        notes = {name: f"({word if word in wanted else still.format(word=word)})" for name, word in seen.items()}
        acting.tell(results, notes, dry=how.dry)
    acting.note_log(log)
    if still_seen := [name for name, word in seen.items() if word not in wanted]:
        output.note(f"Next:  {typed.ours('diagnose', *still_seen)}")
    if unseen is not None:
        return failures.report(unseen, ())
    return errors.OK if ok else errors.NOT_AS_EXPECTED


app = typer.Typer()
for _name in _COMMANDS:
    app.command(_name, help=options.text_of(_name)[0])(_command)


def _seen(
    fleet: Fleet, where: Source | None, results: tuple[Result, ...], wanted: tuple[str, ...], wait: float
) -> dict[str, str]:
    """Return what each machine that was acted on is seen as, once all are as wanted or the wait is over."""
    names = [row.machine_id for row in results if row.ok and row.skipped is None]
    if where is None or not names:
        return {}

    def observed(validation: Validation) -> dict[str, str]:
        return {row.machine_id: row.observed for row in validation.verdicts if row.machine_id in names}

    def is_there(validation: Validation) -> bool:
        return all(word in wanted for word in observed(validation).values())

    return observed(looking.wait_for(lambda: acting.judged(fleet, where)[0], is_there, wait, where.poll_s))
