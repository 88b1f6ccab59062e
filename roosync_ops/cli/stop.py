"""`roosync-ops stop`: the agent ends, and its record says that it left."""

from typing import Final

import typer

from . import acting, options
from .simple import Order, carry_out

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops stop myia-po-2024

roosync-ops stop --dry

Without names: every machine that is expected online.

Exit codes: 0 done, 1 some machine failed, 2 usage or inventory, 3 shared state unavailable."""


@app.command(epilog=_EXAMPLES)
def stop(  # noqa: PLR0913 - one argument an option
    machines: acting.Machines = None,
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    via: options.Via = None,
    limit: options.Limit = None,
    dry: acting.Dry = False,
    yes: acting.Yes = False,
    wait: acting.Wait = acting.WAIT_S,
    as_json: options.Json = False,
    deadline: options.Deadline = None,
    connect_timeout: acting.ConnectTimeout = acting.DEFAULT_CONNECT_TIMEOUT,
    verbose: acting.Verbose = False,
    schema: acting.Schema = False,
) -> int:
    """Stop the agent on machines; their state becomes left.

    It stays installed: a rollout or a restart starts it again, and so does a reboot where systemd keeps it.
    """
    if schema:
        return acting.print_schema(rollout=False)
    return carry_out(
        Order(
            deploy="stop",
            question="Stop the agent on",
            wanted=("left", "unknown"),
            inventory=inventory,
            machines=machines,
            limit=limit,
            shared=shared,
            via=via,
            deadline=deadline,
            wait=wait,
            connect_timeout=connect_timeout,
            dry=dry,
            yes=yes,
            as_json=as_json,
            verbose=verbose,
        )
    )
