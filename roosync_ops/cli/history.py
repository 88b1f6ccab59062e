"""`roosync-ops history`: when each machine was up, and how much of that is known."""

import sys
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from roosync_ops import judge
from roosync_ops.fleet import Fleet, Machine, load_inventory
from roosync_ops.judge.history import Past
from roosync_ops.judge.history import history as history_of
from roosync_ops.judge.verdict import OBSERVER_SUSPECTED
from roosync_ops.show.history import history_json, history_markdown, history_table
from roosync_ops.state import SharedState
from roosync_ops.state.memory import default_folder
from roosync_ops.watch.memory import WatchMemory
from roosync_ops.watch.rows import rows_of

from . import errors, options, output, reading
from .watch import memory_name

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops history --shared /mnt/share

roosync-ops history myia-web1 --days 1 --json

roosync-ops history --format markdown > history.md

Exit codes: 0 read, 2 usage or inventory, 3 shared state unavailable."""
_DAY_MS: Final = 86_400_000
#: A record carries the intervals of seven days.
_MAX_DAYS: Final = 7.0


class Format(StrEnum):
    """What the history is written in."""

    table = "table"
    json = "json"
    markdown = "markdown"


@app.command(epilog=_EXAMPLES)
def history(  # noqa: PLR0913 - one argument an option
    names: Annotated[list[str] | None, typer.Argument(metavar="[MACHINE]...", help="Machines or groups.")] = None,
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    via: options.Via = None,
    days: Annotated[
        float, typer.Option("--days", min=0.01, max=_MAX_DAYS, help="How far to look back (records keep seven days).")
    ] = _MAX_DAYS,
    report: Annotated[Format, typer.Option("--format", "-f", help="How to write the history.")] = Format.table,
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    deadline: options.Deadline = None,
    memory: options.Memory = None,
) -> int:
    """Show when each machine was up, from its own record and from the flips that `roosync-ops watch` told here.

    A time in which a machine did not beat by its own record is off; one of which nothing is known stays unknown, and
    counts neither way.
    """
    fleet = load_inventory(inventory)
    state = reading.Source(shared, reading.machine_of(fleet, via) if via else None, deadline)()
    flips = WatchMemory(memory or default_folder(), memory_name(shared, via)).history()
    chosen = fleet.select(options.names_of(names)) if names else tuple(fleet)
    from_ms = state.read_at_ms - round(days * _DAY_MS)
    pasts = _pasts(fleet, chosen, state, flips, from_ms)
    if as_json or report is Format.json:
        output.write(history_json(pasts, state.shared, from_ms, state.read_at_ms))
    elif report is Format.markdown:
        output.write(history_markdown(pasts, from_ms, state.read_at_ms, lang))
    else:
        width, color = output.width_of(sys.stdout), output.wants_color(sys.stdout)
        output.write(history_table(pasts, lang, width, color=color))
    return errors.OK


def _pasts(
    fleet: Fleet, chosen: tuple[Machine, ...], state: SharedState, flips: list[dict[str, Any]], from_ms: int
) -> list[Past]:
    """Judge the whole fleet, so that a stale observer is known for one, and return the history of the chosen."""
    rows = {row.machine_id: row for row in rows_of(judge.validate(fleet, state, state.read_at_ms), state, fleet)}
    suspect = any(row.doubt == OBSERVER_SUSPECTED for row in rows.values())
    found = []
    for machine in chosen:
        row, piece = rows[machine.machine_id], state.machines.get(machine.machine_id)
        record = None if piece is None else piece.record
        doubt = suspect or row.doubt is not None
        found.append(history_of(machine.machine_id, record, row.status, doubt, flips, from_ms, state.read_at_ms))
    return found
