"""The course of restart, stop and uninstall: act, tell, and see in the shared state that it is so."""

# No `from __future__ import annotations`: typer reads the annotations of the function made here.
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer

from roosync_ops import show
from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.judge import Validation
from roosync_ops.pyinfra_ops.run import Result

from . import acting, errors, options, output, reading

_EXAMPLES: Final = """Examples:

roosync-ops {name} myia-po-2024

roosync-ops {name} --dry

Without names: every machine that is expected online.

Exit codes: 0 done, 1 some machine failed, 2 usage or inventory, 3 shared state unavailable."""


@dataclass(frozen=True)
class Order:
    """What was typed. `wanted`: what a machine is to be seen as; `question`: asked where nobody is named."""

    deploy: str
    question: str | None
    wanted: tuple[str, ...]
    inventory: Path
    machines: list[str] | None
    limit: list[str] | None
    failed: bool
    shared: str | None
    via: str | None
    deadline: float | None
    wait: float
    connect_timeout: int
    dry: bool
    yes: bool
    as_json: bool
    verbose: bool


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
        deadline: options.Deadline = None,
        connect_timeout: acting.ConnectTimeout = acting.DEFAULT_CONNECT_TIMEOUT,
        verbose: acting.Verbose = False,
        schema: options.Schema = False,
    ) -> int:
        if schema:
            return options.print_schema(deploy)
        return carry_out(
            Order(
                deploy=deploy,
                question=question,
                wanted=wanted,
                inventory=inventory,
                machines=machines,
                limit=limit,
                failed=failed,
                shared=shared,
                via=via,
                deadline=deadline,
                wait=wait,
                connect_timeout=connect_timeout,
                dry=dry,
                yes=yes,
                as_json=as_json,
                verbose=verbose,
            )
        )

    return app


def carry_out(order: Order) -> int:
    """Act on the machines, and return the exit code. Raises what `errors.describe` knows."""
    fleet = load_inventory(order.inventory)
    chosen = acting.targets(fleet, order.machines, order.limit, order.inventory if order.failed else None)
    if order.question is not None and not order.dry:
        acting.confirm(
            order.question, chosen, asked_for=order.yes or bool(order.machines or order.limit or order.failed)
        )
    results = acting.act(
        order.deploy,
        chosen,
        dry=order.dry,
        verbose=order.verbose,
        connect_timeout=order.connect_timeout,
    )
    if not order.dry:
        acting.keep_failures(order.inventory, results)
    found, unseen = acting.attempt(lambda: {} if order.dry else _seen(order, fleet, results))
    seen = found or {}
    late = [name for name, word in seen.items() if word not in order.wanted]
    ok = all(row.ok for row in results) and not late and unseen is None
    if order.as_json:
        rows = [{**acting.document(row), "observed": seen.get(row.machine_id)} for row in results]
        output.write(show.json_text({"ok": ok, "dry": order.dry, "machines": rows, **acting.beside(unseen)}))
    else:
        _tell(order, results, seen)
    if unseen is not None:
        return errors.report(unseen, ())
    return errors.OK if ok else errors.NOT_AS_EXPECTED


def _seen(order: Order, fleet: Fleet, results: tuple[Result, ...]) -> dict[str, str]:
    """Return what each machine that was acted on is seen as, once all are as wanted or the wait is over."""
    where = acting.source(fleet, order.shared, order.via, order.deadline)
    names = [row.machine_id for row in results if row.ok and row.skipped is None]
    if where is None or not names:
        return {}

    def wanted(validation: Validation) -> bool:
        words = acting.observed(validation)
        return all(words[name] in order.wanted for name in names)

    validation = reading.watch(lambda: acting.judged(fleet, where)[0], wanted, order.wait, where.poll_s)
    words = acting.observed(validation)
    return {name: words[name] for name in names}


def _tell(order: Order, results: tuple[Result, ...], seen: dict[str, str]) -> None:
    if order.dry:
        output.write("Dry run: every machine was looked at, nothing was changed.\n")
    notes = {name: _note(word, order.wanted) for name, word in seen.items()}
    output.write("\n".join(acting.lines(results, notes)))
    output.write(f"\n{acting.headline(results)}")


def _note(word: str, wanted: tuple[str, ...]) -> str:
    return f"({word})" if word in wanted else f"(still seen as {word})"
