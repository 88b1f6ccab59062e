"""What was met on the way to a machine."""

from __future__ import annotations

from typing import Any

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.transport.reach import port_of


@pytest.mark.parametrize(
    ("fields", "port"),
    [
        ({}, 22),
        ({"port": 2222}, 2222),
        ({"ssh": {"ssh_port": 23}}, 23),
        ({"system": "windows", "transport": "winrm"}, 5986),
        ({"system": "windows", "transport": "winrm", "winrm": {"winrm_transport": "http"}}, 5985),
        ({"system": "windows", "transport": "winrm", "winrm": {"winrm_port": 5999}}, 5999),
    ],
)
def test_the_port_is_the_inventorys_or_the_transports_own(fields: dict[str, Any], port: int) -> None:
    assert port_of(Machine.of("m", fields)) == port


def test_the_known_hosts_file_is_the_one_the_inventory_names() -> None:
    assert Machine.of("m", {}).ssh_file("ssh_known_hosts_file") is None
    assert Machine.of("m", {"ssh": {"ssh_known_hosts_file": "/k"}}).ssh_file("ssh_known_hosts_file") == "/k"
