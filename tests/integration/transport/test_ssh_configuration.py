"""Whatever stands in the user's configuration is as for OpenSSH's own client; only a person's session is not ours."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.transport import link as links
from roosync_ops.transport.link import Patience
from tests.kits.hosts import free_ports
from tests.kits.ssh_user import IN, agent, new_key, ours, refused
from tests.kits.sshd import USER, Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.ssh_user import User

pytestmark = pytest.mark.sshd
#: For what hangs before a server is met.
SHORT = Patience(10, 2, 3)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("SendEnv LANG LC_* FOO", id="SendEnv"),
        pytest.param("SetEnv FOO=bar", id="SetEnv"),
        pytest.param("LogLevel QUIET", id="quiet"),
        pytest.param("LogLevel DEBUG3", id="loud"),
        pytest.param("VisualHostKey yes", id="a picture of the key"),
        pytest.param("ForwardAgent yes", id="ForwardAgent"),
        pytest.param("ForwardX11 yes", id="ForwardX11"),
        pytest.param("RequestTTY force", id="a terminal"),
        pytest.param("BatchMode no", id="questions"),
        pytest.param("AddKeysToAgent ask", id="AddKeysToAgent ask"),
        pytest.param("Compression yes", id="Compression"),
        pytest.param("HashKnownHosts yes\n  UpdateHostKeys yes", id="known_hosts kept up"),
        pytest.param("IdentityFile ~/.ssh/%n-%r-%h-%p-gone", id="tokens in a path"),
        pytest.param("CanonicalizeHostname yes\n  CanonicalDomains invalid", id="canonical names"),
        pytest.param("ControlMaster auto\n  ControlPath {dead}", id="a dead socket of the user's own"),
        pytest.param("KbdInteractiveAuthentication yes\n  NumberOfPasswordPrompts 5", id="passwords"),
    ],
)
def test_what_is_the_users_own_business_changes_nothing(user: User, line: str) -> None:
    dead = user.home / "s"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(dead))
    user.config(user.block("m1", f"  {line.format(dead=dead)}\n"), user.login)
    assert user.control("m1")
    assert ours("m1") == IN


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("RemoteCommand sleep 600", id="a command there"),
        pytest.param("SessionType none", id="no session"),
        pytest.param("StdinNull yes", id="nothing to read"),
        pytest.param("ForkAfterAuthentication yes", id="in the background"),
        pytest.param("PermitLocalCommand yes\n  LocalCommand echo noise", id="a command here"),
        pytest.param("ExitOnForwardFailure yes\n  LocalForward 127.0.0.1:{port} 127.0.0.1:1", id="LocalForward"),
        pytest.param("ExitOnForwardFailure yes\n  DynamicForward 127.0.0.1:{port}", id="DynamicForward"),
        pytest.param("ExitOnForwardFailure yes\n  RemoteForward 127.0.0.1:{port} 127.0.0.1:1", id="RemoteForward"),
    ],
)
def test_what_belongs_to_a_persons_session_is_left_out(user: User, line: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        user.config(user.block("m1", f"  {line.format(port=taken.getsockname()[1])}\n"), user.login)
        assert ours("m1") == IN


@pytest.mark.parametrize("way", ["{user}@127.0.0.1:{port}", "ssh://{user}@127.0.0.1:{port}"])
def test_a_hop_by_user_and_port(user: User, way: str) -> None:
    hop = way.format(user=USER, port=user.fleet["j1"].port)
    user.config(user.block("m1", f"  ProxyJump {hop}\n"), user.login)
    assert user.control("m1")
    assert ours("m1") == IN


def test_an_include_of_several_files_by_a_pattern(user: User) -> None:
    (user.ssh / "d").mkdir()
    for name in ("m1", "m2"):
        (user.ssh / "d" / f"{name}.conf").write_text(user.block(name, f"  User {USER}\n"))
    user.config(f"Include {user.ssh}/d/*.conf\n", user.login)
    assert (user.control("m1"), user.control("m2")) == (True, True)
    assert (ours("m1"), ours("m2")) == (IN, IN)


def test_the_inventorys_port_comes_before_an_alias_of_the_same_name(user: User) -> None:
    user.config(user.block("m1").replace(str(user.fleet["m1"].port), str(free_ports(1)[0])), user.login)
    assert ours("m1") == links.REFUSED
    assert ours("m1", port=user.fleet["m1"].port) == IN


def test_a_match_exec_that_hangs_is_told_as_that(user: User) -> None:
    user.config('Match exec "sleep 600"\n  Port 1\n', user.block("m1"), user.login)
    began = time.monotonic()
    error = refused("m1", SHORT)
    assert error.code == links.SSH_CONFIG
    assert "sleep 600" in error.reason
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("end", ["exec sleep 600", "exit 1"])
def test_a_proxy_that_complains_is_named(user: User, end: str) -> None:
    user.config(user.block("m1", f"  ProxyCommand echo the gate is shut >&2; {end}\n"), user.login)
    error = refused("m1", SHORT)
    assert (error.code, error.met) == (links.PROXY_FAILED, False)
    assert "the gate is shut" in error.reason


def test_a_hop_whose_key_is_another_is_told_as_that(user: User) -> None:
    other = " ".join(new_key(user, "other").with_suffix(".pub").read_text().split()[:2])
    user.known(f"{user.lines('m1')}[127.0.0.1]:{user.fleet['j1'].port} {other}\n")
    user.config(user.block("m1", "  ProxyJump j1\n"), user.block("j1"), user.login)
    assert not user.control("m1")
    error = refused("m1")
    assert (error.code, error.met) == ("HOST_KEY_CHANGED", False)
    assert "on the way by j1" in error.reason


@pytest.mark.parametrize("named", ["none", "/dev/null", "{folder}", "{folder}/gone"])
def test_where_no_known_hosts_can_be_read_the_key_is_unknown(user: User, named: str) -> None:
    user.config(user.block("m1", f"  UserKnownHostsFile {named.format(folder=user.ssh)}\n"), user.login)
    assert not user.control("m1")
    assert ours("m1") == links.HOST_KEY


def test_a_new_key_is_taken_where_the_inventory_says_so_and_nowhere_else(user: User) -> None:
    user.known("")
    user.config(user.block("m1", "  StrictHostKeyChecking accept-new\n"), user.login)
    assert ours("m1") == links.HOST_KEY
    assert ours("m1", ssh={"ssh_strict_host_key_checking": "accept-new"}) == IN


def test_a_key_that_is_to_be_added_to_an_agent_asks_nobody(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":9")
    user.config(user.block("m1", "  AddKeysToAgent confirm\n"), user.login)
    for is_ours in (False, True):
        with agent(user) as sock:  # another one, for the key that was added wants to be confirmed from then on
            monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
            assert ours("m1") == IN if is_ours else user.control("m1")


def test_an_address_of_ipv6_is_taken_as_it_is(user: User) -> None:
    user.config("")
    error = refused("m1", host="::1", port=free_ports(1)[0])
    assert error.code in {links.REFUSED, links.NO_ROUTE}
    assert "::1" in error.reason


@pytest.mark.parametrize("text", ["Host\n", 'IdentityFile "x\n', "Match nothing\n", "Include\n", "ProxyJump a,,b\n"])
def test_a_line_that_ssh_does_not_take_is_told(user: User, text: str) -> None:
    user.config(user.block("m1"), user.login, text)
    assert not user.control("m1")
    assert ours("m1") == links.SSH_CONFIG


def test_a_banner_as_long_as_a_packet_may_be_is_no_answer(user: User, tmp_path: Path) -> None:
    (tmp_path / "kit").mkdir()
    (tmp_path / "banner").write_text("Authorised persons only.\n" * 8_000)
    with Fleet(tmp_path / "kit", ["m1"]) as fleet:
        host = fleet["m1"]
        fleet.down(host)
        config = fleet._config(host)
        config.write_text(f"{config.read_text()}Banner {tmp_path}/banner\n")
        vars(fleet)["_config"] = lambda _: config
        fleet.up(host)
        user.known(fleet.known_hosts.read_text())
        user.config(f"Host m1\n  HostName 127.0.0.1\n  Port {host.port}\n  User {USER}\n  IdentityFile {fleet.key}\n")
        assert user.control("m1")
        assert ours("m1") == IN
