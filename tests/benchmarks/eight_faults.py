"""What goes wrong in a fleet, what `validate` and `watch` say of it by default, and when: run me, and I print a table.

    python tests/benchmarks/eight_faults.py [--only NAME[,NAME...]]

The lab's machines are real processes that beat every 2 s and are offline after 8 s: 15 times as fast as at home. The
pauses of the second opinion (two tries 10 s apart, doubts asked again after 30 s and more) are those at home.
"""

# ruff: noqa: T201 - a script's business

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from roosync_ops.lab.fleet import ADMIN, LabFleet
from roosync_ops.lab.host import LabHost
from roosync_ops.wire.times import from_iso
from tests.integration.evidence.conftest import ACTIVE, Operator
from tests.integration.watch.kit import Lines
from tests.kits import shifted
from tests.kits.hosts import free_ports, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "myia-po-2024"
HOUR_S = 3600.0
#: So many offlineTimeouts, two tries and a start: what was not told by then is not told of this, in s.
LOOKS_S = 45.0
Said = tuple[str, str, str | None]


class Scene:
    """The lab, who types commands, and the clock of one machine."""

    def __init__(self, lab: LabFleet, home: Path, clock: shifted.Clock | None) -> None:
        self.lab, self.home, self.clock = lab, home, clock
        self.operator = Operator(lab, home)

    def rows(self, *words: str, inventory: Path | None = None) -> dict[str, Any]:
        document = self.operator("validate", "--json", *words, inventory=inventory).document
        return {row["machineId"]: row for row in document["machines"]}

    def is_well(self) -> bool:
        rows = self.rows("--probe", "never")
        return all((rows[name]["observed"], rows[name]["basis"]) == ("online", "heard-here") for name in ACTIVE)

    def set_clock(self, shift_s: float) -> None:
        assert self.clock is not None, shifted.why_not()
        self.clock.set(shift_s)

    @contextmanager
    def port(self, number: int) -> Iterator[Path]:
        """Give an inventory in which the ssh of one machine is at another port."""
        path = self.home / f"inventory-{number}.py"
        text, here = self.lab.inventory.read_text("utf-8"), str(self.lab.port(NAME))
        path.write_text(text.replace(here, str(number)), "utf-8")
        yield path

    def mend(self) -> None:
        lab = self.lab
        for machine, faults in lab.faults().items():
            for fault in faults:
                lab.fault(fault, machine, on=False)
        if self.clock is not None:
            self.clock.set(0.0)
        if not lab.is_on(NAME):
            lab.power_on(NAME)
        elif not lab.agent(NAME, "status")["running"]:
            lab.agent(NAME, "start")
        wait_for("all to be heard", self.is_well)


class Fault(NamedTuple):
    """`way` is what the machine's ssh is; `observed` and `told` are what is right."""

    name: str
    befalls: Callable[[Scene], Any]
    observed: str
    told: str | None
    way: str = "open"


FAULTS = (
    Fault("upload stall", lambda scene: scene.lab.fault("upload-stall", NAME), "online", None),
    Fault("download stall, here", lambda scene: scene.lab.fault("download-stall", ADMIN), "online", "suspect"),
    Fault("hung share", lambda scene: scene.lab.fault("hang", NAME), "offline", "offline"),
    Fault("power off", lambda scene: scene.lab.power_off(NAME), "offline", "offline"),
    Fault("agent killed", lambda scene: scene.lab.crash_agent(NAME), "offline", "offline"),
    Fault("ssh down", lambda _: None, "online", None, "down"),
    Fault("ssh down, agent killed", lambda scene: scene.lab.crash_agent(NAME), "offline", "offline", "down"),
    Fault("ssh hung", lambda _: None, "online", None, "hung"),
    # Nobody can tell this one from the next: its word cannot be had, and no replica shows a beat of it.
    Fault("ssh hung, upload stall", lambda scene: scene.lab.fault("upload-stall", NAME), "offline", "offline", "hung"),
    Fault("ssh hung, agent killed", lambda scene: scene.lab.crash_agent(NAME), "offline", "offline", "hung"),
    Fault("clock an hour behind", lambda scene: scene.set_clock(-HOUR_S), "online", None),
    Fault("clock an hour ahead", lambda scene: scene.set_clock(HOUR_S), "online", None),
)


def main() -> int:
    """Print a row as soon as its fault is through; 1 where a verdict or what was told is not as it should be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", type=lambda text: text.split(","), default=[fault.name for fault in FAULTS])
    chosen = parser.parse_args().only
    print("| fault | `validate` | said after | `watch` | told after | load |\n|---|---|---:|---|---:|---:|")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clock = None if shifted.why_not() else shifted.Clock(folder / "clock")
        stack.enter_context(mock.patch.object(LabHost, "environment", _environment(LabHost.environment, clock)))
        lab = stack.enter_context(LabFleet())
        for name in ACTIVE:
            lab.activate(name)
        scene = Scene(lab, folder, clock)
        wait_for("all to be heard", scene.is_well)
        right = [_row(scene, fault) for fault in FAULTS if fault.name in chosen]
    return 0 if all(right) else 1


def _environment(
    plain: Callable[[LabHost], dict[str, str]], clock: shifted.Clock | None
) -> Callable[[LabHost], dict[str, str]]:
    return lambda host: {**plain(host), **(clock.environment if clock is not None and host.name == NAME else {})}


def _row(scene: Scene, fault: Fault) -> bool:
    with ExitStack() as stack:
        inventory = stack.enter_context(_way(scene, fault.way))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        words = ("--shared", scene.lab.shared, "--inventory", inventory, "--interval", "0.5")
        watcher = stack.enter_context(Lines(home, *words))
        wait_for("its first look", lambda: list((home / "state").rglob("watch-*.json")))
        began, wall = time.monotonic(), time.time()
        fault.befalls(scene)
        said = list(_said(scene, inventory, began))
        flips = [flip for flip in watcher.flips if flip["machineId"] in (NAME, None)]
    scene.mend()
    (last, _), *_ = Counter(one for at, one in said if at > LOOKS_S / 2).most_common(1)
    first = min(at for at, one in said if one == last)
    told = None if not flips else flips[0]["to"]
    text = "nothing" if told is None else f"{flips[0]['machineId'] or 'the share'}: {told} ({flips[0]['reason']})"
    after = "" if told is None else f"{_seconds(flips[0]['at']) - wall:.0f} s"
    right = (last[0], told) == (fault.observed, fault.told) and len(flips) <= 1
    verdict = f"{last[0]}, {last[1]}{f' ({last[2]})' if last[2] else ''}"
    mark = "" if right else " **not as it should be**"
    load = f"{os.getloadavg()[0]:.0f}{mark}"
    print(f"| {fault.name} | {verdict} | {first:.0f} s | {text} | {after} | {load} |", flush=True)
    return right


def _said(scene: Scene, inventory: Path, began: float) -> Iterator[tuple[float, Said]]:
    """Yield what `validate` says of the machine, again and again, and when, in s."""
    while (now := time.monotonic() - began) < LOOKS_S:
        row = scene.rows(inventory=inventory)[NAME]
        yield time.monotonic() - began, (row["observed"], row["basis"], row["reasonKind"])
        time.sleep(max(0.0, 1.0 - (time.monotonic() - began - now)))


@contextmanager
def _way(scene: Scene, way: str) -> Iterator[Path]:
    if way == "open":
        yield scene.lab.inventory
    elif way == "down":
        with scene.port(free_ports(1)[0]) as inventory:
            yield inventory
    else:
        with socket.create_server(("127.0.0.1", 0)) as mute, scene.port(int(mute.getsockname()[1])) as inventory:
            yield inventory


def _seconds(text: str) -> float:
    return from_iso(text) / 1000


if __name__ == "__main__":
    sys.exit(main())
