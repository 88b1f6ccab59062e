from __future__ import annotations

import re
from pathlib import Path

from roosync_ops.fleet import DATA_KEY, Fleet, load_inventory
from roosync_ops.lab import scenario as files
from roosync_ops.lab.scenario import HEARTBEAT_INTERVAL_MS, OFFLINE_TIMEOUT_MS, PROCEDURE
from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS

PORTS = {part.name: 40_000 + number for number, part in enumerate(PROCEDURE)}


def _fleet(tmp_path: Path) -> Fleet:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(files.inventory(tmp_path / 'a "lab"', PROCEDURE, PORTS))
    return load_inventory(inventory)


def test_the_labs_fleet_is_the_procedures_table(tmp_path: Path) -> None:
    fleet = _fleet(tmp_path)
    assert {name: set(ids) for name, ids in fleet.groups.items()} == {
        "enroll": {"myia-po-2024", "myia-po-2023", "myia-web1"},
        "active": {"myia-po-2025"},
        "off": {"myia-ai-01", "myia-po-2026"},
    }
    assert sum(machine.expected == "online" for machine in fleet) == 4
    assert all(machine.why for machine in fleet if machine.expected == "offline")


def test_no_unit_is_ever_made_on_the_users_own_computer(tmp_path: Path) -> None:
    assert {machine.permanence for machine in _fleet(tmp_path)} == {"process"}


def test_every_machine_is_reached_on_loopback_with_the_labs_own_key_and_strict_host_keys(tmp_path: Path) -> None:
    for machine in _fleet(tmp_path):
        name, data = machine.entry()
        assert data["ssh_hostname"] == "127.0.0.1"
        assert data["ssh_port"] == PORTS[name.removeprefix("@roosync-ssh/")]
        assert data["ssh_strict_host_key_checking"] == "yes"
        for key in ("ssh_key", "ssh_known_hosts_file", "ssh_config_file"):
            assert data[key].startswith(str(tmp_path / 'a "lab"'))


def test_every_path_lies_in_the_lab(tmp_path: Path) -> None:
    for machine in _fleet(tmp_path):
        home = str(tmp_path / 'a "lab"' / machine.machine_id)
        assert (machine.shared or "").startswith(f"{home}/Mon Drive/")
        assert (machine.local_dir or "").startswith(home)
        assert machine.entry()[1][DATA_KEY]["shared"] == machine.shared


def test_the_lab_beats_faster_than_the_protocol_in_the_same_proportion() -> None:
    assert HEARTBEAT_INTERVAL_MS / OFFLINE_TIMEOUT_MS == DEFAULT_INTERVAL_MS / DEFAULT_TIMEOUT_MS


def test_the_ssh_configuration_reads_nothing_of_the_users() -> None:
    text = files.ssh_config(Path("/labs/with space"), {"myia-web1": 40_002})
    assert re.findall(r"^ *(\w+) (.*)$", text, re.MULTILINE) == [
        ("Host", "myia-web1"),
        ("HostName", "127.0.0.1"),
        ("Port", "40002"),
        ("User", "lab"),
        ("IdentityFile", '"/labs/with space/id_ed25519"'),
        ("IdentitiesOnly", "yes"),
        ("IdentityAgent", "none"),
        ("UserKnownHostsFile", '"/labs/with space/known_hosts"'),
        ("GlobalKnownHostsFile", "/dev/null"),
        ("StrictHostKeyChecking", "yes"),
        ("UpdateHostKeys", "no"),
    ]
