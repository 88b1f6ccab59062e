"""Bad builds over Windows-like hosts that beat: at most one is dark, for a moment, and goes back by itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from roosync_ops.cli.ramp import STOPPED
from roosync_ops.lab.replica import FolderReplica
from roosync_ops.lab.replicator import Replicator, stepping
from tests.integration.windows.hosts import enrolled, speed
from tests.kits.hosts import wait_for
from tests.kits.product import record
from tests.kits.variant import BAD, GOOD, NEVER_BEGUN, TOLD, Variant
from tests.kits.winlab import WinFleet, WinHostSpec

pytestmark = [pytest.mark.wine, pytest.mark.timeout(1200)]
#: Each of two bad builds has a pair of its own, at the same time.
PAIRS = (("myia-po-2023", "myia-po-2024"), ("myia-po-2025", "myia-po-2026"))
NAMES = PAIRS[0] + PAIRS[1]
#: The eleven, two that take as long as each other at a time.
ROUNDS = (
    ("no such module", "no such module in run"),
    ("a newer syntax", "stop fails"),
    ("crashes at start", "hangs at start"),
    ("never writes", "another name"),
    ("dies after 3 beats", "hangs after 3 beats"),
    ("eats memory",),
)
#: It cannot even register its task.
FAILS = "no such module"


class Old(NamedTuple):
    """Hosts that beat as the product of before, each into its own replica of a share, and how they are reached."""

    fleet: WinFleet
    where: tuple[str | Path, ...]
    product: Variant
    build: str

    def parts(self, *names: str) -> dict[str, Any]:
        """What each host's own record says of its agent."""
        return {name: record(self.fleet[name.upper()].share, name)["agent"] for name in names}

    def loops(self, name: str) -> list[str]:
        """What runs there as an agent's loop."""
        return [line for _, line in self.fleet[name.upper()].processes() if " run " in line and "agent" in line]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    folder = tmp_path_factory.mktemp("builds")
    with WinFleet([WinHostSpec(name.upper()) for name in NAMES]) as fleet:
        for host in fleet:
            (host.share / "dashboards").mkdir(parents=True, exist_ok=True)
            speed(host, 20)
        inventory = folder / "inventory.py"
        inventory.write_text(f"from roosync_ops.fleet import machine\n{enrolled(fleet, 120_000)}", "utf-8")
        product = Variant(folder / "old")
        old = Old(fleet, ("-i", inventory), product, product.build_id)
        with stepping(Replicator({host.name: FolderReplica(host.share) for host in fleet})):
            code, said = old.product("rollout", *old.where)
            assert code == 0, said
            yield old


def test_the_rounds_are_all_there_are() -> None:
    assert sorted(what for each in ROUNDS for what in each) == sorted(BAD)


@pytest.mark.parametrize("builds", ROUNDS, ids=", ".join)
def test_a_bad_build_touches_one_machine_at_most_which_goes_back_by_itself(
    old: Old, tmp_path: Path, builds: tuple[str, ...]
) -> None:
    with ThreadPoolExecutor(len(PAIRS)) as pool:
        ran = [pool.submit(roll_out, old, tmp_path, pair, what) for pair, what in zip(PAIRS, builds, strict=False)]
        for each in ran:
            each.result()


def roll_out(old: Old, folder: Path, pair: tuple[str, str], what: str) -> None:
    """One that does not begin is refused before the build of before was ended."""
    wait_for("the build of before", lambda: {part["buildId"] for part in old.parts(*pair).values()} == {old.build})
    before = old.parts(*pair)
    code, said = Variant(folder / pair[0] / what, BAD[what])("rollout", *pair, *old.where)
    assert code == STOPPED, said
    assert TOLD[what] in said, said
    word = "failed" if what == FAILS else "rolled back"
    (hit,) = [name for name in pair if f"1/2: {name} {word}" in said]
    wait_for("the build before", lambda: old.parts(hit)[hit]["buildId"] == old.build)
    number = old.parts(hit)[hit]["sequence"]
    wait_for("another beat", lambda: old.parts(hit)[hit]["sequence"] > number)
    now = old.parts(*pair)
    for name in pair:
        if name != hit or what in NEVER_BEGUN:
            assert now[name]["sessionId"] == before[name]["sessionId"], said
    assert len(old.loops(hit)) == 1
    if what not in NEVER_BEGUN:
        assert [name for name in pair if "rolledBack" in now[name]] == [hit], said
    if what == "eats memory":  # and whoever rolls out the build before has nothing to do
        code, said = old.product("rollout", *pair, *old.where)
        assert code == 0, said


def test_a_good_build_proves_itself_though_the_machine_goes_down_in_its_trial(old: Old, tmp_path: Path) -> None:
    name, product = NAMES[0], Variant(tmp_path / "new", GOOD)
    process = product.begin("rollout", *old.where, "--limit", name)
    wait_for("a beat of the new build", lambda: old.parts(name)[name]["buildId"] != old.build, 240)
    process.kill()
    process.communicate()
    old.fleet[name.upper()].restart()
    code, said = product("rollout", *old.where, "--resume")
    assert code == 0, said
    assert old.parts(name)[name]["buildId"] == product.build_id, said
