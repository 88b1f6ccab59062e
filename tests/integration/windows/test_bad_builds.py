"""A build that never comes up on Windows-like hosts, or cannot be stopped: at most one is dark, for a moment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.windows.bad_builds import Old, old_fleet, roll_out_a_bad_build
from tests.kits.variant import NEVER_BEGUN

pytestmark = [pytest.mark.wine, pytest.mark.timeout(1200)]
#: What does not come up, or shows nothing of itself: the task that runs it is ended, however it hangs.
NEVER_UP = ("crashes at start", "hangs at start", "never writes", "another name")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Old]:
    with old_fleet(tmp_path_factory.mktemp("builds")) as old:
        yield old


@pytest.mark.parametrize("what", NEVER_BEGUN)
def test_a_build_that_cannot_be_loaded_or_stopped_touches_nobody(old: Old, tmp_path: Path, what: str) -> None:
    word = "failed" if what == "no such module" else "rolled back"  # it cannot even register its task
    roll_out_a_bad_build(old, tmp_path, what, word)


@pytest.mark.parametrize("what", NEVER_UP)
def test_a_build_that_does_not_come_up_touches_one_machine_which_goes_back_by_itself(
    old: Old, tmp_path: Path, what: str
) -> None:
    roll_out_a_bad_build(old, tmp_path, what)
