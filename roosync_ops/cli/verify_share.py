"""`roosync-ops verify-share`: how the shared folder behaves, here and on machines, measured, with a verdict."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roosync_ops import errors, typed
from roosync_ops.gather.limits import PROBE_CONNECT_S
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError

from . import options, output

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from roosync_ops.fleet import Fleet, Machine
    from roosync_ops.gather.propagation import Pair
    from roosync_ops.gather.verify_share import Sighting, Trait
    from roosync_ops.gather.verify_via import Place
    from roosync_ops.show.shares import MeasuredShare

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
    _schema: options.Schema = False,
) -> int:
    """Measure a shared folder: is replacing atomic, are names unique, do locks exclude, how long is a beat under way.

    It writes in a hidden folder of its own and removes it; heartbeats are only read. With --via it is done on machines,
    each in its own replica, and tells how long beats take between them, with the differences of their clocks taken out.
    """
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
) -> tuple[list[MeasuredShare], list[Pair]]:
    """Measure on machines, and on this computer meanwhile where a folder is named. Raises CommandError, FleetError."""
    from roosync_ops.gather import propagation, verify_via  # noqa: PLC0415 - as above

    chosen = fleet.select(names)
    with ThreadPoolExecutor(1) as pool, output.Progress() as progress:
        progress.show("measuring the clocks of the machines")
        clocks, failed = verify_via.clocks([*chosen, *verify_via.others(fleet, chosen)], connect_s)
        mine = pool.submit(_verify, path, seconds, deadline, quietly=True)
        reached = [machine for machine in chosen if machine.machine_id in clocks]
        places = {one.machine_id: one for one in verify_via.measure(reached, seconds, connect_s, progress.show)}
        own = mine.result()
    for machine in chosen:
        if machine.machine_id not in places:
            places[machine.machine_id] = verify_via.Place(machine.machine_id, failure=failed.get(machine.machine_id))
    if path is None and not any(one.measured is not None for one in places.values()):
        raise _nowhere(list(places.values()))
    ways = propagation.pairs(_sightings(own, places.values()), {None: propagation.Clock(), **clocks})
    shares = [] if path is None else [_own(path, seconds, own, ways)]
    return [*shares, *(_of(machine, places[machine.machine_id], ways, seconds) for machine in chosen)], ways


def _sightings(own: Own, places: Iterable[Place]) -> dict[str | None, list[Sighting]]:
    from roosync_ops.gather.verify_share import parsed  # noqa: PLC0415 - as above

    seen: dict[str | None, list[Sighting]] = {None: own[1]}
    seen.update((one.machine_id, parsed(one.measured.sightings)) for one in places if one.measured is not None)
    return seen


def _nowhere(places: Sequence[Place]) -> errors.CommandError:
    """Return the error for machines of which none could be asked: no verdict about any share can rest on it."""
    failure = places[0].failure
    why = "it gave no answer" if failure is None else failure.reason
    hint = typed.ours("diagnose", places[0].machine_id) if failure is None else failure.hint
    return errors.CommandError("NOBODY_ASKED", f"{places[0].machine_id}: {why}", hint, errors.UNAVAILABLE)


def _own(path: Path | None, seconds: float, own: Own, ways: Sequence[Pair] | None) -> MeasuredShare:
    """Return this computer's part; without machines nobody's clock was measured."""
    from roosync_ops.gather.propagation import judged  # noqa: PLC0415 - as above
    from roosync_ops.gather.verify_share import uncorrected  # noqa: PLC0415 - as above

    last = uncorrected(own[1], seconds) if ways is None else judged(None, ways, seconds)
    return _share(None, str(path), [*own[0], last])


def _of(machine: Machine, place: Place, ways: Sequence[Pair], seconds: float) -> MeasuredShare:
    from roosync_ops.gather.propagation import judged  # noqa: PLC0415 - as above
    from roosync_ops.gather.verify_share import Trait  # noqa: PLC0415 - as above

    name, hint, measured = machine.machine_id, typed.ours("diagnose", machine.machine_id), place.measured
    if measured is None:
        failure = place.failure
        problem = ("NO_ANSWER", "it gave no answer", hint) if failure is None else failure[1:]
        return _share(name, None, [], problem)
    traits = [Trait(one.name, one.verdict, one.detail, dict(one.figures)) for one in measured.traits]
    if measured.problem is not None:
        return _share(name, measured.shared, traits, (measured.problem[0][:80], measured.problem[1][:300], hint))
    if not measured.removed:
        left = "the folder .roosync-verify-* that it was measured in could not be removed"
        return _share(name, measured.shared, traits, ("LEFT_BEHIND", left, typed.ours("verify-share", "--via", name)))
    return _share(name, measured.shared, [*traits, judged(name, ways, seconds)])


def _share(
    name: str | None, shared: str | None, traits: Iterable[Trait], problem: tuple[str, str, str] | None = None
) -> MeasuredShare:
    from roosync_ops.show.shares import MeasuredShare  # noqa: PLC0415 - as above

    rows = tuple((one.name, one.verdict, one.detail, one.figures) for one in traits)
    return MeasuredShare(name, shared, rows, problem)


def _tell(shares: Sequence[MeasuredShare], pairs: Sequence[Pair], *, as_json: bool) -> int:
    from roosync_ops.show import json_text  # noqa: PLC0415 - as above
    from roosync_ops.show.shares import Shares, Way, shares_document, shares_table  # noqa: PLC0415 - as above

    ways = (Way(one.source, one.observer, len(one.lags_s), one.p50_s, one.p99_s, one.error_s) for one in pairs)
    found = Shares(tuple(shares), tuple(ways))
    if as_json:
        output.write(json_text(shares_document(found)))
    else:
        output.write(shares_table(found, output.width(), color=output.wants_color()))
    return errors.OK if found.ok else errors.NOT_AS_EXPECTED
