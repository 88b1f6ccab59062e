"""A drive that hangs or is slow in one session and not in another, on Windows-like hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.windows.hosts import enrolled
from tests.kits.hosts import wait_for
from tests.kits.product import record, roosync_ops
from tests.kits.windows_agent import WindowsAgent
from tests.kits.winlab import WinFleet, WinHostSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.wine, pytest.mark.fuse]


@pytest.fixture(scope="module")
def agent() -> Iterator[WindowsAgent]:
    """Yield an agent on a host whose SSH sessions hang where they touch the drive."""
    with WinFleet([WinHostSpec("MYIA-PO-2026", drive_in_ssh="hangs")]) as fleet:
        yield WindowsAgent(fleet["MYIA-PO-2026"], heartbeatInterval=1_000, offlineTimeout=120_000, shareDeadline=2)


def test_a_drive_that_hangs_in_the_ssh_session_is_asked_for_in_the_logon_session(agent: WindowsAgent) -> None:
    look = agent.over_ssh("look")
    assert (look["session"], look["share"]["hung"], look["share"]["readable"]) == ("logon", False, True)
    assert agent.over_ssh("register")["success"] is True
    agent.over_ssh("install")
    assert agent.over_ssh("start")["success"] is True
    assert agent.over_ssh("stop")["result"]["stateSaved"] is True


def test_a_drive_that_was_just_mounted_is_slow_and_not_dead(agent: WindowsAgent) -> None:
    """A touch takes longer than the deadline of 2 s, for as long as a start may take: it stays, says so, and beats."""
    if agent.beats():
        agent.at_console("stop")
    agent.at_console("install")
    with agent.host.cold_drive(3, 90):
        started = agent.at_console("start")
        assert started["success"] is True
        assert "depuis" in started["message"], started
        assert len(agent.loops()) == 1
    with agent.host.cold_drive(8, 24):
        look = agent.at_console("look")
        assert (look["share"]["hung"], look["share"]["readable"]) == (False, True), "a look has a minute"
    before = agent.sequence()
    wait_for("beats", lambda: agent.sequence() >= before + 2)
    assert agent.at_console("status")["share"]["state"] == "ok"


def test_a_rollout_goes_through_a_drive_that_was_just_mounted(tmp_path: Path) -> None:
    """A touch takes 10 s of the minute that a look has; the share's own deadline is 5 s."""
    with WinFleet([WinHostSpec("MYIA-PO-2024")]) as fleet:
        host = fleet["MYIA-PO-2024"]
        (host.share / "dashboards").mkdir(parents=True)
        inventory = tmp_path / "inventory.py"
        inventory.write_text(f"from roosync_ops.fleet import machine\n{enrolled(fleet, 120_000)}", "utf-8")
        with host.cold_drive(10, 40):
            done = roosync_ops("rollout", "--inventory", inventory, "--shared", host.share, timeout=300)
        assert done.code == 0, done
        assert "survives a reboot once its user has logged on. After updates that restart at night" in done.out
        assert record(host.share, "myia-po-2024")["agent"]["state"] == "running"
