"""A build that goes bad on Windows-like hosts is left again by its own machine, whose task brings the guard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.windows.bad_builds import NAMES, Old, old_fleet, roll_out_a_bad_build
from tests.kits.hosts import wait_for
from tests.kits.variant import GOOD, Variant

pytestmark = [pytest.mark.wine, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    with old_fleet(tmp_path_factory.mktemp("trials")) as old:
        yield old


@pytest.mark.parametrize("what", ["dies after 3 beats", "hangs after 3 beats", "eats memory"])
def test_a_build_that_goes_bad_touches_one_machine_which_goes_back_by_itself(
    old: Old, tmp_path: Path, what: str
) -> None:
    roll_out_a_bad_build(old, tmp_path, what)
    assert sum("rolledBack" in part for part in old.parts().values()) == 1
    code, said = old.product("rollout", *old.where)  # and whoever rolls out the build before has nothing to do
    assert code == 0, said


def test_a_good_build_proves_itself_though_the_machine_goes_down_in_its_trial(old: Old, tmp_path: Path) -> None:
    name, product = NAMES[0], Variant(tmp_path / "new", GOOD)
    build = old.parts()[name]["buildId"]
    process = product.begin("rollout", *old.where, "--limit", name)
    wait_for("a beat of the new build", lambda: old.parts()[name]["buildId"] != build, 240)
    process.kill()
    process.communicate()
    old.fleet[name.upper()].restart()
    code, said = product("rollout", *old.where, "--resume")
    assert code == 0, said
    assert old.parts()[name]["buildId"] == product.build_id, said
