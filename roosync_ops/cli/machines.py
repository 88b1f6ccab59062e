"""`roosync-ops machines list|check|add`: the inventory, without touching any machine."""

import os
import re
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from roosync_ops import errors, show, typed
from roosync_ops.fleet import Fleet, FleetError, Machine, load_inventory
from roosync_ops.fleet.inventory import USUAL, line_of, line_with, with_machine
from roosync_ops.show.document import keyed
from roosync_ops.show.text import Style, clock_ms
from roosync_ops.state.silences import MAX_WHY, MOST_MS, Silence, silence
from roosync_ops.wire.times import now_ms

from . import options, output

app = typer.Typer(no_args_is_help=True, help="List the inventory, check it, or add to it. No machine is contacted.")


_UNITS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@app.command("list")
@options.grouped
def list_machines(
    *, inventory: options.Inventory = options.DEFAULT_INVENTORY, limit: options.Limit = None, shown: options.Shown
) -> int:
    """List the machines of the inventory, what is expected of each, and where SSH finds it."""
    fleet = load_inventory(inventory)
    names = options.names_of(limit)
    rows = [_row(machine, fleet) for machine in (fleet.select(names) if names else fleet)]
    document = {"ok": True, "inventory": str(inventory), "machines": rows}
    output.write(show.json_text(document) if shown.as_json else show.machines_table(rows, output.style()))
    return errors.OK


@app.command("check")
def check(inventory: options.Inventory = options.DEFAULT_INVENTORY, as_json: options.Json = False) -> int:
    """Check the inventory file: every machine is valid, and none is defined twice."""
    fleet = load_inventory(inventory)
    groups = {name: len(members) for name, members in fleet.groups.items()}
    document = {"ok": True, "inventory": str(inventory), "machines": len(fleet), "groups": groups}
    told = ", ".join(f"{name} {count}" for name, count in groups.items())
    said = f"{inventory}: {len(fleet)} machine{'s' * (len(fleet) > 1)} ({told}); all sound"
    output.write(show.json_text(document) if as_json else said)
    return errors.OK


@app.command("add")
def add(  # noqa: PLR0913 - one argument an option
    name: Annotated[str, options.arg("NAME", "machines add")],
    *,
    host: Annotated[str | None, options.opt("--host ADDRESS")] = None,
    user: Annotated[str | None, options.opt("--user NAME", "machines add")] = None,
    port: Annotated[int | None, options.opt("--port N", "machines add")] = None,
    system: Annotated[Literal["posix", "windows"], options.opt("--system")] = "posix",
    path: Annotated[str | None, options.opt("--path DIR")] = None,
    expected: Annotated[Literal["online", "offline"], options.opt("--expected")] = "online",
    why: Annotated[str | None, options.opt("--why TEXT", "machines add")] = None,
    to: Annotated[str | None, options.opt("--to GROUP")] = None,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
) -> int:
    """Add a machine to the inventory: one line, checked with all the others before the file is changed."""
    fields = {"system": system, "host": host, "user": user, "port": port, "shared": path}
    fields |= {"expected": expected, "why": why}
    given = {key: value for key, value in fields.items() if value not in (None, "posix", "online")}
    line, group = line_of(name, given), to or USUAL[expected]
    try:
        Machine.of(name, given)
        source = inventory.read_bytes()
        if (at := line_with(source, name)) is not None:
            raise errors.usage(f"{inventory}: line {at}: {name} is there already", typed.ours("machines", "list"))
        _put(inventory, with_machine(source, group, line))
    except SyntaxError as error:
        raise FleetError(f"{inventory}: line {error.lineno}: {error.msg}") from None
    except FleetError as error:
        raise FleetError(str(error), "roosync-ops machines add --help") from None
    except OSError as error:
        raise errors.usage(f"{inventory}: {error.strerror}", "roosync-ops init") from None
    output.write(f"{inventory}: {group}: {line}")
    following = ("rollout", "--dry") if expected == "online" else ("validate",)
    output.note(f"Next:  {typed.ours(*following)}")
    return errors.OK


@app.command("silence")
def silence_machines(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    how_long: Annotated[str | None, options.opt("--for 2h")] = None,
    why: Annotated[str, options.opt("--why TEXT", "machines silence")] = "",
    end: Annotated[bool, options.opt("--end")] = False,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    lang: options.Language = "en",
) -> int:
    """Open a maintenance window: until it ends, a machine is as expected whatever it is seen as, and raises no alarm.

    Kept on this computer, for all that this user runs here.
    """
    names = [machine.machine_id for machine in load_inventory(inventory).select(machines or [])]
    now, usage = now_ms(), typed.ours("machines", "silence", "--help")
    if not names or end == (how_long is not None) or (not end and not why.strip()):
        raise errors.usage("name machines, and either --for 2h --why TEXT, or --end", usage)
    length = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", how_long or "")
    until = now + (int(length[1]) * _UNITS[length[2]] if length else 0)
    if not end and not now < until <= now + MOST_MS:
        raise errors.usage(f"--for {how_long!s:.40}: give a number and s, m, h or d, up to 30d", usage)
    one = None if end else Silence(until, why.strip()[:MAX_WHY])
    try:
        silence(names, one, now)
    except OSError as error:
        raise errors.usage(f"not kept: {error}", usage) from None
    said = Style(lang)["acting.heard" if end else "acting.silenced"]
    output.write(said.format(machines=", ".join(names), until=clock_ms(until)))
    return errors.OK


def _put(path: Path, raw: bytes) -> None:
    """Have `path` hold `raw`, if that is a sound inventory. Raises FleetError in words about `path`, or OSError."""
    descriptor, name = tempfile.mkstemp(".py", ".inventory-", path.resolve().parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        Path(name).chmod(path.stat().st_mode & 0o777)
        load_inventory(Path(name))
        Path(name).replace(path.resolve())
    except FleetError as error:
        load_inventory(path)  # what is wrong as it is has its line; what would be has none
        raise FleetError(re.sub(r"line \d+: ", "", str(error).replace(name, str(path)), count=1)) from None
    finally:
        Path(name).unlink(missing_ok=True)


def _row(machine: Machine, fleet: Fleet) -> dict[str, Any]:
    # What the inventory leaves to the SSH configuration is left out.
    user = f"{machine.user}@" if machine.user else ""
    port = f":{machine.port}" if machine.port else ""
    return keyed(
        machine,
        "machineId expected why heartbeatInterval offlineTimeout",
        ssh=f"{user}{machine.address}{port}",
        groups=[name for name, members in fleet.groups.items() if machine.machine_id in members],
    )
