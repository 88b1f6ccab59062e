"""`roosync-ops matrix`: who sees whom."""

import json
import sys
from enum import StrEnum
from typing import Annotated, Final

import typer

from roosync_ops import judge, show
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.limits import PROBE_CONNECT_S, PROBE_TIMEOUT_S, Limits
from roosync_ops.gather.validation import who_sees_whom

from . import errors, options, output

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops matrix

roosync-ops matrix myia-ai-01 myia-web1 --shared /mnt/share

roosync-ops matrix --format markdown > who-sees-whom.md

Exit codes: 0 nothing stands still, 1 something is to be looked at, 2 usage or inventory, 3 nobody could be asked."""


class Format(StrEnum):
    """What the report is written in."""

    table = "table"
    json = "json"
    markdown = "markdown"


@app.command(epilog=_EXAMPLES)
def matrix(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    limit: options.Limit = None,
    timeout: options.ProbeTimeout = PROBE_TIMEOUT_S,
    connect_timeout: options.ProbeConnectTimeout = PROBE_CONNECT_S,
    report: Annotated[Format, typer.Option("--format", "-f", help="How to write the report.")] = Format.table,
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    deadline: options.Deadline = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of --json and exit.")] = False,
) -> int:
    """Show who sees whom: ask every machine what its own replica shows, one round trip each, all at once.

    A stale row is a stale replica, a stale column a machine whose beats do not leave it, and the diagonal is each
    machine's own word. With --shared, or ROOSYNC_SHARED_PATH, this computer's replica is a row as well.
    """
    if schema:
        return _print_schema()
    fleet = load_inventory(inventory)
    names = [*(machines or []), *options.names_of(limit)]
    chosen = fleet.select(names) if names else tuple(fleet)
    with output.Progress() as progress:
        result = who_sees_whom(chosen, shared, Limits(timeout, connect_timeout, deadline), progress.show)
    output.write(_text(result, Format.json if as_json else report, lang))
    return errors.OK if result.ok else errors.NOT_AS_EXPECTED


def _text(result: judge.Matrix, report: Format, lang: str) -> str:
    if report is Format.json:
        return show.matrix_json(result, lang)
    if report is Format.markdown:
        return show.matrix_markdown(result, lang)
    return show.matrix_table(result, lang, output.width_of(sys.stdout), color=output.wants_color(sys.stdout))


def _print_schema() -> int:
    from roosync_ops.show.schema import MATRIX  # noqa: PLC0415 - 30 ms that only this flag needs

    output.write(json.dumps(MATRIX.json_schema(), indent=2))
    return errors.OK
