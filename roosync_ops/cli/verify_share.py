"""`roosync-ops verify-share`: how the shared folder behaves, here and on machines, measured, with a verdict."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer

from roosync_ops import errors, typed
from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.gather import verify_share as measured
from roosync_ops.gather.limits import PROBE_CONNECT_S, silently
from roosync_ops.judge.shares import Trait, Way, fit, propagation, share, uncorrected
from roosync_ops.judge.shares import ways as ways_of
from roosync_ops.remote_script.facts_model import Measured, MeasuredSighting
from roosync_ops.show import json_text
from roosync_ops.show.shares import shares_table
from roosync_ops.transport.link import Failure
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError

from . import options, output

app = typer.Typer()


@app.command()
def verify_share(  # noqa: PLR0913 - one argument an option
    path: Annotated[Path | None, options.arg("PATH")] = None,
    *,
    via: Annotated[
        list[str] | None, options.opt("--via MACHINE", "verify-share", autocompletion=options.machine_names)
    ] = None,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    seconds: Annotated[float, options.opt("--seconds N", min=0)] = 60.0,
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
        chosen = load_inventory(inventory)
        traits, machines, ways = _everywhere(path, chosen, options.names_of(via), seconds, deadline, connect_timeout)
    else:
        traits, seen = _verify(path, seconds, deadline)
        traits, machines, ways = [*traits, uncorrected(seen, seconds)], [], []
    found = {
        "ok": fit(traits) and all(one["ok"] for one in machines),
        "shared": None if path is None else str(path),
        "traits": traits,
        "machines": machines,
        "propagation": [way.as_dict() for way in ways],
    }
    table = shares_table(found, output.style())
    output.write(json_text(found) if as_json else table)
    return errors.OK if found["ok"] else errors.NOT_AS_EXPECTED


def _verify(
    path: Path | None, seconds: float, deadline: float | None, *, quietly: bool = False
) -> tuple[list[Trait], list[MeasuredSighting]]:
    """Measure this computer's own folder; nothing where none is named. Raises CommandError."""
    if path is None:
        return [], []
    bounded = BoundedShare(30.0 if deadline is None else max(deadline, DEFAULT_DEADLINE_S))
    try:
        with output.Progress() as progress:
            return measured.verify(path, seconds, bounded, silently if quietly else progress.show)
    except (OSError, ShareHungError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "name the folder as this computer sees it, and check that the sync product runs"
        raise errors.CommandError("SHARE_UNAVAILABLE", f"{path}: {reason}", hint, errors.UNAVAILABLE) from None


def _everywhere(  # noqa: PLR0913, PLR0917 - each is an option
    path: Path | None, fleet: Fleet, names: list[str], seconds: float, deadline: float | None, connect_s: float
) -> tuple[list[Trait], list[dict[str, Any]], list[Way]]:
    """Measure on machines, and on this computer meanwhile where a folder is named. Raises CommandError, FleetError."""
    chosen = fleet.select(names)
    with ThreadPoolExecutor(1) as pool, output.Progress() as progress:
        progress.show("measuring the clocks of the machines")
        clocks, failed = measured.clocks([*chosen, *measured.others(fleet, chosen)], connect_s)
        mine = pool.submit(_verify, path, seconds, deadline, quietly=True)
        reached = [machine for machine in chosen if machine.machine_id in clocks]
        told = {**failed, **measured.measure(reached, seconds, connect_s, progress.show)}
        traits, here = mine.result()
    seen: dict[str | None, list[MeasuredSighting]] = {None: here}
    seen |= {name: one.sightings for name, one in told.items() if isinstance(one, Measured)}
    if path is None and len(seen) == 1:  # no verdict about any share can rest on it
        name = chosen[0].machine_id
        failure = told.get(name)
        _, why, hint = _problem(name, None if isinstance(failure, Measured) else failure)
        raise errors.CommandError("NOBODY_ASKED", f"{name}: {why}", hint, errors.UNAVAILABLE)
    ways = ways_of(seen, {None: (0, 0), **clocks})
    traits += [] if path is None else [propagation(None, ways, seconds)]
    return traits, [_of(one.machine_id, told.get(one.machine_id), ways, seconds) for one in chosen], ways


def _of(name: str, told: Measured | Failure | None, ways: list[Way], seconds: float) -> dict[str, Any]:
    if not isinstance(told, Measured):
        return share(name, None, (), _problem(name, told))
    traits = [measured.trait(one.model_dump()) for one in told.traits]
    if told.problem is not None:
        code, reason = told.problem
        return share(name, told.shared, traits, (code[:80], reason[:300], typed.ours("diagnose", name)))
    if not told.removed:
        left = "the folder .roosync-verify-* that it was measured in could not be removed"
        return share(name, told.shared, traits, ("LEFT_BEHIND", left, typed.ours("verify-share", "--via", name)))
    return share(name, told.shared, [*traits, propagation(name, ways, seconds)])


def _problem(name: str, told: Failure | None) -> tuple[str, str, str]:
    """Return why nothing was measured on a machine: a code, a sentence, and the next command."""
    return ("NO_ANSWER", "it gave no answer", typed.ours("diagnose", name)) if told is None else told[1:4]
