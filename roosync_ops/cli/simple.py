"""The course of restart, stop and uninstall: act, tell, and see in the shared state that it is so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from roosync_ops import show
from roosync_ops.fleet import load_inventory

from . import acting, errors, output, reading

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.fleet import Fleet
    from roosync_ops.judge import Validation
    from roosync_ops.remote.run import Result


@dataclass(frozen=True)
class Order:
    """What was typed. `wanted` is what a machine is to be seen as afterwards."""

    deploy: str
    question: str | None
    wanted: tuple[str, ...]
    inventory: Path
    machines: list[str] | None
    limit: list[str] | None
    shared: str | None
    via: str | None
    deadline: float | None
    wait: float
    connect_timeout: int
    dry: bool
    yes: bool
    as_json: bool
    verbose: bool


def carry_out(order: Order) -> int:
    """Act on the machines, and return the exit code. Raises what `errors.describe` knows."""
    fleet = load_inventory(order.inventory)
    chosen = acting.targets(fleet, order.machines, order.limit)
    if order.question is not None and not order.dry:
        acting.confirm(order.question, chosen, asked_for=order.yes or bool(order.machines or order.limit))
    results = acting.act(
        order.deploy,
        order.inventory,
        chosen,
        dry=order.dry,
        verbose=order.verbose,
        connect_timeout=order.connect_timeout,
    )
    seen = {} if order.dry else _seen(order, fleet, results)
    late = [name for name, word in seen.items() if word not in order.wanted]
    ok = all(row.ok for row in results) and not late
    if order.as_json:
        rows = [{**acting.document(row), "observed": seen.get(row.machine_id)} for row in results]
        output.write(show.error_free_json({"ok": ok, "dry": order.dry, "machines": rows}))
    else:
        _tell(order, results, seen)
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
