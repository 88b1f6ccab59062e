"""`roosync-ops status`: what the shared state holds, judged against nothing."""

from typing import Annotated, Literal

import typer

from roosync_ops import errors, judge, show

from . import looking, options, output

app = typer.Typer()


@app.command()
@options.grouped
def status(
    *,
    at: options.HereOrVia,
    report: Annotated[Literal["table", "json"], options.FORMAT] = "table",
    shown: options.Shown,
    _schema: options.Schema = False,
) -> int:
    """Show every machine in the shared state, expected or not.

    The inventory is needed for --via alone. Each machine is judged by the interval and timeout its own agent states.
    """
    with looking.without_collector():
        state = looking.source_of(at)()
        survey = judge.observe(state, state.read_at_ms)
        if shown.as_json or report == "json":
            output.write(show.json_text(show.survey_document(survey)))
        else:
            output.write(show.survey_table(survey, shown.lang, output.width(), color=output.wants_color()))
    return errors.OK
