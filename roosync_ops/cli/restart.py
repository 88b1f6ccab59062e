"""`roosync-ops restart`: the agent ends and another takes over; its record goes on counting."""

from typing import Final

import typer

from . import acting, options
from .simple import Order, carry_out

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops restart myia-po-2024

roosync-ops restart --dry

Without names: every machine that is expected online.

Exit codes: 0 done, 1 some machine failed, 2 usage or inventory, 3 shared state unavailable."""


@app.command(epilog=_EXAMPLES)
def restart(  # noqa: PLR0913 - one argument an option
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
    """Restart the agent on machines.

    The record is not marked as left in between, so nobody who reads the fleet sees a gap.
    """
    if schema:
        return acting.print_schema(rollout=False)
    return carry_out(
        Order(
            deploy="restart",
            question=None,
            wanted=("online",),
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
