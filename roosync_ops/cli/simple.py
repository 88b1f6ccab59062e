"""The course of restart, stop and uninstall: act, tell, and see in the shared state that it is so."""

# No `from __future__ import annotations`: typer reads the annotations of the function made here.
from typing import Final

import typer

from roosync_ops import errors, show
from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.gather.source import Source
from roosync_ops.judge import Validation
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.show.messages import words

from . import acting, failures, options, output, reading
from .run_log import RunLog

_EXAMPLES: Final = """Examples:

roosync-ops {name} myia-po-2024

roosync-ops {name} --dry

Without names: every machine that is expected online.

Exit codes: 0 done, 1 some machine failed, 2 usage or inventory, 3 shared state unavailable."""


def command(deploy: str, text: str, wanted: tuple[str, ...], question: str | None = None) -> typer.Typer:
    """Return the command that runs deploys/<deploy>.py; `text` is its help."""
    app = typer.Typer()

    @app.command(name=deploy, help=text, epilog=_EXAMPLES.format(name=deploy))
    def _command(  # noqa: PLR0913 - one argument an option
        machines: options.Machines = None,
        *,
        inventory: options.Inventory = options.DEFAULT_INVENTORY,
        shared: options.Shared = None,
        via: options.Via = None,
        limit: options.Limit = None,
        failed: acting.Again = False,
        dry: acting.Dry = False,
        yes: acting.Yes = False,
        wait: acting.Wait = acting.WAIT_S,
        as_json: options.Json = False,
        lang: options.Language = options.Lang.en,
        deadline: options.Deadline = None,
        connect_timeout: acting.ConnectTimeout = acting.DEFAULT_CONNECT_TIMEOUT,
        parallel: acting.Parallel = None,
        verbose: acting.Verbose = False,
        schema: options.Schema = False,
    ) -> int:
        if schema:
            return options.print_schema(deploy)
        fleet = load_inventory(inventory)
        chosen = acting.targets(fleet, machines, limit, inventory if failed else None)
        if question is not None and not dry:
            acting.confirm(question, chosen, asked_for=yes or bool(machines or limit or failed))
        where = None if dry else acting.source(fleet, shared, via, deadline)
        log = RunLog(deploy, chosen, wanted=not dry)
        results = acting.act(
            deploy, chosen, dry=dry, verbose=verbose, connect_timeout=connect_timeout, parallel=parallel, log=log
        )
        if not dry:
            acting.keep_failures(inventory, results)
        found, unseen = acting.attempt(lambda: _seen(fleet, where, results, wanted, wait))
        seen = found or {}
        ok = all(row.ok for row in results) and unseen is None and all(word in wanted for word in seen.values())
        if as_json:
            rows = [{**acting.document(row), "observed": seen.get(row.machine_id)} for row in results]
            output.write(show.json_text({"ok": ok, "dry": dry, "machines": rows, **acting.beside(unseen)}))
        else:
            notes = {name: _note(word, wanted, lang) for name, word in seen.items()}
            acting.tell(results, notes, dry=dry, lang=lang)
        acting.note_log(log, lang)
        if unseen is not None:
            return failures.report(unseen, ())
        return errors.OK if ok else errors.NOT_AS_EXPECTED

    return app


def _seen(
    fleet: Fleet, where: Source | None, results: tuple[Result, ...], wanted: tuple[str, ...], wait: float
) -> dict[str, str]:
    """Return what each machine that was acted on is seen as, once all are as wanted or the wait is over."""
    names = [row.machine_id for row in results if row.ok and row.skipped is None]
    if where is None or not names:
        return {}

    def is_there(validation: Validation) -> bool:
        words = acting.observed(validation)
        return all(words[name] in wanted for name in names)

    validation = reading.watch(lambda: acting.judged(fleet, where)[0], is_there, wait, where.poll_s)
    words = acting.observed(validation)
    return {name: words[name] for name in names}


def _note(word: str, wanted: tuple[str, ...], lang: str) -> str:
    return f"({word})" if word in wanted else f"({words(lang)['acting.still'].format(word=word)})"
