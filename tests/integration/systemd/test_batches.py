"""A rollout in batches over real systemd: what the network and the share do to it in the middle of one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.cli.ramp import STOPPED
from tests.integration.systemd.trials import NAMES, agent_part, changed, where
from tests.kits.hosts import wait_for
from tests.kits.variant import GOOD, Variant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.nslab import Fleet

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(900)]


def test_a_cable_pulled_in_the_middle_of_a_batch_stops_before_the_next(fleet: Fleet, tmp_path: Path) -> None:
    before = {name: agent_part(fleet, name) for name in NAMES}
    product = Variant(tmp_path / "new", GOOD)
    process = product.begin("rollout", *where(fleet, tmp_path), "--batch", "1,1,100%", "--connect-timeout", "3")
    (first,) = wait_for("a beat of the new build", lambda: changed(fleet, before), 120)
    fleet[first].partition()
    try:
        said, _ = process.communicate(timeout=300)
        touched = changed(fleet, before)
    finally:
        fleet[first].heal()
    # The cable came too late where the trial was over already: then the next batch was on, and is all there is.
    assert len(touched) <= (1 if process.returncode == STOPPED else len(NAMES)), said
    assert process.returncode in (STOPPED, 1), said
    assert first in said
    assert all(agent_part(fleet, name)["state"] == "running" for name in NAMES)
    code, said = product("rollout", *where(fleet, tmp_path), "--resume")
    assert code == 0, said
    assert {agent_part(fleet, name)["buildId"] for name in NAMES} == {product.build_id}


def test_a_cable_pulled_for_a_while_in_the_middle_of_each_batch_delays_a_rollout_and_that_is_all(
    fleet: Fleet, tmp_path: Path
) -> None:
    before = {name: agent_part(fleet, name) for name in NAMES}
    product = Variant(tmp_path / "new", GOOD)
    process = product.begin("rollout", *where(fleet, tmp_path), "--batch", "1,1,100%", "--connect-timeout", "3")
    pulled: list[str] = []
    for _ in range(3):  # one of each batch, once it beats as the new build
        (name, *_) = wait_for("another machine's turn", lambda: [*{*changed(fleet, before)} - {*pulled}], 240)
        fleet[name].partition()
        time.sleep(8)  # longer than a login may take
        fleet[name].heal()
        pulled.append(name)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert {agent_part(fleet, name)["buildId"] for name in NAMES} == {product.build_id}
    assert not any("rolledBack" in agent_part(fleet, name) for name in NAMES)


def test_a_share_that_fails_in_the_middle_of_a_batch_is_no_fault_of_the_new_build(fleet: Fleet, tmp_path: Path) -> None:
    before = {name: agent_part(fleet, name) for name in NAMES}
    product, batch = Variant(tmp_path / "new", GOOD), [*NAMES[:3]]
    process = product.begin("rollout", *where(fleet, tmp_path), "--batch", "3,100%", "--soak", "30")
    wait_for("the first batch", lambda: len(changed(fleet, before)) == len(batch), 240)
    hit = changed(fleet, before)
    faults = (fleet[hit[0]].share_ro, fleet[hit[1]].share_hung, fleet[hit[2]].share_gone)
    for fail in faults:
        fail()
    time.sleep(12)  # longer than silence is borne: interval, deadline and LATE_S
    assert process.poll() is None
    assert changed(fleet, before) == hit, "the next batch began though nobody beats"
    fleet.mend()
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert {agent_part(fleet, name)["buildId"] for name in NAMES} == {product.build_id}
    assert not any("rolledBack" in agent_part(fleet, name) for name in NAMES)
