"""`roosync-ops verify-share`: how the shared folder behaves, here and on machines, measured, with a verdict."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roosync_ops import typed
from roosync_ops.gather.limits import PROBE_CONNECT_S
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError

from . import errors, options, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roosync_ops.fleet import Fleet
    from roosync_ops.judge.shares import Share, Sighting, Trait, Way
    from roosync_ops.remote_script.facts_model import Measured
    from roosync_ops.transport.failure import Failure

    Own = tuple[list[Trait], list[Sighting]]

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops verify-share "G:/Mon Drive/Synchronisation/RooSync/.shared-state"

roosync-ops verify-share --via myia-web1 --via myia-po-2024 --seconds 300

roosync-ops verify-share /mnt/share --via myia-web1 --json

Exit codes: 0 nothing bad, 1 something is, 2 usage or inventory, 3 no folder could be measured."""

Vias = Annotated[
    list[str] | None,
    typer.Option(
        "--via",
        metavar="MACHINE",
        autocompletion=options.machine_names,
        help="Measure on this machine, its agent's share (a,b or repeated).",
    ),
]


@app.command(epilog=_EXAMPLES)
def verify_share(  # noqa: PLR0913 - one argument an option
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="The shared folder, as this computer sees it.")
    ] = None,
    *,
    via: Vias = None,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="How long to watch beats arrive.")] = 60.0,
    connect_timeout: options.ProbeConnectTimeout = PROBE_CONNECT_S,
    deadline: options.Deadline = None,
    as_json: options.Json = False,
    schema: options.Schema = False,
) -> int:
    """Measure a shared folder: is replacing atomic, are names unique, do locks exclude, how long is a beat under way.

    It writes in a hidden folder of its own and removes it; heartbeats are only read. With --via it is done on machines,
    each in its own replica, and tells how long beats take between them, with the differences of their clocks taken out.
    """
    if schema:
        return options.print_schema("verify-share")
    if path is None and not via:
        raise errors.usage("no shared folder is named", "roosync-ops verify-share --help")
    if via:
        from roosync_ops.fleet import load_inventory  # noqa: PLC0415 - PATH alone needs no inventory

        fleet = load_inventory(inventory)
        shares, ways = _everywhere(path, fleet, options.names_of(via), seconds, deadline, connect_timeout)
    else:
        shares, ways = [_own(path, seconds, _verify(path, seconds, deadline), None)], []
    return _tell(shares, ways, as_json=as_json)


def _verify(path: Path | None, seconds: float, deadline: float | None, *, quietly: bool = False) -> Own:
    """Measure this computer's own folder; nothing where none is named. Raises CommandError."""
    from roosync_ops.gather import verify_share as measured  # noqa: PLC0415 - it is for this command alone

    if path is None:
        return [], []
    bounded = BoundedShare(30.0 if deadline is None else max(deadline, DEFAULT_DEADLINE_S))
    try:
        if quietly:
            return measured.verify(path, seconds, bounded, lambda _: None)
        with output.Progress() as progress:
            return measured.verify(path, seconds, bounded, progress.show)
    except (OSError, ShareHungError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "name the folder as this computer sees it, and check that the sync product runs"
        raise errors.CommandError("SHARE_UNAVAILABLE", f"{path}: {reason}", hint, errors.UNAVAILABLE) from None


def _everywhere(  # noqa: PLR0913, PLR0917 - each is an option
    path: Path | None, fleet: Fleet, names: Sequence[str], seconds: float, deadline: float | None, connect_s: float
) -> tuple[list[Share], list[Way]]:
    """Measure on machines, and on this computer meanwhile where a folder is named. Raises CommandError, FleetError."""
    from roosync_ops.gather import verify_share as measured  # noqa: PLC0415 - as above
    from roosync_ops.judge import shares  # noqa: PLC0415 - as above
    from roosync_ops.remote_script.facts_model import Measured  # noqa: PLC0415 - as above

    chosen = fleet.select(names)
    with ThreadPoolExecutor(1) as pool, output.Progress() as progress:
        progress.show("measuring the clocks of the machines")
        clocks, failed = measured.clocks([*chosen, *measured.others(fleet, chosen)], connect_s)
        mine = pool.submit(_verify, path, seconds, deadline, quietly=True)
        reached = [machine for machine in chosen if machine.machine_id in clocks]
        told = {**failed, **measured.measure(reached, seconds, connect_s, progress.show)}
        own = mine.result()
    seen: dict[str | None, list[Sighting]] = {None: own[1]}
    seen |= {name: measured.parsed(one.sightings) for name, one in told.items() if isinstance(one, Measured)}
    if path is None and len(seen) == 1:
        raise _nowhere(chosen[0].machine_id, told.get(chosen[0].machine_id))
    ways = shares.ways(seen, {None: shares.Clock(), **clocks})
    found = [] if path is None else [_own(path, seconds, own, ways)]
    return [*found, *(_of(machine.machine_id, told.get(machine.machine_id), ways, seconds) for machine in chosen)], ways


def _nowhere(name: str, told: Measured | Failure | None) -> errors.CommandError:
    """Return the error for machines of which none could be asked: no verdict about any share can rest on it."""
    _, reason, hint = _problem(name, told)
    return errors.CommandError("NOBODY_ASKED", f"{name}: {reason}", hint, errors.UNAVAILABLE)


def _own(path: Path | None, seconds: float, own: Own, ways: Sequence[Way] | None) -> Share:
    """Return this computer's part; without machines nobody's clock was measured."""
    from roosync_ops.judge import shares  # noqa: PLC0415 - as above

    last = shares.uncorrected(own[1], seconds) if ways is None else shares.propagation(None, ways, seconds)
    return shares.Share(None, str(path), [*own[0], last])


def _of(name: str, told: Measured | Failure | None, ways: Sequence[Way], seconds: float) -> Share:
    from roosync_ops.judge import shares  # noqa: PLC0415 - as above
    from roosync_ops.remote_script.facts_model import Measured  # noqa: PLC0415 - as above

    if not isinstance(told, Measured):
        return shares.Share(name, None, (), _problem(name, told))
    traits = [shares.Trait(one.name, one.verdict, one.detail, one.figures) for one in told.traits]
    if told.problem is not None:
        problem = (told.problem[0][:80], told.problem[1][:300], typed.ours("diagnose", name))
        return shares.Share(name, told.shared, traits, problem)
    if not told.removed:
        left = "the folder .roosync-verify-* that it was measured in could not be removed"
        problem = ("LEFT_BEHIND", left, typed.ours("verify-share", "--via", name))
        return shares.Share(name, told.shared, traits, problem)
    return shares.Share(name, told.shared, [*traits, shares.propagation(name, ways, seconds)])


def _problem(name: str, told: Measured | Failure | None) -> tuple[str, str, str]:
    if isinstance(told, tuple):
        return told[1:]
    return "NO_ANSWER", "it gave no answer", typed.ours("diagnose", name)


def _tell(found: Sequence[Share], ways: Sequence[Way], *, as_json: bool) -> int:
    from roosync_ops.judge.shares import Shares  # noqa: PLC0415 - as above
    from roosync_ops.show import json_text  # noqa: PLC0415 - as above
    from roosync_ops.show.shares import shares_document, shares_table  # noqa: PLC0415 - as above

    every = Shares(found, ways)
    if as_json:
        output.write(json_text(shares_document(every)))
    else:
        output.write(shares_table(every, output.width_of(sys.stdout), color=output.wants_color(sys.stdout)))
    return errors.OK if every.ok else errors.NOT_AS_EXPECTED
