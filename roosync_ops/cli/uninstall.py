"""`roosync-ops uninstall`: nothing of ours stays on a machine but its heartbeat record in the share."""

from typing import Final

import typer

from . import acting, options
from .simple import Order, carry_out

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops uninstall myia-po-2024

roosync-ops uninstall --dry

Without names: every machine that is expected online.

Exit codes: 0 done, 1 some machine failed, 2 usage or inventory, 3 shared state unavailable."""


@app.command(epilog=_EXAMPLES)
def uninstall(  # noqa: PLR0913 - one argument an option
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
    """Take the agent off machines: stop it, undo its permanence, remove its files.

    The heartbeat record in the shared state stays, as left.
    """
    if schema:
        return acting.print_schema(rollout=False)
    return carry_out(
        Order(
            deploy="uninstall",
            question="Take the agent off",
            wanted=("left", "offline", "unknown"),
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
