"""A rollout that is killed at any instant, or meets another one: one build everywhere, and the next one goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.cli.ramp import STOPPED
from tests.integration.rollout.conftest import NAMES
from tests.integration.rollout.test_replacing import agents
from tests.kits.product import record
from tests.kits.variant import GOOD, Variant, killed_and_resumed, usual_s

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.sshd import Fleet

#: How many kills of each kind; twenty before a release.
KILLS = int(os.environ.get("TEST_KILLS", "2"))
pytestmark = [pytest.mark.slow, pytest.mark.sshd, pytest.mark.timeout(600 + 120 * KILLS)]
#: Nothing is wrong with this one either, and it is a third one.
ALSO_GOOD = (GOOD[0], GOOD[1], f"{GOOD[2]}A_THIRD = 1\n")


def agent_parts(fleet: Fleet) -> dict[str, Any]:
    return {host.machine_id: record(fleet.shared, host.machine_id)["agent"] for host in fleet}


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
    parts = agent_parts(fleet)
    build = parts[NAMES[0]]["buildId"]
    told = {name: (part["buildId"], part.get("rolledBack"), part["startedAt"]) for name, part in parts.items()}
    assert {part["buildId"] for part in parts.values()} == {build}, (told, answers)
    assert answers[build][1] == 0, (told, answers)
    del answers[build]
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
