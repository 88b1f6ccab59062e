"""A bad build, rolled out at the default intervals, costs one machine less than two minutes, and is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.cli.ramp import STOPPED
from tests.integration.rollout.conftest import NAMES
from tests.integration.rollout.test_killed import agent_parts
from tests.integration.rollout.test_replacing import agents
from tests.kits.hosts import wait_for
from tests.kits.listener import Listener
from tests.kits.product import record
from tests.kits.sshd import Fleet
from tests.kits.variant import BAD, GOOD, NEVER_BEGUN, TOLD, Variant

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.sshd, pytest.mark.timeout(1200)]
#: A bad build is gone, and the one before beats, within so long, in s.
BACK_S = 120
#: The default interval, and how late a beat may be on a computer that is busy, in s.
INTERVAL_S, SLACK_S = 30, 5


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


def is_back(fleet: Fleet, name: str, before: dict[str, Any]) -> bool:
    return bool(record(fleet.shared, name)["agent"]["buildId"] == before[name]["buildId"])


def test_in_a_good_upgrade_nobody_is_silent_for_longer_than_an_interval(fleet: Fleet, tmp_path: Path) -> None:
    interval_s = 6
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
