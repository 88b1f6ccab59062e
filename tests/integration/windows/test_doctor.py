"""`roosync-ops doctor windows` over a real SSH, to a host whose PowerShell is a stub: asked, bounded and redacted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kits import powershell
from tests.kits.product import roosync_ops
from tests.kits.winlab import WinFleet, WinHostSpec

from .hosts import enrolled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.wine,
    pytest.mark.timeout(600),  # the first run builds the kit
]
ELODIE = WinHostSpec("MYIA-PO-2024", user_profile="Élodie Dupont", drive_in_ssh=False)


@pytest.fixture(scope="module")
def fleet() -> Iterator[WinFleet]:
    with WinFleet([ELODIE]) as fleet:
        powershell.install(fleet[ELODIE.name])
        yield fleet


def test_a_machine_is_asked_and_what_it_says_is_written_down_without_its_names(fleet: WinFleet, tmp_path: Path) -> None:
    inventory, report = tmp_path / "inventory.py", tmp_path / "report.md"
    text = enrolled(fleet, 12_000)
    inventory.write_text(f"from roosync_ops.fleet import machine\n\n{text}", "utf-8")
    before = fleet[ELODIE.name].files()
    done = roosync_ops(
        "doctor", "windows", "myia-po-2024", "-i", str(inventory), "-o", str(report), "--json", timeout=540
    )
    document = done.document
    assert done.code == 1, done.err  # one line hangs
    told = {line["decides"]: line["answer"] for line in document["lines"] if line["overSsh"]}
    assert [decides for decides, answer in told.items() if answer is None] == [
        "whether an update of OpenSSH will start here, or end with 1067"
    ]
    assert told["whether only the logon session sees the drive, as the agent's task takes it"] == "False\nC G"
    assert told["whether an old sshd needs both key files"].startswith("VORDEFINIERT\\Administratoren\n")
    written = report.read_text("utf-8")
    for private in ("Élodie", "MYIA-PO-2024", "myia-po-2024", "192.0.2", "S-1-5-21", fleet[ELODIE.name].shared):
        assert private not in written, private
    assert r"C:\users\<user>\AppData\Local\Microsoft\WindowsApps\py.exe".lower() in written.lower()
    assert "<share> on <name> as <account> at <address>" in written
    assert fleet[ELODIE.name].files() == before, "nothing of ours is left there"
