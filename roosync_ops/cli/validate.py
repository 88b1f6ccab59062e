"""`roosync-ops validate`: the validation table."""

import json
import sys
from enum import StrEnum
from typing import Annotated, Final

import typer

from roosync_ops import judge, show
from roosync_ops.fleet import load_inventory

from . import errors, options, output, reading

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops validate --shared /mnt/share

roosync-ops validate --via myia-ai-01 --wait 60

roosync-ops validate --format markdown --lang fr > table.md

Exit codes: 0 as expected, 1 some machine is not, 2 usage or inventory, 3 shared state unavailable."""


class Format(StrEnum):
    """What the report is written in."""

    table = "table"
    json = "json"
    markdown = "markdown"
    junit = "junit"


@app.command(epilog=_EXAMPLES)
def validate(  # noqa: PLR0913 - one argument an option
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    via: options.Via = None,
    limit: options.Limit = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", min=0, show_default=False, help="Look again until all is as expected."
        ),
    ] = 0.0,
    report: Annotated[Format, typer.Option("--format", "-f", help="How to write the report.")] = Format.table,
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    deadline: options.Deadline = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of --json and exit.")] = False,
) -> int:
    """Show the validation table: whether every machine of the inventory is what it is expected to be.

    Expected online is met by online alone; expected offline by offline, left and unknown. Machines that are seen but
    not in the inventory are listed apart and never counted.
    """
    if schema:
        return _print_schema()
    with reading.without_collector():
        fleet = load_inventory(inventory)
        source = reading.Source(shared, reading.machine_of(fleet, via) if via else None, deadline)
        names = options.names_of(limit)
        chosen = fleet.select(names) if names else None

        def check() -> judge.Validation:
            state = source()
            return judge.validate(fleet, state, state.read_at_ms, chosen)

        validation = reading.watch(check, lambda seen: seen.ok, wait, source.poll_s)
        report = Format.json if as_json else report
        output.write(_text(validation, report, lang))
        options.note_flags(inventory, shared, via, needed=report is Format.table and not validation.ok)
    return errors.OK if validation.ok else errors.NOT_AS_EXPECTED


def _text(validation: judge.Validation, report: Format, lang: str) -> str:
    if report is Format.json:
        return show.to_json(validation, lang)
    if report is Format.markdown:
        return show.markdown(validation, lang)
    if report is Format.junit:
        return show.junit(validation, lang)
    return show.table(validation, lang, output.width_of(sys.stdout), color=output.wants_color(sys.stdout))


def _print_schema() -> int:
    from roosync_ops.show.schema import VALIDATION  # noqa: PLC0415 - 30 ms that only this flag needs

    output.write(json.dumps(VALIDATION.json_schema(), indent=2))
    return errors.OK
