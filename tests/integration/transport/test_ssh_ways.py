"""What `ssh NAME` reaches we reach, on the same way: real sshd, OpenSSH's own client being the control."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.transport import link as links
from roosync_ops.transport.link import LinkError, Patience
from roosync_ops.transport.reach import reach_of
from roosync_ops.transport.ssh import PROGRAM_VARIABLE, OpenSsh
from tests.kits.hosts import free_ports
from tests.kits.hung import hung_server
from tests.kits.ssh_user import IN, PATIENCE, ours, refused
from tests.kits.sshd import USER, deaf_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.ssh_user import User

pytestmark = pytest.mark.sshd
PUMP = """
import os, socket, sys, threading
far = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 4096):
        far.sendall(data)
threading.Thread(target=up, daemon=True).start()
while data := far.recv(4096):
    os.write(1, data)
"""


@pytest.mark.parametrize(
    "first",
    [
        pytest.param("Match final all\n  ServerAliveInterval 1m\n", id="final"),
        pytest.param("Match host=elsewhere.example\n  Port 1\n", id="host="),
        pytest.param('Match originalhost elsewhere exec "true"\n  Port 1\n', id="exec"),
        pytest.param("Include more/*.conf\n", id="a relative Include that matches nothing"),
        pytest.param("Host *\n  ServerAliveInterval 1m # every minute\n", id="an end-of-line comment"),
        pytest.param("Host *\n  LogLevel QUIET\n  RequestTTY force\n", id="quiet, with a terminal"),
        pytest.param("Host m1\n  RemoteCommand whoami\n", id="a command of its own"),
        pytest.param("Host m1\n  LocalForward 1 127.0.0.1:1\n", id="a forwarding of its own"),
    ],
)
def test_whatever_openssh_takes_in_a_configuration_is_taken(user: User, first: str) -> None:
    user.config(first, user.block("m1"), user.login)
    assert "RemoteCommand" in first or user.control("m1")
    assert ours("m1") == IN


def test_quoted_paths_with_blanks_and_an_include_are_followed(user: User) -> None:
    folder = user.ssh / "my keys"
    folder.mkdir()
    (folder / "id").write_bytes(user.fleet.key.read_bytes())
    (folder / "id").chmod(0o600)
    (folder / "fleet").write_text(user.block("m1", f'  User {USER}\n  IdentityFile "{folder}/id"\n'))
    user.config(f'Include "{folder}/fleet"\n')
    assert user.control("m1")
    assert ours("m1") == IN


def test_a_jump_host_and_none_for_some(user: User) -> None:
    none = "  ProxyJump none\n"
    user.config(user.block("m1"), user.block("m2", none), user.block("j1", none), user.login, "  ProxyJump j1\n")
    assert user.control("m1")
    assert (ours("m1"), ours("m2")) == (IN, IN)


@pytest.mark.parametrize("way", ["j2", "j1,j2"])
def test_a_hop_behind_a_hop(user: User, way: str) -> None:
    behind = "  ProxyJump j1\n" if way == "j2" else ""
    user.config(user.block("m1", f"  ProxyJump {way}\n"), user.block("j2", behind), user.block("j1"), user.login)
    assert user.control("m1")
    assert ours("m1") == IN


def test_hops_with_users_and_ports_and_no_block_of_their_own(user: User) -> None:
    hops = ",".join(f"{USER}@127.0.0.1:{user.fleet[name].port}" for name in ("j1", "j2"))
    user.config(user.block("m1", f"  ProxyJump {hops}\n"), user.login)
    assert user.control("m1")
    assert ours("m1") == IN


def test_a_proxy_command_with_tokens(user: User) -> None:
    script = user.home / "pump.py"
    script.write_text(PUMP)
    user.config(user.block("m1", f"  ProxyCommand {sys.executable} -I {script} %h %p\n"), user.login)
    assert user.control("m1")
    assert ours("m1") == IN


def test_an_unknown_jump_host_is_named_soon_and_its_key_in_the_inventorys_file_lets_it_in(user: User) -> None:
    user.known(user.lines("m1"))
    fleets = user.known(user.lines("m1", "j1"), "known_hosts.fleet")
    user.config(user.block("m1", "  ProxyJump j1\n"), user.block("j1"), user.login)
    error = refused("m1")
    assert error.code == links.HOST_KEY
    assert f"[127.0.0.1]:{user.fleet['j1'].port}" in error.reason
    assert "on the way by j1" in error.reason
    assert not error.met, "the machine itself was not met"
    assert ours("m1", ssh={"ssh_known_hosts_file": str(fleets)}) == IN


def test_a_hop_that_refuses_names_itself_and_the_machine_was_not_met(user: User) -> None:
    port = free_ports(1)[0]
    user.config(user.block("m1", f"  ProxyJump 127.0.0.1:{port}\n"), user.login)
    error = refused("m1")
    assert (error.code, error.met) == (links.PROXY_FAILED, False)
    assert f"port {port}" in error.reason


def test_an_alias_whose_sshd_is_down_is_refused_with_the_address(user: User) -> None:
    port = free_ports(1)[0]
    user.config(f"Host m1\n  HostName 127.0.0.1\n  Port {port}\n", user.login)
    machine = Machine.of("m1", {})
    way = OpenSsh(machine, PATIENCE)
    with pytest.raises(LinkError) as caught:
        way.execute("true")
    assert caught.value.code == links.REFUSED
    way.failed = caught.value
    found = reach_of(machine, way)
    assert (found.host, found.port, found.addresses, found.met) == ("127.0.0.1", port, ("127.0.0.1",), False)


def test_a_name_that_is_none_is_told_as_that(user: User) -> None:
    user.config("")
    error = refused("m1", host="nowhere.invalid")
    assert (error.code, error.met) == (links.UNKNOWN_HOST, False)


def test_a_machine_that_takes_no_connection_is_given_up_in_its_own_time(user: User) -> None:
    user.config("")
    with deaf_port() as port:
        began = time.monotonic()
        error = refused("m1", Patience(0.5, 20, 60), host="127.0.0.1", port=port)
    assert (error.code, error.met) == (links.TIMED_OUT, False)
    assert time.monotonic() - began < 60


def test_a_machine_that_never_greets_is_met_and_silent(user: User) -> None:
    user.config("")
    with hung_server() as port:
        error = refused("m1", Patience(10, 0.5, 60), host="127.0.0.1", port=port)
    assert (error.code, error.met) == (links.SILENT, True)
    assert "no SSH greeting within 0.5 s" in error.reason


def test_what_is_no_ssh_server_is_told(user: User) -> None:
    import socket  # noqa: PLC0415 - this test's alone
    import threading  # noqa: PLC0415 - as above

    user.config("")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection = server.accept()[0]
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n" * 200)
            connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        error = refused("m1", host="127.0.0.1", port=server.getsockname()[1])
        thread.join(20)
    assert error.code in {"NOT_SSH", links.CLOSED}


def test_without_an_ssh_program_the_package_is_named(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.config("")
    monkeypatch.setenv(PROGRAM_VARIABLE, "no-such-ssh")
    error = refused("m1")
    assert error.code == links.NO_SSH_CLIENT
    assert "openssh-client" in error.reason


def test_the_inventorys_program_is_used_and_the_environments_before_it(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.config(user.block("m1"), user.login)
    seen = tmp_path / "seen"
    program = tmp_path / "my ssh"
    program.write_text(f'#!/bin/sh\necho "$@" >>"{seen}"\nexec ssh "$@"\n')
    program.chmod(0o755)
    assert ours("m1", ssh={"ssh_program": str(program)}) == IN
    used = seen.read_text()
    assert used.startswith("-V\n")
    assert used.endswith(" -- m1 cat\n")
    monkeypatch.setenv(PROGRAM_VARIABLE, "ssh")
    assert ours("m1", ssh={"ssh_program": str(program)}) == IN
    assert seen.read_text() == used


@pytest.mark.parametrize(("text", "code"), [("NoSuchOption yes\n", links.SSH_CONFIG), ("Port x\n", links.SSH_CONFIG)])
def test_a_configuration_that_ssh_refuses_is_told_as_that(user: User, text: str, code: str) -> None:
    user.config(text)
    assert ours("m1") == code


def test_a_configuration_that_others_may_write_to_is_refused_as_by_ssh(user: User) -> None:
    user.config(user.block("m1"), user.login)
    (user.ssh / "config").chmod(0o666)
    assert ours("m1") == links.SSH_CONFIG
