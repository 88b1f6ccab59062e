"""`roosync-ops ssh`: log in to a machine as the inventory says, with the system's own SSH client."""

import subprocess
from typing import Annotated

import typer

from roosync_ops import errors, typed
from roosync_ops.remote_script.checks import login

from . import options

app = typer.Typer()


@app.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def ssh(
    machine: Annotated[str, options.arg("MACHINE", "Where to log in.", autocompletion=options.machine_names)],
    command: Annotated[list[str] | None, options.arg("COMMAND", "What to run there; else a shell.")] = None,
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
) -> int:
    """Log in to a machine over the same connection as everything else here does, or run one command there."""
    found = options.one(inventory, machine)
    words = login(found)
    if not words:
        raise errors.usage(f"{found.machine_id} is reached by WinRM", typed.ours("diagnose", found.machine_id))
    try:
        return subprocess.run([*words, *(command or [])], check=False).returncode  # noqa: S603 - ssh, as the inventory says
    except OSError as error:
        raise errors.usage(f"{words[0]} cannot be run: {error.strerror}", "install the OpenSSH client") from None
