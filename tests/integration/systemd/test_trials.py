"""A build on trial, on real systemd: bad ones, and a reboot and a power cut in the middle of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product as pairs_of
from typing import TYPE_CHECKING

import pytest

from roosync_ops.cli.ramp import STOPPED
from tests.integration.systemd.trials import NAME, NAMES, agent_part, loops, on_trial, where
from tests.kits.hosts import wait_for
from tests.kits.listener import Listener
from tests.kits.variant import BAD, GOOD, NEVER_BEGUN, TOLD, Variant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.nslab import Fleet

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(900)]
#: A bad build is gone, and the one before beats, within so long, in s.
BACK_S = 120


def test_a_trial_that_a_machine_went_down_in_ends_as_it_would_have(fleet: Fleet, tmp_path: Path) -> None:
    """A reboot and a power cut, in the trial of a bad build and of a good one: each on a machine of its own."""
    kinds = pairs_of(("reboot", "power cut"), ("hangs after 3 beats", None))
    with ThreadPoolExecutor(len(NAMES)) as pool:
        done = [
            pool.submit(down_in_a_trial, fleet, tmp_path, name, *kind) for name, kind in zip(NAMES, kinds, strict=True)
        ]
        for each in done:
            each.result()


def down_in_a_trial(fleet: Fleet, folder: Path, name: str, how: str, what: str | None) -> None:
    host, build = fleet[name], agent_part(fleet, name)["buildId"]
    product = Variant(folder / name / "new", BAD[what] if what else GOOD)
    process = product.begin("rollout", *where(fleet, folder), "--limit", name)
    wait_for("a beat of the new build", lambda: agent_part(fleet, name)["buildId"] != build, 120)
    process.kill()
    process.communicate()
    if how == "reboot":
        host.reboot()
    else:
        host.power_cut()
        host.power_on()
        host.wait_ready()
    wait_for("the end of the trial", lambda: not on_trial(host), 120)
    if what:
        wait_for("the build before", lambda: "rolledBack" in agent_part(fleet, name))
    assert (agent_part(fleet, name)["buildId"] == build) == bool(what), (how, what)
    number = agent_part(fleet, name)["sequence"]
    wait_for("another beat", lambda: agent_part(fleet, name)["sequence"] > number)
    assert agent_part(fleet, name)["state"] == "running"


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
