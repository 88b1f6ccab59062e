"""`roosync-ops validate|matrix|status`: what is seen of the fleet now, as a table and in every other form."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from roosync_ops import errors, judge, show
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.limits import PROBE_CONNECT_S, PROBE_TIMEOUT_S, Limits
from roosync_ops.gather.source import here
from roosync_ops.gather.validation import GracePeriod, who_sees_whom
from roosync_ops.show.text import Style
from roosync_ops.state import StateUnavailableError

from . import looking, options, output

app = typer.Typer()
_Form = Callable[[Any, Style], str]


@app.command()
@options.grouped
def validate(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    at: options.HereOrVia,
    limit: options.Limit = None,
    wait: Annotated[float, options.opt("--wait SECONDS", "validate", min=0, show_default=False)] = 0.0,
    report: Annotated[Literal["table", "json", "markdown", "junit", "openmetrics"], options.FORMAT] = "table",
    shown: options.Shown,
    asked: options.Asked,
    patience: options.Patience = None,
    memory: options.Memory = None,
    _schema: options.Schema = False,
) -> int:
    """Show the validation table: whether every machine of the inventory is what it is expected to be.

    Expected online is met by online alone; expected offline by offline, left and unknown. Machines that are seen but
    not in the inventory are listed apart and never counted. A machine in doubt is asked over SSH whether its agent
    beats (--probe never: by the shared state alone). With --probe every machine is asked as well what its own replica
    shows and what its clock says: a stalled replica, here or there, is then named.
    """
    fleet = load_inventory(at.inventory)
    chosen = fleet.select(names) if (names := options.names_of(limit, machines)) else None
    grace = GracePeriod(patience, memory, fleet)
    look, poll_s = looking.look_of("validate", fleet, chosen, at, asked, grace)
    seen = looking.wait_for(lambda: look().validation, lambda found: found.ok, wait, poll_s)
    forms = {
        "markdown": show.markdown,
        "junit": show.junit,
        "openmetrics": lambda found, _: show.openmetrics(found),
    }
    _write(seen, report, shown, show.table, show.validation_document, **forms)
    if seen.patience_ms is not None:
        output.note(f"Judged by beats received, {seen.patience_ms / 1000:g} s beyond each timeout.")
    if grace.trouble is not None:
        output.note(f"What was seen could not be kept: {grace.trouble}")
    return errors.OK if seen.ok else errors.NOT_AS_EXPECTED


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
    chosen = fleet.select(names) if (names := options.names_of(limit, machines)) else tuple(fleet)
    with output.Progress() as progress:
        found = who_sees_whom(chosen, here(at.shared, at.deadline), Limits(timeout, connect_timeout), progress.show)
    _write(found, report, shown, show.matrix_table, show.matrix_document, markdown=show.matrix_markdown)
    return errors.OK if found.ok else errors.NOT_AS_EXPECTED


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
    try:
        state = looking.source_of(at)()
    except StateUnavailableError as error:  # what asks the machines would ask for an inventory
        error.hint = error.hint if at.inventory.is_file() else "roosync-ops status --help"
        raise
    survey = judge.observe(state, state.read_at_ms)
    _write(survey, report, shown, show.survey_table, lambda found, _: show.survey_document(found))
    return errors.OK


def _write(
    found: Any, report: str, shown: options.Shown, table: _Form, document: Callable[[Any, str], Any], **forms: _Form
) -> None:
    if shown.as_json or report == "json":
        output.write(show.json_text(document(found, shown.lang)))
    elif report == "table":
        output.write(table(found, output.style()))
    else:
        output.write(forms[report](found, Style(shown.lang)))
