"""An inventory is one line a machine, and a wrong line is one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyinfra.api.inventory import Inventory

from roosync_ops.fleet import Fleet, FleetError, Machine, load_inventory, machine
from roosync_ops.pyinfra_ops.ssh import SshConnector

REPOSITORY = Path(__file__).parents[3]


def write(tmp_path: Path, body: str) -> Path:
    path = tmp_path / "inventory.py"
    path.write_text(f"from roosync_ops.fleet import machine, check_groups\n{body}", encoding="utf-8")
    return path


def test_the_projects_inventory_is_the_fleet_of_the_procedure() -> None:
    fleet = load_inventory(REPOSITORY / "inventory.py")
    assert fleet.groups["enroll"] == ("myia-po-2024", "myia-po-2023", "myia-web1")
    assert fleet.groups["active"] == ("myia-po-2025",)
    assert fleet.groups["off"] == ("myia-ai-01", "myia-po-2026")
    assert [one.machine_id for one in fleet if one.expected == "offline"] == ["myia-ai-01", "myia-po-2026"]
    assert all(one.why for one in fleet.select(["off"]))
    assert {one.system for one in fleet} == {"windows"}


def test_a_machine_is_an_ordinary_pyinfra_host_with_strict_host_keys() -> None:
    name, data = machine("myia-po-2024", host="myia-po-2024.local", user="me", port=2222, ssh={"ssh_key": "~/k"})
    assert name == "@roosync-ssh/myia-po-2024"
    assert data["ssh_hostname"] == "myia-po-2024.local"
    assert data["ssh_user"] == "me"
    assert data["ssh_port"] == 2222
    assert data["ssh_key"] == "~/k"
    assert data["ssh_strict_host_key_checking"] == "yes"


def test_a_windows_machine_is_a_host_of_our_connector_under_its_plain_name() -> None:
    name, data = machine("myia-po-2024", system="windows", host="myia-po-2024.local")
    assert name == "@roosync-ssh/myia-po-2024"
    host = Inventory(([(name, data)], {}), lan=([name], {})).get_host("myia-po-2024")
    assert [host.name, *host.groups] == ["myia-po-2024", "lan"]
    assert host.connector_cls is SshConnector
    assert Machine.of_host(host.name, host.data.dict()).system == "windows"


def test_one_without_ssh_is_a_host_of_the_other_with_its_own_data_keys() -> None:
    name, data = machine("m", system="windows", transport="winrm", host="h", port=5986, winrm={"winrm_ca": "/ca.pem"})
    assert name == "@roosync-winrm/m"
    assert (data["winrm_hostname"], data["winrm_port"], data["winrm_ca"]) == ("h", 5986, "/ca.pem")
    assert not [key for key in data if key.startswith("ssh_")]


def test_a_host_of_our_connector_written_by_hand_is_of_the_system_it_says(tmp_path: Path) -> None:
    hosts = '("@roosync-ssh/m1", {"ssh_user": "me", "system": "windows"}), "@roosync-ssh/m2"'
    fleet = load_inventory(write(tmp_path, f"lab = [{hosts}]\n"))
    assert {one.machine_id: one.system for one in fleet} == {"m1": "windows", "m2": "posix"}
    host = Inventory(([("@roosync-ssh/m1", {"ssh_user": "me", "system": "windows"})], {})).get_host("m1")
    assert Machine.of_host(host.name, host.data.dict()).system == "windows"


@pytest.mark.parametrize(
    "body",
    [
        'lab = [machine("m1", system="windows")]\nlan = ["m1"]\n',
        'lab = [("m1", {"system": "windows"})]\n',
        'lab = [machine("m1")]\nlan = ["@roosync-winrm/m1"]\n',
    ],
)
def test_a_name_that_pyinfra_would_reach_the_wrong_way_is_refused(tmp_path: Path, body: str) -> None:
    with pytest.raises(FleetError, match=r"m1: pyinfra would not reach '.*m1' as .*; write '.*m1'"):
        load_inventory(write(tmp_path, body))


def test_a_second_group_names_a_windows_machine_with_its_connector(tmp_path: Path) -> None:
    fleet = load_inventory(write(tmp_path, 'lab = [machine("m1", system="windows")]\nlan = ["@roosync-ssh/m1"]\n'))
    assert fleet.groups == {"lab": ("m1",), "lan": ("m1",)}
    assert [one.machine_id for one in fleet.select(["lan"])] == ["m1"]


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        pytest.param("a", {"transport": "winrm"}, "a: transport 'winrm' is for Windows", id="WinRM to POSIX"),
        pytest.param(
            "a", {"bootstrap_python": True}, "a: bootstrap_python True is for Windows", id="bootstrap to POSIX"
        ),
        pytest.param("a", {"permanence": "task"}, "a: permanence 'task' is for Windows", id="task on POSIX"),
        pytest.param(
            "a", {"system": "windows", "permanence": "systemd"}, "permanence 'systemd' is not for Windows", id="systemd"
        ),
        pytest.param("a", {"winrm": {"winrm_password": "x"}}, "'winrm_password' is a secret", id="WinRM secret"),
        pytest.param("a", {"winrm": {"ssh_port": 1}}, "'ssh_port' is no data key of our WinRM", id="no WinRM key"),
        pytest.param("MyIA-Web1", {}, "MyIA-Web1: machine_id: must be the host name in lower case", id="upper case"),
        pytest.param("../evil", {}, "../evil: machine_id: must be", id="a path"),
        pytest.param("a" * 64, {}, "machine_id: must be", id="64 characters"),
        pytest.param("con", {}, "con: machine_id: must be", id="a Windows device"),
        pytest.param("a", {"expectd": "online"}, "a: expectd: unknown field; known are expected", id="unknown field"),
        pytest.param("a", {"expected": "on"}, "a: expected: ", id="unknown expectation"),
        pytest.param(
            "a",
            {"heartbeat_interval": 120_000},
            "a: heartbeat_interval (120000 ms) must be shorter than offline_timeout (120000 ms)",
            id="interval not below timeout",
        ),
        pytest.param("a", {"port": 65_536}, "a: port: ", id="port"),
        pytest.param("a", {"shared": "drive"}, "a: shared: must be an absolute path", id="relative share"),
        pytest.param(
            "a", {"shared": "G:\\Mon Drive\new"}, "a: shared: 'G:\\\\Mon Drive\\new' holds a line break", id="\\n"
        ),
        pytest.param("a", {"local_dir": "C:\tools"}, 'a tab or the like: write r"...", or / for each \\', id="\\t"),
        pytest.param("a", {"host": "-oProxyCommand=x"}, "a: host: must not", id="an option for a host"),
        pytest.param("a", {"host": "a\0b"}, "a: host: must not", id="NUL"),
        pytest.param("a", {"ssh": {"ssh_password": "x"}}, "a: ssh: 'ssh_password' is a secret", id="secret"),
        pytest.param("a", {"ssh": {"shell": "x"}}, "a: ssh: 'shell' is no data key", id="no ssh key"),
        pytest.param("a", {"metadata": {"k": "x" * 9_000}}, "a: metadata: must be at most 8192", id="metadata"),
    ],
)
def test_a_wrong_line_is_one_sentence_naming_machine_and_field(name: str, fields: Any, expected: str) -> None:
    with pytest.raises(FleetError) as caught:
        machine(name, **fields)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("line", ["h = [('a', {1: 2, 'ssh_port': 9})]", "h = ['a'], {1: 2, 'ssh_port': 9}"])
def test_data_of_another_tool_may_have_any_keys(tmp_path: Path, line: str) -> None:
    path = tmp_path / "inventory.py"
    path.write_text(line)
    assert [machine.port for machine in load_inventory(path)] == [9]


def test_a_machine_defined_twice_is_refused_with_the_files_name(tmp_path: Path) -> None:
    path = write(tmp_path, 'a = [machine("m1")]\nb = [machine("m1")]\n')
    with pytest.raises(FleetError, match=r"inventory\.py: m1: machine_id: defined twice"):
        load_inventory(path)


def test_plain_pyinfra_sees_the_duplicate_too(tmp_path: Path) -> None:
    path = write(tmp_path, 'a = [machine("m1")]\nb = [machine("m1")]\ncheck_groups(a, b)\n')
    with pytest.raises(FleetError, match="m1: machine_id: defined twice"):
        load_inventory(path)


def test_a_bare_name_in_a_second_group_refers_to_its_machine(tmp_path: Path) -> None:
    path = write(tmp_path, 'lan = ["m1", "m2"]\nall_of_them = [machine("m1", expected="offline")]\n')
    fleet = load_inventory(path)
    assert len(fleet) == 2
    assert fleet.select(["lan"]) == (Machine(machine_id="m1", expected="offline"), Machine(machine_id="m2"))


def test_a_host_written_by_hand_is_a_machine(tmp_path: Path) -> None:
    path = write(tmp_path, 'off = [("m1", {"expected": "offline", "ssh_user": "me", "mine": 1})]\n')
    assert load_inventory(path).get("m1") == Machine(machine_id="m1", expected="offline", user="me")


def test_a_missing_file_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="no such inventory file; name one with --inventory"):
        load_inventory(tmp_path / "none.py")


def test_an_unknown_machine_or_group_names_the_known_ones() -> None:
    with pytest.raises(FleetError, match=r"m9: no such machine or group in the inventory; it has m1, lan"):
        Fleet([Machine(machine_id="m1")], {"lan": ["m1"]}).select(["m9"])
