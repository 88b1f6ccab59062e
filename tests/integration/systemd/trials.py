"""What the tests of replaced builds on real systemd share: the four machines, and what they say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.kits.product import record

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.nslab import Fleet, Host

NAMES = ("myia-po-2024", "myia-po-2023", "myia-web1", "myia-po-2025")
NAME = NAMES[0]
AGENT = "/var/lib/roosync/agent.pyz"


def where(fleet: Fleet, folder: Path) -> tuple[str | Path, ...]:
    return "-i", folder / "inventory.py", "--shared", fleet.share


def agent_part(fleet: Fleet, name: str = NAME) -> Any:
    return record(fleet.share, name)["agent"]


def changed(fleet: Fleet, before: dict[str, Any]) -> list[str]:
    """Return whose build is another than it was."""
    return [name for name in NAMES if agent_part(fleet, name)["buildId"] != before[name]["buildId"]]


def on_trial(host: Host) -> bool:
    return "# trial" in host.run("cat", AGENT)


def loops(host: Host) -> list[str]:
    """Return the processes there that beat: the unit's, and nobody else's."""
    return host.run("sh", "-c", "grep -alzx systemd /proc/[0-9]*/cmdline || true").split()
