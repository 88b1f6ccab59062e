"""Whose key is believed, and whose is taken: as by `ssh NAME`, OpenSSH's own client being the control."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.transport import link as links
from tests.kits.ssh_user import IN, agent, new_key, ours, refused
from tests.kits.sshd import USER, Fleet

if TYPE_CHECKING:
    from tests.kits.ssh_user import User

pytestmark = pytest.mark.sshd
AUTHORITY = (
    b"@cert-authority *.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFiw3zCbCqDnfSqJ6Vd3Hh8FJQ0hZTO4c0G1FhJ7v7a8\n"
)


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
    assert (ours("m1"), user.control("m1")) == ("HOST_KEY_CHANGED", False)
    user.known(f"{user.lines('m1')}@revoked * {user.host_key}\n")
    assert (ours("m1"), user.control("m1")) == ("HOST_KEY_REVOKED", False)


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
