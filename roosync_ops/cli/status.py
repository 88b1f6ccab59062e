"""`roosync-ops status`: what the shared state holds, judged against nothing."""

from typing import Annotated, Final, Literal

import typer

from roosync_ops import errors, judge, show
from roosync_ops.gather.source import Source, machine_of

from . import looking, options, output

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops status --shared /mnt/share

roosync-ops status --via myia-ai-01 --json

Exit codes: 0 read, 2 usage or inventory, 3 shared state unavailable."""


@app.command(epilog=_EXAMPLES)
def status(  # noqa: PLR0913 - one argument an option
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    via: options.Via = None,
    report: Annotated[Literal["table", "json"], options.FORMAT] = "table",
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    deadline: options.Deadline = None,
    _schema: options.Schema = False,
) -> int:
    """Show every machine in the shared state, expected or not.

    The inventory is needed for --via alone. Each machine is judged by the interval and timeout its own agent states.
    """
    with looking.without_collector():
        state = _source(inventory, shared, via, deadline)()
        survey = judge.observe(state, state.read_at_ms)
        if as_json or report == "json":
            output.write(show.json_text(show.survey_document(survey)))
        else:
            output.write(show.survey_table(survey, lang, output.width(), color=output.wants_color()))
    return errors.OK


def _source(inventory: options.Inventory, shared: str | None, via: str | None, deadline: float | None) -> Source:
    if not via:
        return Source(shared, None, deadline)
    from roosync_ops.fleet import load_inventory  # noqa: PLC0415 - not needed without --via

    return Source(shared, machine_of(load_inventory(inventory), via), deadline)
