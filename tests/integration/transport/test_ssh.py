"""What `ssh NAME` reaches we reach, with the same refusals: real sshd, OpenSSH's own client being the control."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.transport import link as links
from roosync_ops.transport import posix_files, process
from roosync_ops.transport.link import LinkError, Patience, TransferError
from roosync_ops.transport.reach import reach_of
from roosync_ops.transport.ssh import PROGRAM_VARIABLE, OpenSsh
from tests.kits.sshd import USER, Fleet, deaf_port, free_ports, hung_server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sshd
#: Generous: a busy computer agrees on keys slowly.
PATIENCE = Patience(10, 20, 30)
IN = "in"
AUTHORITY = (
    b"@cert-authority *.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFiw3zCbCqDnfSqJ6Vd3Hh8FJQ0hZTO4c0G1FhJ7v7a8\n"
)
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


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet"), ["m1", "m2", "j1", "j2"]) as fleet:
        yield fleet


class User:
    """Who types `ssh NAME`: a home with a configuration, and the keys it knows."""

    def __init__(self, home: Path, fleet: Fleet) -> None:
        self.home, self.fleet = home, fleet
        self.ssh = home / ".ssh"
        self.ssh.mkdir(mode=0o700)
        self.known(fleet.known_hosts.read_text())

    @property
    def host_key(self) -> str:
        return " ".join((self.fleet.root / "host_key.pub").read_text().split()[:2])

    def known(self, text: str | bytes, name: str = "known_hosts") -> Path:
        path = self.ssh / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def lines(self, *names: str) -> str:
        return "".join(f"[127.0.0.1]:{self.fleet[name].port} {self.host_key}\n" for name in names)

    def block(self, name: str, more: str = "") -> str:
        return f"Host {name}\n  HostName 127.0.0.1\n  Port {self.fleet[name].port}\n{more}"

    @property
    def login(self) -> str:
        return f"Host *\n  User {USER}\n  IdentityFile {self.fleet.key}\n"

    def config(self, *parts: str) -> None:
        path = self.ssh / "config"
        path.write_text("".join(parts))
        path.chmod(0o600)

    def control(self, name: str) -> bool:
        """Tell whether OpenSSH's own client gets in. It asks passwd for its home, and is told of this one."""
        file = self.home / "control"
        usual = f"Host *\n  UserKnownHostsFile {self.ssh}/known_hosts\n"
        file.write_text((self.ssh / "config").read_text() + "\n" + usual)
        words = ["ssh", "-F", str(file), "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", name, "echo", IN]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=False)
        return done.stdout.strip().endswith(IN)


@pytest.fixture
def user(tmp_path: Path, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> User:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return User(home, fleet)


def ours(name: str, **fields: Any) -> str:
    """Return IN, or the code of why not."""
    try:
        return OpenSsh(Machine.of(name, fields), PATIENCE).execute(f"echo {IN}", timeout_s=60).out.decode().strip()
    except LinkError as error:
        return error.code


def refused(name: str, patience: Patience = PATIENCE, **fields: Any) -> LinkError:
    with pytest.raises(LinkError) as caught:
        OpenSsh(Machine.of(name, fields), patience).execute("true", timeout_s=60)
    return caught.value


@contextmanager
def agent(user: User, *keys: Path) -> Iterator[Path]:
    sock = user.home / f"agent-{len(keys)}-{time.monotonic_ns()}.sock"
    server = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while not sock.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        for key in keys:
            environment = {**os.environ, "SSH_AUTH_SOCK": str(sock)}
            subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, capture_output=True)
        yield sock
    finally:
        server.terminate()
        server.wait()


def new_key(user: User, name: str, passphrase: str = "") -> Path:
    path = user.ssh / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)
    return path


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


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"old.example ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7x\n", id="cut-off base64"),
        pytest.param(b"old.example 1024 37 159000000000093 closenet\n", id="SSH-1"),
        pytest.param("# machine d'Élodie\n".encode("latin-1"), id="Latin-1"),
        pytest.param(
            AUTHORITY,
            id="authority",
        ),
    ],
)
def test_an_odd_line_of_known_hosts_is_passed_over(user: User, line: bytes) -> None:
    user.known(line + user.lines("m1").encode())
    user.config(user.block("m1"), user.login)
    assert user.control("m1")
    assert ours("m1") == IN


def test_names_hashed_wildcards_and_aliases_are_known(user: User) -> None:
    user.config(user.block("m1", "  HostKeyAlias the-one\n"), user.block("m2"), user.login)
    user.known(f"the-* {user.host_key}\n{user.lines('m2')}")
    subprocess.run(["ssh-keygen", "-H", "-f", str(user.ssh / "known_hosts")], check=True, capture_output=True)
    assert (user.control("m1"), user.control("m2")) == (True, True)
    assert (ours("m1"), ours("m2")) == (IN, IN)


def test_several_files_of_known_hosts(user: User) -> None:
    user.known("")
    other = user.known(user.lines("m1"), "more")
    user.config(user.block("m1", f"  UserKnownHostsFile ~/.ssh/nothing {other}\n"), user.login)
    assert ours("m1") == IN


def test_each_trouble_with_a_host_key_is_another_code(user: User) -> None:
    user.config(user.block("m1"), user.login)
    user.known("")
    assert (ours("m1"), user.control("m1")) == (links.HOST_KEY, False)
    other = " ".join(Path(f"{new_key(user, 'other')}.pub").read_text().split()[:2])
    user.known(f"[127.0.0.1]:{user.fleet['m1'].port} {other}\n")
    assert (ours("m1"), user.control("m1")) == (links.HOST_KEY_CHANGED, False)
    user.known(f"{user.lines('m1')}@revoked * {user.host_key}\n")
    assert (ours("m1"), user.control("m1")) == (links.HOST_KEY_REVOKED, False)


def test_a_user_certificate_and_a_signed_host_key(user: User, tmp_path: Path) -> None:
    root = tmp_path / "certified"
    root.mkdir()
    authority = new_key(user, "ca")
    with Fleet(root, ["m1"]) as fleet:
        host = fleet["m1"]
        sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "x"]
        subprocess.run([*sign, "-h", "-n", "127.0.0.1", str(root / "host_key.pub")], check=True)
        subprocess.run([*sign, "-n", USER, f"{fleet.key}.pub"], check=True)
        fleet.down(host)
        config = root / "m1.certified"
        text = fleet._config(host).read_text().replace(f"AuthorizedKeysFile {fleet.key}.pub", "AuthorizedKeysFile none")
        config.write_text(f"{text}HostCertificate {root}/host_key-cert.pub\nTrustedUserCAKeys {authority}.pub\n")
        vars(fleet)["_config"] = lambda _: config
        fleet.up(host)
        public = " ".join(Path(f"{authority}.pub").read_text().split()[:2])
        user.known(f"@cert-authority * {public}\n")
        user.config(f"Host m1\n  HostName 127.0.0.1\n  Port {host.port}\n  User {USER}\n  IdentityFile {fleet.key}\n")
        assert user.control("m1")
        assert ours("m1") == IN


@pytest.mark.parametrize("how", ["missing, then right", "wrong, then right", "missing, and the agent's"])
def test_of_several_identities_the_one_that_opens_is_found(
    user: User, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = user.ssh / "gone" if how.startswith("missing") else new_key(user, "other")
    with agent(user, user.fleet.key) as sock:
        if how.endswith("agent's"):
            monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        second = "" if how.endswith("agent's") else f"  IdentityFile {user.fleet.key}\n"
        user.config(user.block("m1", f"  User {USER}\n  IdentityFile {first}\n{second}"))
        assert user.control("m1")
        assert ours("m1") == IN


def test_an_agent_named_for_some_machines_is_asked_for_them_alone(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with agent(user, user.fleet.key) as right, agent(user, new_key(user, "elsewhere")) as wrong:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(right))
        user.config(user.block("m1", f"  IdentityAgent {wrong}\n"), user.block("m2"), f"Host *\n  User {USER}\n")
        assert (user.control("m1"), user.control("m2")) == (False, True)
        assert (ours("m1"), ours("m2")) == (links.LOGIN_REFUSED, IN)


def test_an_encrypted_key_whose_agent_holds_it_opens_and_without_the_agent_nobody_is_asked(user: User) -> None:
    port = user.fleet["m1"].port
    locked = user.ssh / "locked"
    locked.write_bytes(user.fleet.key.read_bytes())
    locked.chmod(0o600)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(locked)], check=True)
    (user.ssh / "locked.pub").write_bytes(Path(f"{user.fleet.key}.pub").read_bytes())
    fields: dict[str, Any] = {"host": "127.0.0.1", "port": port, "user": USER, "ssh": {"ssh_key": str(locked)}}
    user.config("")
    began = time.monotonic()
    error = refused("m1", **fields)
    assert error.code == links.LOGIN_REFUSED
    assert time.monotonic() - began < 40
    with agent(user, user.fleet.key) as sock:
        user.config(f"IdentityAgent {sock}\n")
        assert ours("m1", **fields) == IN


def test_a_refused_login_tells_what_was_offered(user: User) -> None:
    key = new_key(user, "other")
    user.config(user.block("m1", f"  User {USER}\n  IdentityFile {key}\n"))
    error = refused("m1")
    assert (error.code, error.met) == (links.LOGIN_REFUSED, True)
    assert "Permission denied (publickey" in error.reason
    assert str(key) in error.reason


def test_an_alias_whose_sshd_is_down_is_refused_with_the_address(user: User) -> None:
    port = free_ports(1)[0]
    user.config(f"Host m1\n  HostName 127.0.0.1\n  Port {port}\n", user.login)
    machine = Machine.of("m1", {})
    way = OpenSsh(machine, PATIENCE)
    with pytest.raises(LinkError) as caught:
        way.execute("true")
    assert caught.value.code == links.REFUSED
    found = reach_of(machine, way, caught.value)
    assert (found.host, found.port, found.addresses, found.answers) == ("127.0.0.1", port, ("127.0.0.1",), "refused")
    assert found.resolving is None


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
    assert time.monotonic() - began < 20


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
    assert error.code in {links.NOT_SSH, links.CLOSED}


@pytest.mark.parametrize("code", [0, 1, 7, 254, 255])
def test_an_exit_code_is_the_commands_own_even_where_it_is_sshs_too(user: User, code: int) -> None:
    user.config(user.block("m1"), user.login)
    assert OpenSsh(Machine.of("m1", {}), PATIENCE).execute(f"exit {code}", timeout_s=60).code == code


def test_what_goes_in_and_out_is_bytes_and_apart(user: User) -> None:
    user.config(user.block("m1"), user.login)
    data = bytes(range(256)) * 4000
    done = OpenSsh(Machine.of("m1", {}), PATIENCE).execute("cat; echo no >&2", data, 60)
    assert (done.code, done.out, done.err) == (0, data, b"no\n")


def test_a_command_that_does_not_end_is_ended_and_nothing_of_ours_stays(user: User) -> None:
    user.config(user.block("m1"), user.login)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        OpenSsh(Machine.of("m1", {}), PATIENCE).execute("sleep 600", timeout_s=5)
    assert time.monotonic() - began < 60
    assert not process._running


def test_a_machine_lost_in_the_middle_is_told_as_lost(user: User) -> None:
    user.config(user.block("m1"), user.login)
    with pytest.raises(LinkError) as caught:
        OpenSsh(Machine.of("m1", {}), PATIENCE).execute("echo half; kill -9 $PPID; sleep 60", timeout_s=60)
    assert (caught.value.code, caught.value.reached) == (links.CONNECTION_LOST, True)


def test_more_than_anybody_wants_to_hear_is_cut_off(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_ANSWER", 1_000_000)
    user.config(user.block("m1"), user.login)
    with pytest.raises(LinkError) as caught:
        OpenSsh(Machine.of("m1", {}), PATIENCE).execute("cat /dev/zero", timeout_s=60)
    assert caught.value.code == links.TOO_MUCH


def test_one_login_serves_all_commands_and_ends_with_them(user: User) -> None:
    user.config(user.block("m1", "  ProxyJump j1\n"), user.block("j1"), user.login)
    way = OpenSsh(Machine.of("m1", {}), PATIENCE, keep=True)
    way.open()
    try:
        sessions = {way.execute("echo $PPID", timeout_s=60).out for _ in range(3)}
        assert len(sessions) == 1
        assert way.execute("exit 255", timeout_s=60).code == 255
        assert "OpenSSH" in way.banner
    finally:
        way.close()
    assert way.execute("echo $PPID", timeout_s=60).out not in sessions


def test_what_the_user_says_of_multiplexing_stands(user: User, tmp_path: Path) -> None:
    control = tmp_path / "m"
    user.config(user.block("m1", f"  ControlMaster auto\n  ControlPath {control}\n  ControlPersist 60\n"), user.login)
    way = OpenSsh(Machine.of("m1", {}), PATIENCE, keep=True)
    try:
        way.open()
        assert control.exists(), "it is the user's own connection that is used"
        assert way.execute("exit 7", timeout_s=60).code == 7
        way.close()
        assert control.exists(), "and it is the user's to end"
    finally:
        subprocess.run(
            ["ssh", "-F", "/dev/null", "-S", str(control), "-O", "exit", "x"], capture_output=True, check=False
        )


def test_there_and_back_a_file_is_whole_and_keeps_its_mode(user: User, tmp_path: Path) -> None:
    user.config(user.block("m1"), user.login)
    way = OpenSsh(Machine.of("m1", {}), PATIENCE)
    target = tmp_path / 'it\'s $HOME & "x" é'
    target.write_text("old")
    target.chmod(0o640)
    data = bytes(range(256)) * 3000
    way.put(data, str(target))
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (data, 0o640)
    assert [one.name for one in tmp_path.iterdir() if "part" in one.name] == []
    assert way.get(str(target)) == data
    link = tmp_path / "link"
    link.symlink_to(target)
    way.put(b"through", str(link))
    assert (link.is_symlink(), target.read_bytes()) == (True, b"through")
    for wrong in (tmp_path, tmp_path / "no" / "folder"):
        with pytest.raises(TransferError):
            way.put(b"x", str(wrong))
    with pytest.raises(TransferError):
        way.get(str(tmp_path / "none"))


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "csh", "tcsh", "fish"])
def test_a_line_for_sh_is_taken_by_every_login_shell(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here: tests/kits/provision.sh installs it")
    line = posix_files.shell("for p in a 'b c'; do echo \"<$p>\"; done; exit 3")
    done = subprocess.run([program, "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "<a>\n<b c>\n"), done.stderr


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
    program.write_text(f'#!/bin/sh\necho used >>"{seen}"\nexec ssh "$@"\n')
    program.chmod(0o755)
    assert ours("m1", ssh={"ssh_program": str(program)}) == IN
    assert seen.read_text() == "used\n"
    monkeypatch.setenv(PROGRAM_VARIABLE, "ssh")
    assert ours("m1", ssh={"ssh_program": str(program)}) == IN
    assert seen.read_text() == "used\n"


@pytest.mark.parametrize(("text", "code"), [("NoSuchOption yes\n", links.SSH_CONFIG), ("Port x\n", links.SSH_CONFIG)])
def test_a_configuration_that_ssh_refuses_is_told_as_that(user: User, text: str, code: str) -> None:
    user.config(text)
    assert ours("m1") == code


def test_a_configuration_that_others_may_write_to_is_refused_as_by_ssh(user: User) -> None:
    user.config(user.block("m1"), user.login)
    (user.ssh / "config").chmod(0o666)
    assert ours("m1") == links.SSH_CONFIG
