"""`roosync-ops logs`: what the agent of a machine said last, wherever it is kept there."""

from typing import Annotated, Final

import typer

from roosync_ops import errors, show, typed
from roosync_ops.gather.asking import about_share
from roosync_ops.remote_script.facts_model import parse_logs
from roosync_ops.show.messages import translated
from roosync_ops.show.text import safe
from roosync_ops.transport.link import Failure

from . import acting, options, output

app = typer.Typer()

#: Beyond the login: journalctl twice, in s.
_LIMIT_S: Final = 40.0


@app.command()
def logs(  # noqa: PLR0913 - one argument an option
    machine: Annotated[str, options.arg("MACHINE", "Whose agent.", autocompletion=options.machine_names)],
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    lines: Annotated[int, options.opt("--lines -n N", "So many of each place.", min=1, max=1000)] = 100,
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    connect_timeout: acting.ConnectTimeout = acting.DEFAULT_CONNECT_TIMEOUT,
) -> int:
    """Show what the agent of a machine said last: the journal, the log of what keeps it, and why a build was left."""
    found = options.one(inventory, machine)
    told = about_share(found, {"do": "logs", "lines": lines}, _LIMIT_S, connect_timeout, parse_logs)
    if isinstance(told, Failure):
        raise errors.CommandError(
            told.code, f"{found.machine_id}: {told.reason}", typed.ours("diagnose", found.machine_id), 1
        )
    if as_json:
        rows = [{"place": one.place, "lines": one.lines} for one in told.logs]
        output.write(show.json_text({"ok": True, "machineId": found.machine_id, "logs": rows}))
    elif not told.logs:
        output.write(translated(f"{found.machine_id}: its agent has said nothing.", lang))
    for one in () if as_json else told.logs:
        output.write("\n".join([f"== {safe(one.place)}", *map(safe, one.lines)]))
    return errors.OK
