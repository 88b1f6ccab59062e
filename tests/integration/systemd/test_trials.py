"""A build on trial, on real systemd: a reboot and a power cut in the middle of it, and a cable pulled in a batch."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.cli.ramp import STOPPED
from tests.integration.systemd.hosts import write_inventory
from tests.kits.hosts import wait_for
from tests.kits.listener import Listener
from tests.kits.nslab import SHARED, Fleet, Host, HostSpec
from tests.kits.product import record
from tests.kits.variant import BAD, GOOD, NEVER_BEGUN, TOLD, Variant, killed_and_resumed, usual_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(900 + 120 * int(os.environ.get("TEST_KILLS", "1")))]
NAMES = ("myia-po-2024", "myia-po-2023", "myia-web1", "myia-po-2025")
NAME = NAMES[0]
#: How many kills of each kind; twenty before a release.
KILLS = int(os.environ.get("TEST_KILLS", "1"))
#: A bad build is gone, and the one before beats, within so long, in s.
BACK_S = 120
AGENT = "/var/lib/roosync/agent.pyz"


@pytest.fixture(scope="module")
def machines() -> Iterator[Fleet]:
    with Fleet(HostSpec(name) for name in NAMES) as fleet:
        yield fleet


@pytest.fixture
def fleet(machines: Fleet, tmp_path: Path) -> Iterator[Fleet]:
    """Four machines that beat as the product of `tmp_path / "old"`."""
    machines.mend()
    machines[NAME].run("find", SHARED, "-mindepth", "1", "-delete")
    machines[NAME].run("mkdir", "-m", "0777", f"{SHARED}/dashboards")
    write_inventory(machines, tmp_path / "inventory.py")
    product = Variant(tmp_path / "old")
    code, said = product("rollout", *where(machines, tmp_path))
    assert code == 0, said
    yield machines
    machines.mend()
    product("uninstall", *where(machines, tmp_path), "--yes")


def where(fleet: Fleet, folder: Path) -> tuple[str | Path, ...]:
    return "-i", folder / "inventory.py", "--shared", fleet.share


def agent_part(fleet: Fleet, name: str = NAME) -> Any:
    return record(fleet.share, name)["agent"]


def begin_trial(fleet: Fleet, folder: Path, change: tuple[str, str, str], build: str) -> None:
    """Have a build be on trial on the first machine, and beat there; whoever rolled it out is gone."""
    process = Variant(folder / "new", change).begin("rollout", *where(fleet, folder), "--limit", NAME)
    wait_for("a beat of the new build", lambda: agent_part(fleet)["buildId"] != build, 120)
    process.kill()
    process.communicate()


def on_trial(host: Host) -> bool:
    return "# trial" in host.run("cat", AGENT)


@pytest.mark.parametrize("how", ["reboot", "power cut"])
@pytest.mark.parametrize("what", ["hangs after 3 beats", None])
def test_a_trial_that_a_machine_went_down_in_ends_as_it_would_have(
    fleet: Fleet, tmp_path: Path, how: str, what: str | None
) -> None:
    host, build = fleet[NAME], agent_part(fleet)["buildId"]
    begin_trial(fleet, tmp_path, BAD[what] if what else GOOD, build)
    if how == "reboot":
        host.reboot()
    else:
        host.power_cut()
        host.power_on()
        host.wait_ready()
    wait_for("the end of the trial", lambda: not on_trial(host), 120)
    if what:
        wait_for("the build before", lambda: "rolledBack" in agent_part(fleet), 60)
    assert (agent_part(fleet)["buildId"] == build) == bool(what)
    number = agent_part(fleet)["sequence"]
    wait_for("another beat", lambda: agent_part(fleet)["sequence"] > number, 60)
    assert agent_part(fleet)["state"] == "running"


def test_of_each_bad_build_one_machine_is_affected_at_most_and_beats_again_within_two_minutes(
    fleet: Fleet, tmp_path: Path
) -> None:
    """Two of the eleven at a time, each over two machines of its own."""
    with ThreadPoolExecutor(2) as pool:
        for ran in [pool.submit(bad_builds, fleet, tmp_path, NAMES[at::2], [*BAD][at::2]) for at in (0, 1)]:
            ran.result()


def bad_builds(fleet: Fleet, folder: Path, pair: tuple[str, ...], what: list[str]) -> None:
    for each in what:
        bad_build(fleet, folder, pair, each)


def bad_build(fleet: Fleet, folder: Path, pair: tuple[str, ...], what: str) -> None:
    before = {name: agent_part(fleet, name) for name in pair}
    with Listener(fleet.share, pair) as heard:
        code, said = Variant(folder / pair[0] / what, BAD[what])("rollout", *pair, *where(fleet, folder))
        assert code == STOPPED, said
        assert TOLD[what] in said, said
        (hit,) = [name for name in pair if f"1/2: {name} rolled back" in said]
        wait_for("the build before", lambda: agent_part(fleet, hit)["buildId"] == before[hit]["buildId"])
        number = agent_part(fleet, hit)["sequence"]
        wait_for("another beat", lambda: agent_part(fleet, hit)["sequence"] > number)
    spared = [name for name in pair if name != hit or what in NEVER_BEGUN]
    assert all(agent_part(fleet, name)["sessionId"] == before[name]["sessionId"] for name in spared), said
    assert heard.longest_s(hit) < BACK_S, what
    assert len(loops(fleet[hit])) == 1, what
    print(f"{what}: silent for {heard.longest_s(hit):.0f} s", flush=True)  # noqa: T201 - the figures of tests/README.md


def test_a_cable_pulled_in_the_middle_of_a_batch_stops_before_the_next(fleet: Fleet, tmp_path: Path) -> None:
    before = {name: agent_part(fleet, name) for name in NAMES}
    product = Variant(tmp_path / "new", GOOD)
    process = product.begin("rollout", *where(fleet, tmp_path), "--batch", "1,1,100%", "--connect-timeout", "3")
    changed = wait_for("a beat of the new build", lambda: _changed(fleet, before), 120)
    (first,) = changed
    fleet[first].partition()
    try:
        said, _ = process.communicate(timeout=300)
        touched = _changed(fleet, before)
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
        (name, *_) = wait_for("another machine's turn", lambda: [*{*_changed(fleet, before)} - {*pulled}], 240)
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
    wait_for("the first batch", lambda: len(_changed(fleet, before)) == len(batch), 240)
    hit = _changed(fleet, before)
    faults = (fleet[hit[0]].share_ro, fleet[hit[1]].share_hung, fleet[hit[2]].share_gone)
    for fail in faults:
        fail()
    time.sleep(12)  # longer than silence is borne: interval, deadline and LATE_S
    assert process.poll() is None
    assert _changed(fleet, before) == hit, "the next batch began though nobody beats"
    fleet.mend()
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert {agent_part(fleet, name)["buildId"] for name in NAMES} == {product.build_id}
    assert not any("rolledBack" in agent_part(fleet, name) for name in NAMES)


def test_a_unit_that_somebody_changed_is_shown_by_a_dry_run_and_mended_by_the_next(
    fleet: Fleet, tmp_path: Path
) -> None:
    host, unit = fleet[NAME], "/etc/systemd/system/roosync-heartbeat.service"
    host.run("sed", "-i", "s/^Restart=always$/Restart=no/", unit)
    text = host.run("cat", unit)
    product = Variant(tmp_path / "again")
    code, said = product("rollout", *where(fleet, tmp_path), "--dry")
    assert code == 0, said
    assert said.count("unit Restart=no -> Restart=always") == 1, said
    assert host.run("cat", unit) == text
    code, said = product("rollout", *where(fleet, tmp_path))
    assert code == 0, said
    assert "4 machines: 1 done, 3 no change" in said, said
    assert "Restart=always" in host.run("cat", unit)


@pytest.mark.parametrize("kind", ["first", "upgrade"])
def test_killed_at_any_instant_a_rollout_goes_on_from_there(fleet: Fleet, tmp_path: Path, kind: str) -> None:
    products, at = (Variant(tmp_path / "one"), Variant(tmp_path / "two", GOOD)), where(fleet, tmp_path)
    if kind == "first":
        take_off(products[0], at)
    within_s = usual_s(kind, products, at)
    for seed in range(KILLS):
        product = products[seed % 2]  # over the other one
        if kind == "first":
            take_off(product, at)
        killed_and_resumed(product, at, seed, within_s)
        assert {agent_part(fleet, name)["buildId"] for name in NAMES} == {product.build_id}, seed
        for name in NAMES:
            assert len(loops(fleet[name])) == 1, (seed, name)
            assert not fleet[name].run("find", "/var/lib/roosync", "-name", ".*.new"), seed


def take_off(product: Variant, at: tuple[str | Path, ...]) -> None:
    code, said = product("uninstall", *at, "--yes")
    assert code == 0, said


def loops(host: Host) -> list[str]:
    """Return the processes there that beat: the unit's, and nobody else's."""
    return host.run("sh", "-c", "grep -alzx systemd /proc/[0-9]*/cmdline || true").split()


def _changed(fleet: Fleet, before: dict[str, Any]) -> list[str]:
    return [name for name in NAMES if agent_part(fleet, name)["buildId"] != before[name]["buildId"]]
