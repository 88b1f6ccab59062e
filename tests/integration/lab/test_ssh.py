"""The lab's machines as the clients see them: asyncssh, OpenSSH, and pyinfra's own connector."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest

from roosync_ops.lab.host import USER
from tests.kits.hosts import PATIENCE_S

if TYPE_CHECKING:
    from roosync_ops.lab.fleet import LabFleet

ON, OFF = "myia-po-2024", "myia-ai-01"


def _client(lab: LabFleet, name: str = ON, **options: Any) -> Any:
    settings = {
        "username": USER,
        "known_hosts": str(lab.root / "ssh" / "known_hosts"),
        "client_keys": [str(lab.root / "ssh" / "id_ed25519")],
        "config": None,
        "agent_path": None,
    }
    return asyncssh.connect("127.0.0.1", lab.port(name), **(settings | options))


def _run(lab: LabFleet, command: str, **options: Any) -> asyncssh.SSHCompletedProcess:
    async def run() -> asyncssh.SSHCompletedProcess:
        async with _client(lab) as connection:
            done: asyncssh.SSHCompletedProcess = await connection.run(command, **options)
            return done

    return asyncio.run(run())


def _openssh(lab: LabFleet, name: str, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ssh", "-F", str(lab.ssh_config), "-o", "BatchMode=yes", name, *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **options,
    )


def test_a_command_runs_on_the_machine_it_was_sent_to(lab: LabFleet) -> None:
    done = _run(lab, 'hostname; echo "$HOME"; echo oops >&2; exit 7')
    assert done.stdout == f"{ON}\n{lab.host(ON).home}\n"
    assert (done.stderr, done.exit_status) == ("oops\n", 7)


def test_a_commands_death_by_signal_is_told(lab: LabFleet) -> None:
    done = _run(lab, "kill -TERM $$")
    assert done.exit_signal is not None
    assert done.exit_signal[0] == "TERM"


def test_the_client_feeds_the_command_and_its_end_of_input_arrives(lab: LabFleet) -> None:
    assert str(_run(lab, "wc -c", input="x" * 1_000_000).stdout).strip() == "1000000"


def test_more_output_than_any_buffer_holds_arrives_whole(lab: LabFleet) -> None:
    done = _run(lab, "head -c 5000000 /dev/zero", encoding=None)
    assert done.stdout == bytes(5_000_000)


def test_a_session_ends_with_its_command_not_with_what_it_left_running(lab: LabFleet) -> None:
    began = time.monotonic()
    done = _run(lab, "sleep 600 & echo left $!")
    assert time.monotonic() - began < PATIENCE_S
    pid = int(str(done.stdout).split()[1])
    assert pid in lab.processes(ON)
    assert _run(lab, f"kill -9 {pid}").exit_status == 0


def test_ten_sessions_of_one_connection_run_side_by_side(lab: LabFleet) -> None:
    async def run() -> list[str]:
        async with _client(lab) as connection:
            each = (connection.run(f"cd ~; touch here-{number}; {until}; echo {number}") for number in range(10))
            return [process.stdout.strip() for process in await asyncio.wait_for(asyncio.gather(*each), PATIENCE_S)]

    until = "until [ $(ls -d here-* | wc -l) = 10 ]; do sleep 0.1; done"
    assert asyncio.run(run()) == [str(number) for number in range(10)]


def test_files_go_up_and_come_down_and_relative_paths_begin_at_home(lab: LabFleet, tmp_path: Path) -> None:
    sent, back = tmp_path / "sent", tmp_path / "back"
    sent.write_bytes(bytes(range(256)) * 1000)

    async def run() -> None:
        async with _client(lab) as connection, connection.start_sftp_client() as sftp:
            await sftp.put(str(sent), "file name")
            await sftp.get(f"{lab.host(ON).home}/file name", str(back))

    asyncio.run(run())
    assert back.read_bytes() == sent.read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"client_keys": [asyncssh.generate_private_key("ssh-ed25519")]}, id="another key"),
        pytest.param({"username": "root"}, id="another user"),
        pytest.param({"client_keys": None, "password": "lab"}, id="a password"),
    ],
)
def test_only_the_labs_user_with_the_labs_key_gets_in(lab: LabFleet, options: dict[str, Any]) -> None:
    async def run() -> None:
        async with _client(lab, **options):
            pass

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(run())


def test_every_machine_has_a_host_key_of_its_own(lab: LabFleet) -> None:
    keys = [line.split()[2] for line in (lab.root / "ssh" / "known_hosts").read_text().splitlines()]
    assert len(set(keys)) == len(lab.names) == 6


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc here")
def test_it_listens_on_loopback_alone(lab: LabFleet) -> None:
    """The addresses come from the kernel's own table."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    assert [address for address, port in listening if int(port, 16) == lab.port(ON)] == ["0100007F"]


def test_a_machine_that_is_off_refuses_and_keeps_its_port(lab: LabFleet) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", lab.port(OFF)), timeout=5)
    port = lab.port(OFF)
    lab.power_on(OFF)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        assert connection.recv(4) == b"SSH-"
    lab.power_off(OFF)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_power_cut_ends_processes_and_connections_at_once(lab: LabFleet) -> None:
    name = "myia-web1"

    async def run() -> None:
        async with _client(lab, name) as connection:
            process = await connection.create_process("echo $$; sleep 600")
            await process.stdout.readline()
            await asyncio.to_thread(lab.power_off, name)
            await connection.wait_closed()

    asyncio.run(asyncio.wait_for(run(), PATIENCE_S))
    assert lab.processes(name) == []
    lab.power_on(name)


@pytest.mark.openssh
def test_the_openssh_client_is_at_home(lab: LabFleet) -> None:
    done = _openssh(lab, ON, "hostname; cat; exit 3", input="fed\n")
    assert (done.stdout, done.returncode) == (f"{ON}\nfed\n", 3)


@pytest.mark.openssh
def test_a_terminal_is_a_real_one(lab: LabFleet) -> None:
    done = _openssh(lab, ON, "-tt", "tty; stty size; ps -o tty= -p $$", stdin=subprocess.DEVNULL)
    assert done.stdout.startswith("/dev/")
    assert "?" not in done.stdout


@pytest.mark.openssh
def test_the_openssh_sftp_client_uploads(lab: LabFleet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = subprocess.run(
        ["sftp", "-F", str(lab.ssh_config), "-b", "-", ON],
        input=f'put "{tmp_path}/file" uploaded\n'.encode(),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (lab.host(ON).home / "uploaded").read_text() == "x"


PYINFRA = """
import json, sys
from gevent import monkey
monkey.patch_all()
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all, disconnect_all
from pyinfra.facts.server import Command, Hostname
name, data = json.loads(sys.argv[1])
state = State(Inventory(([(name, data)], {})), Config(CONNECT_TIMEOUT=5))
connect_all(state)
host = state.inventory.get_host(name.rpartition("/")[2])
print(json.dumps([host.get_fact(Hostname), host.get_fact(Command, "sleep 600 & echo started")]))
disconnect_all(state)
"""


def _pyinfra(lab: LabFleet, tmp_path: Path, **ssh: Any) -> subprocess.CompletedProcess[str]:
    machine = lab.fleet.get(ON)
    assert machine is not None
    name, settings = machine.model_copy(update={"ssh": {**machine.ssh, **ssh}}).entry()
    return subprocess.run(
        [sys.executable, "-c", PYINFRA, json.dumps([name, settings])],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )


def test_pyinfra_connects_with_strict_host_keys_and_no_ssh_folder_at_home(lab: LabFleet, tmp_path: Path) -> None:
    done = _pyinfra(lab, tmp_path)
    assert json.loads(done.stdout) == [ON, "started"], done.stderr
    assert list(tmp_path.iterdir()) == []


def test_pyinfra_refuses_a_host_whose_key_is_not_known(lab: LabFleet, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")
    done = _pyinfra(lab, tmp_path, ssh_known_hosts_file=str(tmp_path / "known_hosts"))
    assert done.returncode != 0
    assert "host key" in done.stderr
