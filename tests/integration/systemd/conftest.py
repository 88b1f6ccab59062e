"""Four machines on real systemd that beat, for what replaces their build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.systemd.hosts import write_inventory
from tests.integration.systemd.trials import NAME, NAMES, on_trial, where
from tests.kits.hosts import wait_for
from tests.kits.nslab import SHARED, Fleet, HostSpec
from tests.kits.variant import Variant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def machines() -> Iterator[Fleet]:
    with Fleet(HostSpec(name) for name in NAMES) as fleet:
        fleet[NAME].run("mkdir", "-m", "0777", f"{SHARED}/dashboards")
        yield fleet


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Variant:
    return Variant(tmp_path_factory.mktemp("product") / "old")


@pytest.fixture
def fleet(machines: Fleet, old: Variant, tmp_path: Path) -> Fleet:
    """Four machines that beat as the product `old`, whatever the test before left on them."""
    machines.mend()
    write_inventory(machines, tmp_path / "inventory.py")
    code, said = old("rollout", *where(machines, tmp_path), "--batch", "all")
    assert code == 0, said
    machines.each(lambda host: wait_for("the end of the trial", lambda: not on_trial(host)))
    return machines
