"""`roosync-ops status`: what the shared state holds, judged against nothing."""

import json
import sys
from enum import StrEnum
from typing import Annotated, Final

import typer

from roosync_ops import judge, show
from roosync_ops.gather.source import Source, machine_of

from . import errors, options, output, reading

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops status --shared /mnt/share

roosync-ops status --via myia-ai-01 --json

Exit codes: 0 read, 2 usage or inventory, 3 shared state unavailable."""


class Format(StrEnum):
    """What the report is written in."""

    table = "table"
    json = "json"


@app.command(epilog=_EXAMPLES)
def status(  # noqa: PLR0913 - one argument an option
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    via: options.Via = None,
    report: Annotated[Format, typer.Option("--format", "-f", help="How to write the report.")] = Format.table,
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    deadline: options.Deadline = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of --json and exit.")] = False,
) -> int:
    """Show every machine the shared state holds, whoever is expected.

    The inventory is needed for --via alone. Each machine is judged by the interval and timeout its own agent states.
    """
    if schema:
        return _print_schema()
    with reading.without_collector():
        state = _source(inventory, shared, via, deadline)()
        survey = judge.observe(state, state.read_at_ms)
        if as_json or report is Format.json:
            output.write(show.survey_json(survey))
        else:
            width, color = output.width_of(sys.stdout), output.wants_color(sys.stdout)
            output.write(show.survey_table(survey, lang, width, color=color))
    return errors.OK


def _source(inventory: options.Inventory, shared: str | None, via: str | None, deadline: float | None) -> Source:
    if not via:
        return Source(shared, None, deadline)
    from roosync_ops.fleet import load_inventory  # noqa: PLC0415 - not needed without --via

    return Source(shared, machine_of(load_inventory(inventory), via), deadline)


def _print_schema() -> int:
    from roosync_ops.show.schema import SURVEY  # noqa: PLC0415 - 30 ms that only this flag needs

    output.write(json.dumps(SURVEY.json_schema(), indent=2))
    return errors.OK
