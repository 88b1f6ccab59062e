"""The script for a bare Windows machine, run line by line against a stub of it. It was never run on real Windows."""

from __future__ import annotations

import pytest

from roosync_ops.bootstrap import windows
from tests.kits.bare_windows import (
    ADMINISTRATORS,
    CENTRAL,
    ENTRA,
    ME,
    OTHER,
    SSH,
    SYSTEM,
    AccessList,
    BareWindows,
)
from tests.kits.powershell_values import Thrown
from tests.unit.cli.powershell_script import KEY

SCRIPT = windows.script(KEY)
OWN = r"C:\Users\me\.ssh\authorized_keys"


def test_a_bare_machine_is_made_reachable_and_a_second_run_changes_nothing() -> None:
    machine = BareWindows()
    assert machine.run(SCRIPT) == [
        "install",
        "starts with Windows",
        "start",
        f"write {CENTRAL}",
        f"lock {CENTRAL}",
        "open the port",
    ]
    assert machine.file(CENTRAL) == f"{KEY}\n"
    assert machine.let_in(CENTRAL) == [SYSTEM, ADMINISTRATORS]
    assert machine.said[-1] == 'machine("pc", system="windows", user="me", host="pc.local"),'
    assert machine.run(SCRIPT) == []
    assert "Nothing was to be done." in machine.said


@pytest.mark.parametrize(
    ("version", "group", "files"),
    [
        pytest.param((7, 7), "Administrators", [CENTRAL], id="7.7, English"),
        pytest.param((7, 7), "Administratoren", [CENTRAL, OWN], id="7.7, German"),
        pytest.param((8, 1), "Administrateurs", [CENTRAL, OWN], id="8.1, French"),
        pytest.param((8, 6), "Administratoren", [CENTRAL], id="8.6, German"),
        pytest.param((10, 0), "Administratoren", [CENTRAL], id="10.0, German"),
    ],
)
def test_an_old_sshd_in_another_language_gets_both_key_files_each_with_its_list(
    version: tuple[int, int], group: str, files: list[str]
) -> None:
    machine = BareWindows(version=version, group=group)
    assert [change for change in machine.run(SCRIPT) if "write" in change] == [f"write {file}" for file in files]
    for file in files:
        assert machine.file(file) == f"{KEY}\n"
        assert machine.let_in(file) == sorted([SYSTEM, ADMINISTRATORS, *([ME] if file == OWN else [])])
    assert f"OpenSSH  {version[0]}.{version[1]}.2.1" in machine.said
    assert machine.run(SCRIPT) == []


@pytest.mark.parametrize(
    ("members", "file"),
    [
        pytest.param((ME, None), r"C:\Users\other\.ssh\authorized_keys", id="not a member, and one is no more"),
        pytest.param((None, OTHER), CENTRAL, id="a member, and one is no more"),
    ],
)
def test_whether_another_account_is_an_administrator_survives_members_that_are_no_more(
    members: tuple[str | None, ...], file: str
) -> None:
    machine = BareWindows(members=members)
    assert f"write {file}" in machine.run(windows.script(KEY, account="other"))


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        pytest.param(BareWindows(elevated=False), "Not elevated: nothing was changed", id="not elevated"),
        pytest.param(
            BareWindows(me=ENTRA), r"AzureAD\\someone is a Microsoft Entra account.*nothing was changed", id="Entra"
        ),
        pytest.param(BareWindows(profiles=()), "has no profile yet: nothing was changed", id="never logged on"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_changed(machine: BareWindows, said: str) -> None:
    with pytest.raises(Thrown, match=said):
        machine.run(SCRIPT)
    assert machine.changes == []


def test_a_console_with_another_accounts_password_is_warned_of_unless_the_account_was_named() -> None:
    machine = BareWindows(desktop=OTHER)
    machine.run(SCRIPT)
    warnings = [line for line in machine.said if line.startswith("WARNING")]
    assert r"PC\other is logged on, and PC\me is let in" in warnings[0]
    named = BareWindows(desktop=OTHER)
    named.run(windows.script(KEY, account="me"))
    assert not [line for line in named.said if line.startswith("WARNING")]


def test_an_sshd_that_does_not_stay_up_shows_both_lists_and_the_lines_that_mend_them() -> None:
    machine = BareWindows(sshd="Stopped", start_type="Automatic", stays_up=False)
    logs = rf"{SSH}\logs"
    rules = [(SYSTEM, "FA"), (ADMINISTRATORS, "FA"), (OTHER, "FA")]
    machine.lists[logs] = AccessList(machine, rules, protected=True, owner=OTHER)
    with pytest.raises(Thrown, match=r"does not stay up: Failed to start service .* error 1067"):
        machine.run(SCRIPT)
    assert machine.changes == ["start"], "what mends it is shown, not done"
    everybody = '"*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"'
    assert machine.said[-8:] == [
        f"the access list of {SSH}: {machine.lists[SSH].sddl}",
        "to mend it:",
        f'  icacls "{SSH}" /inheritance:r /grant:r {everybody} "*S-1-5-11:(OI)(CI)RX"',
        f"the access list of {logs}: {machine.lists[logs].sddl}",
        "to mend it:",
        f'  takeown /a /f "{logs}"',
        f'  icacls "{logs}" /inheritance:r /grant:r {everybody}',
        f'  icacls "{logs}" /remove "*{OTHER}"',
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_key_file_that_sshd_cannot_read_is_plain_text_afterwards_with_the_keys_it_had(encoding: str) -> None:
    had = f"ssh-ed25519 AAAA other@admin\r\n{KEY}\r\n"
    machine = BareWindows()
    machine.files[CENTRAL] = had.encode(encoding)
    machine.lists[CENTRAL] = AccessList(machine, [], protected=False, owner=OTHER)
    assert f"write {CENTRAL}" in machine.run(SCRIPT)
    assert machine.file(CENTRAL) == had.replace("\r", "")
    assert any("which sshd cannot read: it is plain text now" in line for line in machine.said)
    assert machine.lists[CENTRAL].owner == OTHER, "the owner is nobody's to change"
    assert machine.run(SCRIPT) == []
