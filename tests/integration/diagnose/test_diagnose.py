"""`roosync-ops diagnose` from outside, over real SSH: each trouble is named, and what is safe is mended."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.show import schemas
from tests.integration.diagnose.conftest import TIMEOUT_MS, Scene, causes, row_of
from tests.kits.hosts import free_ports
from tests.kits.product import roosync_ops
from tests.kits.shares import ours, put
from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

TROUBLES = {
    "well": "well",
    "frozen": "zombie",
    "killed": "agent-dead",
    "stopped": "stopped-on-purpose",
    "share-gone": "share-missing",
    "stalled": "uploads-stalled",
    "outdated": "agent-outdated",
    "broken": "agent-broken",
    "bare": "not-enrolled",
    "other-name": "wrong-name",
    "no-python": "no-python",
    "new-key": "host-key-changed",
    "unknown-key": "host-key-unknown",
    "refused": "login-refused",
    "down": "nobody-listens",
    "silent": "ssh-silent",
    "off": "machine-off",
    "off-on-purpose": "expected-off",
    "nameless": "name-not-resolved",
}


@pytest.fixture(scope="module")
def document(troubled: Scene) -> dict[str, Any]:
    """One look at all of them, once what was harmed has been silent long enough."""
    time.sleep(TIMEOUT_MS / 1000 + 0.5)
    return troubled.document("--timeout", "8")


@pytest.mark.parametrize("name", TROUBLES)
def test_each_trouble_is_named_though_others_cannot_be_reached(document: dict[str, Any], name: str) -> None:
    row = row_of(document, name)
    assert row["cause"] == TROUBLES[name], row
    assert row["ok"] == (name in ("well", "off-on-purpose"))
    assert bool(row["command"]) != row["ok"]


def test_all_causes_of_one_look_are_those_and_no_others(document: dict[str, Any]) -> None:
    assert causes(document) == TROUBLES


def test_the_report_fits_a_terminal_and_names_what_to_type(troubled: Scene) -> None:
    answer = troubled.diagnose("killed", "refused", "--timeout", "8")
    assert answer.code == 1, answer
    assert answer.seconds < 60  # the hung machines' limits have ended, however busy the computer: 3 s where it is quiet
    assert re.search(r"^  Next: roosync-ops restart killed( |$)", answer.out, re.MULTILINE)
    assert "2 machines: 0 as expected, 2 not" in answer.out
    assert all(len(line) <= 120 for line in answer.out.split("\n") if "Next: " not in line)
    assert "\x1b" not in answer.out


def test_a_name_nobody_knows_is_a_usage_error_and_one_that_beats_is_told(troubled: Scene) -> None:
    assert troubled.diagnose("nobody", "--timeout", "8").code == 2
    record = (troubled.fleet.shared / "heartbeats" / "well.json").read_text().replace('"well"', '"ghost"')
    path = troubled.fleet.shared / "heartbeats" / "ghost.json"
    path.write_text(record)
    try:
        assert causes(troubled.document("ghost", "--timeout", "8")) == {"ghost": "not-in-inventory"}
    finally:
        path.unlink()


def test_a_lost_view_is_rebuilt_where_no_agent_would(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    inventory = tmp_path / "inventory.py"
    fields = {"host": "127.0.0.1", "port": port, "expected": "offline"}
    inventory.write_text(f"from roosync_ops.fleet import machine\n\noff = [machine('off', **{fields!r})]\n")
    put(tmp_path, ours("off", 3_600_000))
    (tmp_path / "heartbeat.json").write_bytes(b"")
    answer = roosync_ops("diagnose", "--fix", "-i", inventory, "--shared", tmp_path)
    assert answer.code == 0, answer
    assert "Done: rebuild heartbeat.json" in answer.out
    assert '"off"' in (tmp_path / "heartbeat.json").read_text()


@pytest.mark.sshd
def test_a_lost_view_is_rebuilt_in_the_replica_of_a_machine_where_there_is_none_here(tmp_path: Path) -> None:
    with Fleet(tmp_path, ["one"]) as fleet:
        inventory = fleet.inventory(tmp_path / "inventory.py")
        for words in (("rollout",), ("stop", "one")):
            answer = roosync_ops(*words, "-i", inventory)
            assert answer.code == 0, answer
        view, orphan = fleet.shared / "heartbeat.json", fleet.shared / "heartbeats" / ".gone.tmp"
        view.unlink()
        orphan.write_text("x")
        os.utime(orphan, (time.time() - 86_400,) * 2)
        wanted = [("rebuild-view", "one", []), ("sweep", "one", ["heartbeats/.gone.tmp"])]
        for flags, done in ((("--fix", "--dry"), False), (("--fix",), True)):
            document = schemas.of("diagnose").validate_python(
                roosync_ops("diagnose", *flags, "-i", inventory, "--json").document
            )
            assert [(one["fix"], one["machineId"], one["files"]) for one in document["fixes"]] == wanted, document
            assert [one["done"] for one in document["fixes"]] == [done, done]
            assert (view.exists(), orphan.exists()) == (done, not done)
        assert document["here"]["cause"] == "well"
        assert '"one"' in view.read_text()


def test_fix_does_what_is_safe_says_so_and_nothing_else(troubled: Scene) -> None:
    shared = troubled.fleet.shared
    orphan, theirs = shared / "heartbeats" / ".gone.tmp", shared / "heartbeats" / "old.tmp"
    for path in (orphan, theirs):
        path.write_text("x")
        os.utime(path, (time.time() - 86_400,) * 2)
    names = ["frozen", "killed", "stopped", "share-gone", "--timeout", "60"]
    shown = troubled.document(*names, "--fix", "--dry")
    wanted = [("restart", "frozen"), ("restart", "killed"), ("sweep", None)]
    assert [(fix["fix"], fix["machineId"]) for fix in shown["fixes"]] == wanted
    assert not any(fix["done"] for fix in shown["fixes"])
    assert orphan.exists()
    done = troubled.document(*names, "--fix")
    assert [(fix["fix"], fix["machineId"]) for fix in done["fixes"] if fix["done"]] == wanted, done["fixes"]
    assert done["fixes"][2]["files"] == ["heartbeats/.gone.tmp"]
    assert causes(done) == {
        "frozen": "well",
        "killed": "well",
        "stopped": "stopped-on-purpose",
        "share-gone": "share-missing",
    }
    assert theirs.exists()
    assert not orphan.exists()
