"""`roosync-ops validate`: the validation table."""

from typing import Annotated, Literal

import typer

from roosync_ops import errors, judge, show
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.grace_period import GracePeriod

from . import looking, options, output

app = typer.Typer()


@app.command()
@options.grouped
def validate(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    at: options.HereOrVia,
    limit: options.Limit = None,
    wait: Annotated[
        float, options.opt("--wait SECONDS", "Look again until all is as expected.", min=0, show_default=False)
    ] = 0.0,
    report: Annotated[Literal["table", "json", "markdown", "junit", "openmetrics"], options.FORMAT] = "table",
    shown: options.Shown,
    asked: options.Asked,
    patience: options.Patience = None,
    memory: options.Memory = None,
    _schema: options.Schema = False,
) -> int:
    """Show the validation table: whether every machine of the inventory is what it is expected to be.

    Expected online is met by online alone; expected offline by offline, left and unknown. Machines that are seen but
    not in the inventory are listed apart and never counted. Who is in doubt is asked over SSH whether its agent beats
    (--probe never: by the shared state alone). With --probe every machine is asked as well what its own replica shows
    and what its clock says: a stalled replica, here or there, is then named.
    """
    with looking.without_collector():
        fleet = load_inventory(at.inventory)
        names = [*(machines or []), *options.names_of(limit)]
        chosen = fleet.select(names) if names else None
        grace = GracePeriod(patience, memory, fleet)
        look, poll_s = looking.look_of("validate", fleet, chosen, at, asked, grace)
        validation = looking.watch(lambda: look().validation, lambda found: found.ok, wait, poll_s)
        output.write(_text(validation, "json" if shown.as_json else report, shown.lang))
        _note_patience(validation, grace)
    return errors.OK if validation.ok else errors.NOT_AS_EXPECTED


def _note_patience(validation: judge.Validation, grace: GracePeriod) -> None:
    """Say on stderr how much patience there was, and what of it could not be kept."""
    if validation.patience_ms is not None:
        output.note(f"Judged by beats received, {validation.patience_ms / 1000:g} s beyond each timeout.")
    if grace.trouble is not None:
        output.note(f"What was seen could not be kept: {grace.trouble}")


def _text(validation: judge.Validation, report: str, lang: str) -> str:
    if report == "json":
        return show.json_text(show.validation_document(validation, lang))
    if report == "markdown":
        return show.markdown(validation, lang)
    if report == "junit":
        return show.junit(validation, lang)
    if report == "openmetrics":
        return show.openmetrics(validation)
    return show.table(validation, lang, output.width(), color=output.wants_color())
