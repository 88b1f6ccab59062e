"""`roosync-ops matrix`: who sees whom."""

from typing import Annotated, Literal

import typer

from roosync_ops import errors, judge, show
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.limits import PROBE_CONNECT_S, PROBE_TIMEOUT_S, Limits
from roosync_ops.gather.validation import who_sees_whom

from . import options, output

app = typer.Typer()


@app.command()
@options.grouped
def matrix(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    at: options.Here,
    limit: options.Limit = None,
    timeout: options.ProbeTimeout = PROBE_TIMEOUT_S,
    connect_timeout: options.ProbeConnectTimeout = PROBE_CONNECT_S,
    report: Annotated[Literal["table", "json", "markdown"], options.FORMAT] = "table",
    shown: options.Shown,
    _schema: options.Schema = False,
) -> int:
    """Show who sees whom: ask every machine what its own replica shows, one round trip each, all at once.

    A stale row is a stale replica, a stale column a machine whose beats are not uploaded; the diagonal is what each
    agent reports about itself. With --shared, or ROOSYNC_SHARED_PATH, this computer's replica is a row as well.
    """
    fleet = load_inventory(at.inventory)
    names = [*(machines or []), *options.names_of(limit)]
    chosen = fleet.select(names) if names else tuple(fleet)
    with output.Progress() as progress:
        result = who_sees_whom(chosen, at.shared, Limits(timeout, connect_timeout, at.deadline), progress.show)
    output.write(_text(result, "json" if shown.as_json else report, shown.lang))
    return errors.OK if result.ok else errors.NOT_AS_EXPECTED


def _text(result: judge.Matrix, report: str, lang: str) -> str:
    if report == "json":
        return show.json_text(show.matrix_document(result, lang))
    if report == "markdown":
        return show.matrix_markdown(result, lang)
    return show.matrix_table(result, lang, output.width(), color=output.wants_color())
