"""`roosync-ops history`: when each machine was up, and how much of that is known."""

from typing import Annotated, Final, Literal

import typer

from roosync_ops import errors, show
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.past import flips_told, pasts
from roosync_ops.show.history import history_document, history_markdown, history_table
from roosync_ops.show.text import Style

from . import looking, options, output

app = typer.Typer()

_DAY_MS: Final = 86_400_000
#: A record carries the intervals of seven days.
_MAX_DAYS: Final = 7.0


@app.command()
@options.grouped
def history(  # noqa: PLR0913 - one argument an option
    names: options.Machines = None,
    *,
    at: options.HereOrVia,
    days: Annotated[float, options.opt("--days N", "history", min=0.01, max=_MAX_DAYS)] = _MAX_DAYS,
    report: Annotated[Literal["table", "json", "markdown"], options.FORMAT] = "table",
    shown: options.Shown,
    memory: options.Memory = None,
) -> int:
    """Show when each machine was up, from its own record and from the flips that `roosync-ops watch` told here.

    A time in which a machine did not beat by its own record is off; unknown time is excluded from
    the uptime.
    """
    fleet = load_inventory(at.inventory)
    state = looking.source_of(at, fleet)()
    flips = flips_told(memory, at.shared, at.via)
    chosen = fleet.select(options.names_of(names)) if names else tuple(fleet)
    from_ms = state.read_at_ms - round(days * _DAY_MS)
    found = pasts(fleet, chosen, state, flips, from_ms)
    if shown.as_json or report == "json":
        output.write(show.json_text(history_document(found, state.shared, from_ms, state.read_at_ms)))
    elif report == "markdown":
        output.write(history_markdown(found, from_ms, state.read_at_ms, Style(shown.lang)))
    else:
        output.write(history_table(found, output.style()))
    return errors.OK
