"""One lab fleet with four agents that beat; each test lets something go wrong in it, and mends it afterwards."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.lab.fleet import LabFleet
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.product import Answer, roosync_ops, sequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACTIVE = ("myia-po-2025", "myia-po-2024", "myia-po-2023", "myia-web1")


class Operator:
    """Whoever types commands on the admin machine."""

    def __init__(self, fleet: LabFleet, home: Path) -> None:
        self.fleet = fleet
        self._home = home

    def __call__(self, *arguments: str, inventory: Path | None = None, shared: bool = True) -> Answer:
        words = [*arguments, "--inventory", str(inventory or self.fleet.inventory)]
        words += ["--shared", str(self.fleet.shared)] if shared and "verify-share" not in arguments else []
        home = str(self._home)
        return roosync_ops(*words, COLUMNS="100", HOME=home, XDG_STATE_HOME=f"{home}/.local/state")

    def until(self, seen: Callable[[Any], bool], *arguments: str) -> Any:
        """Repeat a command with --json until its document is as wanted; fail with the last one."""
        end = time.monotonic() + PATIENCE_S
        while True:
            document = self(*arguments, "--json").document
            if seen(document):
                return document
            assert time.monotonic() < end, json.dumps(document, indent=1)
            time.sleep(2.0)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with LabFleet() as fleet:
        for name in ACTIVE:
            fleet.activate(name)
        yield Operator(fleet, tmp_path_factory.mktemp("home"))


@pytest.fixture
def well(operator: Operator) -> Operator:
    """Return the operator of a fleet where nothing stands still, and put it right again after the test."""
    fleet = operator.fleet
    for machine, faults in fleet.faults().items():
        for fault in faults:
            fleet.fault(fault, machine, on=False)
    for name in ACTIVE:
        if not fleet.is_on(name):
            fleet.power_on(name)
        elif not fleet.agent(name, "status")["running"]:
            fleet.agent(name, "start")
    beaten = {name: sequence(fleet.host(name).shared, name) for name in ACTIVE}
    folders = [fleet.shared, *(fleet.host(name).shared for name in ACTIVE)]
    wait_for("everybody to see everybody's next beat", lambda: all(are_past(beaten, folder) for folder in folders))
    return operator


def are_past(beaten: dict[str, int], folder: Path) -> bool:
    """Tell without a command, which takes 2 s of processor, whether a replica shows a later beat of each."""
    with suppress(FileNotFoundError):
        return all(sequence(folder, name) > number for name, number in beaten.items())
    return False
