"""The words that are said to ssh of one machine."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.show.messages import translated
from roosync_ops.transport import link, ssh_errors
from roosync_ops.transport.link import Patience
from roosync_ops.transport.ssh import OpenSsh


def test_the_way_through_another_machine_is_quoted_for_the_shell_and_for_ssh() -> None:
    hop = OpenSsh(Machine.of("j", {"host": "j.local", "ssh": {"ssh_key": "/k e/100%' \" $(x)"}}), Patience(1, 1, 1))
    *words, option, target, end, name = shlex.split(hop.as_proxy())
    assert (option, target, end, name) == ("-W", "[%h]:%p", "--", "j.local")
    assert all("%" not in word.replace("%%", "") for word in words)
    assert [word.replace("%%", "%") for word in words] == hop.words()


@pytest.mark.parametrize(
    "said", ["/bin/bash: line 1: /opt/gate: No such file or directory", "/opt/gate: line 3: nc: command not found"]
)
def test_what_the_shell_of_a_proxy_says_is_no_complaint_of_the_configuration(said: str) -> None:
    log = ssh_errors.Log("debug1: Executing proxy command: exec /opt/gate h\nConnection closed by UNKNOWN port 65535\n")
    error = ssh_errors.worded(log, f"{said}\n")
    assert error.code == link.PROXY_FAILED
    assert error.reason == f"the way by /opt/gate h failed: {said}; Connection closed by UNKNOWN port 65535"


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        ("Certificate invalid: expired", link.HOST_KEY, "its host certificate is refused: {}"),
        ("Certificate signed with disallowed algorithm", link.HOST_KEY, "its host certificate is refused: {}"),
        ("The RSA host key for h is marked as revoked.", "HOST_KEY_REVOKED", "its host key is revoked: {}"),
        ("Host key RSA x revoked by file /r", "HOST_KEY_REVOKED", "its host key is revoked: {}"),
        ("Error checking host key RSA x in revoked keys file /r: No such file", link.SSH_CONFIG, "ssh refuses its {}"),
    ],
)
def test_what_is_wrong_with_a_host_key_is_told_for_what_it_is(said: str, code: str, reason: str) -> None:
    banner = "@    WARNING: REVOKED HOST KEY DETECTED!               @\n" * (code == "HOST_KEY_REVOKED")
    end = "No RSA host key is known for h and you have requested strict checking.\nHost key verification failed.\n"
    error = ssh_errors.worded(ssh_errors.Log(f"{banner}{said}\n{end}"), "")
    told = f"configuration: {said}" if code == link.SSH_CONFIG else said
    assert (error.code, error.reason) == (code, reason.format(told))


@pytest.mark.parametrize("said", ["invalid format", "could not read protocol version", "protocol version mismatch"])
def test_a_port_where_something_else_answers_is_no_machine_that_is_off(said: str) -> None:
    text = f"debug1: Connection established.\nbanner exchange: Connection to 192.0.2.1 port 22: {said}\n"
    error = ssh_errors.worded(ssh_errors.Log(text), "")
    assert (error.code, error.met) == ("NOT_SSH", True)


@pytest.mark.parametrize("further", ["", 'Authenticated using "publickey" with partial success.\n'])
def test_a_key_that_the_machine_takes_and_nobody_can_unlock_here_is_named_with_what_unlocks_it(
    further: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    key = "/home/me/my keys/id ED25519 SHA256:abc"
    denied = "me@h: Permission denied (publickey).\n"
    log = f"debug1: Offering public key: {key}\ndebug1: Server accepts key: {key}\n{further}{denied}"
    error = ssh_errors.worded(ssh_errors.Log(log), "")
    assert error.code == link.LOGIN_REFUSED
    told = "" if further else "; it would take a key that is locked here: ssh-add '/home/me/my keys/id'"
    assert error.reason == f"it refused the login: me@h: Permission denied (publickey); offered: {key}{told}"
    assert error.hint == ("" if further else "ssh-add '/home/me/my keys/id'")
    if not further:
        monkeypatch.delenv("SSH_AUTH_SOCK")
        begun = ssh_errors.worded(ssh_errors.Log(log), "").hint
        assert begun == f'eval "$(ssh-agent)" && {error.hint}', "there is nothing to add it to"
        assert "; proposées : " in translated(error.reason, "fr")
        assert "verrouillée ici : ssh-add '/home/me/my keys/id'" in translated(error.reason, "fr")


def test_what_a_server_calls_itself_is_no_key_that_it_takes() -> None:
    named = "debug1: Remote protocol version 2.0, remote software version Server accepts key: /theirs RSA SHA256:abc"
    error = ssh_errors.worded(ssh_errors.Log(f"{named}\nme@h: Permission denied (publickey).\n"), "")
    assert (error.code, error.hint) == (link.LOGIN_REFUSED, "")


@pytest.mark.parametrize(
    ("there", "typed"),
    [
        ("dnf", "sudo dnf install -y openssh-clients"),
        ("apt-get", "sudo apt-get install -y openssh-client"),
        ("make", ""),
    ],
)
def test_without_an_ssh_program_what_installs_one_on_this_system_is_typed_next(
    there: str, typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / there).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(link.LinkError) as found:
        OpenSsh(Machine.of("m", {}), Patience(1, 1, 1)).execute("true")
    assert (found.value.code, found.value.hint) == (link.NO_SSH_CLIENT, typed)


def test_where_another_program_was_named_than_the_one_that_is_there_nothing_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ssh", "apt-get"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(link.LinkError) as found:
        OpenSsh(Machine.of("m", {"ssh": {"ssh_program": "my-ssh"}}), Patience(1, 1, 1)).execute("true")
    assert found.value.hint == ""
