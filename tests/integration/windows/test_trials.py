"""A bad build on Windows-like hosts: at most one is touched, and it goes back by itself, as its task's guard."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.cli.ramp import STOPPED
from roosync_ops.lab.replica import FolderReplica
from roosync_ops.lab.replicator import Replicator
from roosync_ops.lab.threads import SyncThread
from tests.integration.windows.hosts import enrolled, speed
from tests.kits.hosts import wait_for
from tests.kits.product import record
from tests.kits.variant import BAD, GOOD, Variant
from tests.kits.winlab import WinFleet, WinHostSpec

pytestmark = [pytest.mark.wine, pytest.mark.timeout(1200)]
NAMES = ("myia-po-2023", "myia-po-2024")


@pytest.fixture(scope="module")
def fleet() -> Iterator[WinFleet]:
    with WinFleet([WinHostSpec(name.upper()) for name in NAMES]) as fleet:
        for host in fleet:
            (host.share / "dashboards").mkdir(parents=True, exist_ok=True)
            speed(host, 20)
        with SyncThread(Replicator({host.name: FolderReplica(host.share) for host in fleet})):
            yield fleet


@pytest.fixture(scope="module")
def where(fleet: WinFleet, tmp_path_factory: pytest.TempPathFactory) -> tuple[str | Path, ...]:
    """The two machines beat as the product of `old`, each into its own replica of a share."""
    folder = tmp_path_factory.mktemp("trials")
    inventory = folder / "inventory.py"
    inventory.write_text(f"from roosync_ops.fleet import machine\n{enrolled(fleet, 120_000)}", "utf-8")
    code, said = Variant(folder / "old")("rollout", "-i", inventory)
    assert code == 0, said
    return "-i", inventory


def parts(fleet: WinFleet) -> dict[str, Any]:
    return {host.name.lower(): record(host.share, host.name.lower())["agent"] for host in fleet}


@pytest.mark.parametrize(
    ("what", "why"), [("crashes at start", "rolled back"), ("hangs after 3 beats", "no beat"), ("eats memory", "MiB")]
)
def test_a_bad_build_touches_one_machine_which_goes_back_by_itself(
    fleet: WinFleet, where: tuple[str | Path, ...], tmp_path: Path, what: str, why: str
) -> None:
    before = parts(fleet)
    code, said = Variant(tmp_path / "bad", BAD[what])("rollout", *where)
    assert code == STOPPED, said
    assert "rolled back" in said, said
    assert why in said, said
    (hit,) = [name for name in NAMES if "rolledBack" in parts(fleet)[name]]
    wait_for("the build before", lambda: parts(fleet)[hit]["buildId"] == before[hit]["buildId"])
    number = parts(fleet)[hit]["sequence"]
    wait_for("another beat", lambda: parts(fleet)[hit]["sequence"] > number)
    (other,) = {*NAMES} - {hit}
    assert parts(fleet)[other]["sessionId"] == before[other]["sessionId"]
    assert len(loops(fleet, hit)) == 1
    code, said = Variant(tmp_path / "old")(
        "rollout", *where
    )  # and whoever rolls out the build before has nothing to do
    assert code == 0, said


def test_a_good_build_proves_itself_though_the_machine_goes_down_in_its_trial(
    fleet: WinFleet, where: tuple[str | Path, ...], tmp_path: Path
) -> None:
    name, product = NAMES[0], Variant(tmp_path / "new", GOOD)
    build = parts(fleet)[name]["buildId"]
    process = product.begin("rollout", *where, "--limit", name)
    wait_for("a beat of the new build", lambda: parts(fleet)[name]["buildId"] != build, 240)
    process.kill()
    process.communicate()
    host = fleet[name.upper()]
    host.restart()
    code, said = product("rollout", *where, "--resume")
    assert code == 0, said
    assert parts(fleet)[name]["buildId"] == product.build_id, said


def loops(fleet: WinFleet, name: str) -> list[str]:
    """Return what runs there as an agent's loop."""
    return [line for _, line in fleet[name.upper()].processes() if " run " in line and "agent" in line]
