"""`roosync-ops machines list|check`: the inventory, without touching any machine."""

import sys
from typing import Any, Final

import typer

from roosync_ops import show
from roosync_ops.fleet import Fleet, Machine, load_inventory

from . import errors, options, output

app = typer.Typer(no_args_is_help=True, help="List the inventory, or check it. No machine is contacted.")

_LIST_EXAMPLES: Final = """Examples:

roosync-ops machines list

roosync-ops machines list --inventory other.py --json"""
_CHECK_EXAMPLES: Final = """Examples:

roosync-ops machines check

Exit codes: 0 sound, 2 not: one sentence names the machine and the field."""


@app.command("list", epilog=_LIST_EXAMPLES)
def list_machines(
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    limit: options.Limit = None,
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
) -> int:
    """List the machines of the inventory, what is expected of each, and where SSH finds it."""
    fleet = load_inventory(inventory)
    names = options.names_of(limit)
    rows = [_row(machine, fleet) for machine in (fleet.select(names) if names else fleet)]
    if as_json:
        output.write(show.error_free_json({"ok": True, "inventory": str(inventory), "machines": rows}))
    else:
        width, color = output.width_of(sys.stdout), output.wants_color(sys.stdout)
        output.write(show.machines_table(rows, lang, width, color=color))
    return errors.OK


@app.command("check", epilog=_CHECK_EXAMPLES)
def check(inventory: options.Inventory = options.DEFAULT_INVENTORY, as_json: options.Json = False) -> int:
    """Check the inventory file: every machine is valid, and none is defined twice."""
    fleet = load_inventory(inventory)
    groups = {name: len(members) for name, members in fleet.groups.items()}
    if as_json:
        document = {"ok": True, "inventory": str(inventory), "machines": len(fleet), "groups": groups}
        output.write(show.error_free_json(document))
    else:
        told = ", ".join(f"{name} {count}" for name, count in groups.items())
        output.write(f"{inventory}: {len(fleet)} machines ({told}); all sound")
    return errors.OK


def _row(machine: Machine, fleet: Fleet) -> dict[str, Any]:
    return {
        "machineId": machine.machine_id,
        "expected": machine.expected,
        "why": machine.why,
        "ssh": _target(machine),
        "groups": [name for name, members in fleet.groups.items() if machine.machine_id in members],
        "heartbeatInterval": machine.heartbeat_interval,
        "offlineTimeout": machine.offline_timeout,
    }


def _target(machine: Machine) -> str:
    """Return `user@host:port`, with what the inventory leaves to the SSH configuration left out."""
    user = f"{machine.user}@" if machine.user else ""
    port = f":{machine.port}" if machine.port else ""
    return f"{user}{machine.host or machine.machine_id}{port}"
