"""A bad build, rolled out at the default intervals, costs one machine less than two minutes, and is told.

And whoever rolls a build out is killed at any instant, and goes on from there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.cli.ramp import STOPPED
from tests.integration.rollout.test_replacing import agents
from tests.kits.hosts import wait_for
from tests.kits.listener import Listener
from tests.kits.product import record
from tests.kits.sshd import Fleet
from tests.kits.variant import BAD, GOOD, NEVER_BEGUN, TOLD, Variant, killed_and_resumed, usual_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("m1", "m2", "m3")
#: How many kills of each kind; twenty before a release.
KILLS = int(os.environ.get("TEST_KILLS", "2"))
pytestmark = [pytest.mark.slow, pytest.mark.sshd, pytest.mark.timeout(1200 + 120 * KILLS)]
#: A bad build is gone, and the one before beats, within so long, in s.
BACK_S = 120
#: The default interval, and how late a beat may be on a computer that is busy, in s.
INTERVAL_S, SLACK_S = 30, 5
#: Nothing is wrong with this one either, and it is a third one.
ALSO_GOOD = (GOOD[0], GOOD[1], f"{GOOD[2]}A_THIRD = 1\n")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path, NAMES) as fleet:
        yield fleet


def test_of_each_bad_build_one_machine_is_affected_at_most_and_beats_again_within_two_minutes(tmp_path: Path) -> None:
    """All eleven at once, each over two machines of its own, at the default intervals."""
    pairs = {what: (f"m{at}a", f"m{at}b") for at, what in enumerate(BAD)}
    names = [name for pair in pairs.values() for name in pair]
    with Fleet(tmp_path, names) as fleet:
        where = ("-i", fleet.inventory(tmp_path / "inventory.py"), "--shared", fleet.shared)
        code, said = Variant(tmp_path / "old")("rollout", *where)
        assert code == 0, said
        before = agent_parts(fleet)
        with Listener(fleet.shared, names) as heard:
            ran = {what: Variant(tmp_path / pair[0] / "bad", BAD[what]) for what, pair in pairs.items()}
            processes = {what: product.begin("rollout", *pairs[what], *where) for what, product in ran.items()}
            answers = {what: process.communicate(timeout=900)[0] for what, process in processes.items()}
            wait_for("everybody's build before", lambda: all(is_back(fleet, name, before) for name in names))
        after = agent_parts(fleet)
        for what, (first, second) in pairs.items():
            said = answers[what]
            assert processes[what].returncode == STOPPED, said
            assert f"1/2: {first} rolled back" in said, said
            assert TOLD[what] in said, said
            spared = (first, second) if what in NEVER_BEGUN else (second,)
            assert all(after[name]["sessionId"] == before[name]["sessionId"] for name in spared), said
            assert all(heard.longest_s(name) <= INTERVAL_S + SLACK_S for name in spared), what
            assert heard.longest_s(first) < BACK_S, what
            print(f"{what}: silent for {heard.longest_s(first):.0f} s")  # noqa: T201 - the figures of tests/README.md
        assert len(agents(fleet)) == 2 * len(names)


def agent_parts(fleet: Fleet) -> dict[str, Any]:
    return {host.machine_id: record(fleet.shared, host.machine_id)["agent"] for host in fleet}


def is_back(fleet: Fleet, name: str, before: dict[str, Any]) -> bool:
    return bool(record(fleet.shared, name)["agent"]["buildId"] == before[name]["buildId"])


def test_in_a_good_upgrade_nobody_is_silent_for_longer_than_an_interval(fleet: Fleet, tmp_path: Path) -> None:
    interval_s = 10
    inventory = fleet.inventory(tmp_path / "inventory.py", heartbeat_interval=interval_s * 1000, offline_timeout=60_000)
    where = ("-i", inventory, "--shared", fleet.shared)
    code, said = Variant(tmp_path / "old")("rollout", *where)
    assert code == 0, said
    product = Variant(tmp_path / "new", GOOD)
    with Listener(fleet.shared, NAMES) as heard:
        code, said = product("rollout", *where)
    assert code == 0, said
    assert {part["buildId"] for part in agent_parts(fleet).values()} == {product.build_id}
    assert {name: heard.longest_s(name) for name in NAMES if heard.longest_s(name) > interval_s + SLACK_S} == {}


@pytest.mark.parametrize("kind", ["first", "upgrade"])
def test_two_computers_at_once_end_in_one_of_the_two_builds_everywhere_and_who_lost_is_told(
    fleet: Fleet, tmp_path: Path, kind: str
) -> None:
    inventory = fleet.inventory(tmp_path / "inventory.py", heartbeat_interval=3000, offline_timeout=24_000)
    where = ("-i", inventory, "--shared", fleet.shared)
    if kind == "upgrade":
        code, said = Variant(tmp_path / "old")("rollout", *where)
        assert code == 0, said
    products = Variant(tmp_path / "here" / "one", GOOD), Variant(tmp_path / "there" / "two", ALSO_GOOD)
    ran = [(product, product.begin("rollout", *where)) for product in products]
    answers = {product.build_id: (process.communicate(timeout=600)[0], process.returncode) for product, process in ran}
    (build,) = {part["buildId"] for part in agent_parts(fleet).values()}
    assert answers.pop(build)[1] == 0, answers
    ((said, code),) = answers.values()
    # 0: it was through on every machine before the other one came
    assert code == 0 or (code in (1, STOPPED) and f"another rollout has put build {build} there" in said), said
    assert len(agents(fleet)) == 2 * len(NAMES)


@pytest.mark.parametrize("kind", ["first", "upgrade"])
def test_killed_at_any_instant_a_rollout_goes_on_from_there(fleet: Fleet, tmp_path: Path, kind: str) -> None:
    inventory = fleet.inventory(tmp_path / "inventory.py", heartbeat_interval=500, offline_timeout=8000)
    where = ("-i", inventory, "--shared", fleet.shared)
    products = Variant(tmp_path / "one"), Variant(tmp_path / "two", GOOD)
    within_s = usual_s(kind, products, where)
    for seed in range(KILLS):
        product = products[seed % 2]  # over the other one
        if kind == "first":
            code, said = product("uninstall", *where, "--yes")
            assert code == 0, said
        killed_and_resumed(product, where, seed, within_s)
        assert {part["buildId"] for part in agent_parts(fleet).values()} == {product.build_id}, seed
        assert len(agents(fleet)) == 2 * len(NAMES), seed
        for host in fleet:
            assert not list(host.local_dir.glob(".*.new")), seed
