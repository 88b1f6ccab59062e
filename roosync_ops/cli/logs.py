"""`roosync-ops logs|ssh`: what the agent of one machine said last, wherever it is kept there; and logging in to it."""

import subprocess
from pathlib import Path
from typing import Annotated, Final

import typer

from roosync_ops import errors, show, typed
from roosync_ops.fleet import Machine, load_inventory
from roosync_ops.gather.asking import about_share
from roosync_ops.remote_script.checks import login
from roosync_ops.remote_script.facts_model import Logs
from roosync_ops.show.text import safe
from roosync_ops.transport.link import Failure

from . import acting, options, output

app = typer.Typer()

#: Beyond the login: journalctl twice, in s.
_LIMIT_S: Final = 40.0


@app.command()
@options.grouped
def logs(
    machine: Annotated[str, options.arg("MACHINE", "logs", autocompletion=options.machine_names)],
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    lines: Annotated[int, options.opt("--lines -n N", min=1, max=1000)] = 100,
    shown: options.Shown,
    connect_timeout: acting.ConnectTimeout = acting.How.connect_timeout,
) -> int:
    """Show what the agent of a machine said last: the journal, the log of what keeps it, and why a build was left."""
    found = _one(inventory, machine)
    told = about_share(found, {"do": "logs", "lines": lines}, _LIMIT_S, connect_timeout, Logs.read)
    if isinstance(told, Failure):
        said, following = f"{found.machine_id}: {told.reason}", typed.ours("diagnose", found.machine_id)
        raise errors.CommandError(told.code, said, following)
    if shown.as_json:
        rows = [{"place": one.place, "lines": one.lines} for one in told.logs]
        output.write(show.json_text({"ok": True, "machineId": found.machine_id, "logs": rows}))
    elif not told.logs:
        output.write(output.spoken(f"{found.machine_id}: its agent has said nothing."))
    for one in () if shown.as_json else told.logs:
        output.write("\n".join([f"== {safe(one.place)}", *map(safe, one.lines)]))
    return errors.OK


@app.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def ssh(
    machine: Annotated[str, options.arg("MACHINE", "ssh", autocompletion=options.machine_names)],
    command: Annotated[list[str] | None, options.arg("COMMAND")] = None,
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
) -> int:
    """Log in to a machine over the same connection as everything else here does, or run one command there."""
    found = _one(inventory, machine)
    words = login(found)
    if not words:
        raise errors.usage(f"{found.machine_id} is reached by WinRM", typed.ours("diagnose", found.machine_id))
    try:
        return subprocess.run([*words, *(command or [])], check=False).returncode  # noqa: S603 - ssh, as the inventory says
    except OSError as error:
        raise errors.usage(f"{words[0]} cannot be run: {error.strerror}", "install the OpenSSH client") from None


def _one(inventory: Path, name: str) -> Machine:
    """Return the one machine of an inventory that is named. Raises FleetError or CommandError."""
    found, *others = load_inventory(inventory).select([name])
    if others:
        raise errors.usage(f"{name!s:.80} is more than one machine", typed.ours("machines", "list"))
    return found
