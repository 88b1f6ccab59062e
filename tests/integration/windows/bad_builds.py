"""A bad build rolled out over two Windows-like hosts that beat: what it may do to one of them, and to no other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from roosync_ops.cli.ramp import STOPPED
from roosync_ops.lab.replica import FolderReplica
from roosync_ops.lab.replicator import Replicator
from roosync_ops.lab.threads import SyncThread
from tests.integration.windows.hosts import enrolled, speed
from tests.kits.hosts import wait_for
from tests.kits.product import record
from tests.kits.variant import BAD, NEVER_BEGUN, TOLD, Variant
from tests.kits.winlab import WinFleet, WinHostSpec

NAMES = ("myia-po-2023", "myia-po-2024")


class Old(NamedTuple):
    """Two hosts that beat as the product of before, each into its own replica of a share, and how they are reached."""

    fleet: WinFleet
    where: tuple[str | Path, ...]
    product: Variant

    def parts(self) -> dict[str, Any]:
        """What each host's own record says of its agent."""
        return {host.name.lower(): record(host.share, host.name.lower())["agent"] for host in self.fleet}

    def loops(self, name: str) -> list[str]:
        """What runs there as an agent's loop."""
        return [line for _, line in self.fleet[name.upper()].processes() if " run " in line and "agent" in line]


@contextmanager
def old_fleet(folder: Path) -> Iterator[Old]:
    with WinFleet([WinHostSpec(name.upper()) for name in NAMES]) as fleet:
        for host in fleet:
            (host.share / "dashboards").mkdir(parents=True, exist_ok=True)
            speed(host, 20)
        inventory = folder / "inventory.py"
        inventory.write_text(f"from roosync_ops.fleet import machine\n{enrolled(fleet, 120_000)}", "utf-8")
        old = Old(fleet, ("-i", inventory), Variant(folder / "old"))
        with SyncThread(Replicator({host.name: FolderReplica(host.share) for host in fleet})):
            code, said = old.product("rollout", *old.where)
            assert code == 0, said
            yield old


def roll_out_a_bad_build(old: Old, folder: Path, what: str, word: str = "rolled back") -> None:
    """See that it touches one host at most, which goes back by itself, and that the operator is told why.

    One that does not begin is refused before the build of before was ended. `word` is its outcome.
    """
    before = old.parts()
    code, said = Variant(folder / what, BAD[what])("rollout", *old.where)
    assert code == STOPPED, said
    assert TOLD[what] in said, said
    (hit,) = [name for name in NAMES if f"1/2: {name} {word}" in said]
    wait_for("the build before", lambda: old.parts()[hit]["buildId"] == before[hit]["buildId"])
    number = old.parts()[hit]["sequence"]
    wait_for("another beat", lambda: old.parts()[hit]["sequence"] > number)
    now, spared = old.parts(), {*NAMES} - ({hit} if what not in NEVER_BEGUN else set())
    assert {name: now[name]["sessionId"] for name in spared} == {name: before[name]["sessionId"] for name in spared}
    assert len(old.loops(hit)) == 1
