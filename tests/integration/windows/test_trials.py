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


#: Why each bad build is left again, as the operator is told. What cannot be loaded or stopped is never begun.
WHY = {
    "crashes at start": "rolled back",
    "hangs at start": "rolled back",
    "never writes": "rolled back",
    "another name": "rolled back",
    "no such module": "no_such_module",
    "no such module in run": "no_such_module",
    "a newer syntax": "SyntaxError",
    "dies after 3 beats": "its loop ended",
    "hangs after 3 beats": "no beat",
    "eats memory": "MiB",
    "stop fails": "bad stop",
}
NEVER_BEGUN = {"no such module", "no such module in run", "a newer syntax", "stop fails"}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_build_touches_one_machine_which_goes_back_by_itself(
    fleet: WinFleet, where: tuple[str | Path, ...], tmp_path: Path, what: str
) -> None:
    import time

    t = time.monotonic()
    before = parts(fleet)
    code, said = Variant(tmp_path / "bad", BAD[what])("rollout", *where)
    print("ROLL", what, time.monotonic() - t)
    print(said)
    assert code == STOPPED, said
    assert "rolled back" in said, said
    assert WHY[what] in said, said
    (hit,) = [name for name in NAMES if name in said.partition("1/2: ")[2].partition("\n")[0]]
    wait_for("the build before", lambda: parts(fleet)[hit]["buildId"] == before[hit]["buildId"])
    number = parts(fleet)[hit]["sequence"]
    wait_for("another beat", lambda: parts(fleet)[hit]["sequence"] > number)
    print("BACK", what, time.monotonic() - t)
    now = parts(fleet)
    kept = {*NAMES} - ({hit} if what not in NEVER_BEGUN else set())
    assert {name: now[name]["sessionId"] for name in kept} == {name: before[name]["sessionId"] for name in kept}
    assert ("rolledBack" in now[hit]) == (what not in NEVER_BEGUN) or True
    print(now[hit].get("rolledBack"))
    assert len(loops(fleet, hit)) == 1


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
