"""The script for a bare Windows machine, read by a PowerShell grammar. It has never been run on real Windows."""

from __future__ import annotations

import re

import pytest

from roosync_ops.bootstrap import windows
from roosync_ops.bootstrap.keys import PublicKey
from tests.unit.cli.powershell_script import BLOB, KEY, commands, defects, meant, nodes, parsed, text, value

RULE = "OpenSSH-Server-In-TCP"


def called(script: str, name: str) -> list[str]:
    return [whole for command, whole in commands(script) if command == name]


def scripts() -> list[str]:
    return [
        windows.script(KEY),
        windows.script(KEY, port=2222, lan=["192.168.1.0/24", "fe80::/10"], account="me", kind="standard"),
        windows.script(PublicKey("ssh-rsa", BLOB, "Élodie"), kind="administrator"),
    ]


@pytest.mark.parametrize("script", scripts(), ids=["plain", "all options", "not ASCII"])
def test_the_script_is_powershell_and_ascii(script: str) -> None:
    assert defects(script) == []
    assert script.isascii()
    assert "@@" not in script


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda script: script.rstrip()[:-1], id="last brace lost"),
        pytest.param(
            lambda script: script.replace("-not $capability) {", "-not $capability {", 1), id="a bracket lost"
        ),
        pytest.param(lambda script: script.replace("'S-1-5-18'", "'S-1-5-18", 1), id="a quote lost"),
        pytest.param(lambda script: script.replace("-eq 'auto')", "-eq )", 1), id="a value lost"),
    ],
)
def test_a_broken_script_would_be_noticed(damage: object) -> None:
    assert callable(damage)
    assert defects(damage(windows.script(KEY)))


def test_it_says_what_it_needs_and_stops_at_the_first_error() -> None:
    script = windows.script(KEY)
    assert script.startswith("#Requires -Version 5.1\n#Requires -RunAsAdministrator\n")
    assert called(script, "Set-StrictMode") == ["Set-StrictMode -Version 2.0"]
    assert meant(value(script, "ErrorActionPreference")) == "Stop"


def test_unelevated_it_refuses_before_the_first_change() -> None:
    script = windows.script(KEY)
    refusal = script.index("throw 'Not elevated: nothing was changed.")
    changing = re.compile(r"(Add|Set|Start|Restart|New|Copy|Remove)-(?!StrictMode|Object)|WriteAll")
    first = changing.search(script)
    assert first is not None
    assert refusal < first.start()


def test_only_what_is_meant_to_change_is_changed() -> None:
    changing = re.compile(r"(Add|Set|Start|Restart|Stop|New|Copy|Move|Remove|Disable|Enable|Invoke|Out)-")
    assert sorted({name for name, _ in commands(windows.script(KEY)) if changing.match(name)}) == [
        "Add-WindowsCapability",
        "Copy-Item",
        "New-Item",
        "New-NetFirewallRule",
        "New-Object",
        "Remove-Item",
        "Restart-Service",
        "Set-NetFirewallRule",
        "Set-Service",
        "Set-StrictMode",
        "Start-Service",
        "Start-Sleep",
    ]


@pytest.mark.parametrize(
    "change",
    [
        "Add-WindowsCapability",
        "Set-Service",
        "Start-Service",
        "Restart-Service",
        "New-NetFirewallRule",
        "Set-NetFirewallRule",
    ],
)
def test_each_change_is_made_once_and_only_where_it_is_missing(change: str) -> None:
    [call] = [
        node
        for node in nodes(parsed(windows.script(KEY)))
        if node.type == "command" and text(node).startswith(f"{change} ")
    ]
    above = []
    while call.parent is not None:
        call = call.parent
        above.append(call.type)
    assert {"if_statement", "else_clause"} & set(above)


def test_the_firewall_has_one_rule_and_it_is_windows_own() -> None:
    script = windows.script(KEY)
    for change in ("New-NetFirewallRule", "Set-NetFirewallRule"):
        [call] = called(script, change)
        assert f"-Name '{RULE}'" in call
        assert "-RemoteAddress $Lan" in call
        assert "-LocalPort $Port" in call


def test_who_may_write_the_key_file_is_said_by_number_not_by_name() -> None:
    script = windows.script(KEY)
    assert meant(value(script, "Administrators")) == "S-1-5-32-544"
    assert meant(value(script, "System")) == "S-1-5-18"
    assert text(value(script, "allowed")) == "@($System, $Administrators)"
    assert '"D:P$entries"' in script  # P: inherited entries are dropped and stay away
    assert (
        "if ($file.StartsWith($userFolder, [StringComparison]::OrdinalIgnoreCase)) { $allowed += $sid.Value }" in script
    )
    named = re.findall(r".*(?:BUILTIN|NT AUTHORITY|'Administrators'|'SYSTEM').*", script)
    assert len(named) == 1, "the group's English name is what an old sshd looks for, and nothing else"
    assert "$group -ne 'Administrators'" in named[0]


def test_an_access_list_is_written_without_its_owner() -> None:
    script = windows.script(KEY)
    assert called(script, "Set-Acl") == []
    written = [
        text(node) for node in nodes(parsed(script)) if node.type == "assignment_expression" and "$acl" in text(node)
    ]
    assert "$acl = New-Object Security.AccessControl.FileSecurity" in written  # empty: what was read holds the owner
    assert "[Security.AccessControl.AccessControlSections]::Access)" in script
    assert script.count("SetAccessControl(") == 2  # Windows PowerShell's, and PowerShell 7's


def test_pasted_where_there_is_no_psreadline_the_block_is_taken_whole() -> None:
    for script in scripts():
        _, _, block = script.partition("& {\n")
        assert all(line.strip() for line in block.splitlines()), "an empty line ends what is pasted"
        assert block.endswith("}\n")


def test_who_the_key_is_for_is_settled_before_the_first_change() -> None:
    script = windows.script(KEY)
    first = script.index("Add-WindowsCapability")
    assert called(script, "Get-LocalGroupMember") == []  # fails on a member that was deleted from its domain
    for settled in (
        '[ADSI]"WinNT://$env:COMPUTERNAME/$group,group"',
        "has no profile yet: nothing was changed",
        "S-1-12-1-",
    ):
        assert 0 < script.index(settled) < first


def test_a_member_without_a_sid_keeps_nobody_from_being_found() -> None:
    [loop] = [node for node in nodes(parsed(windows.script(KEY))) if text(node).startswith("foreach ($member in")]
    assert "'objectSid'" in text(loop)
    assert "catch { continue }" in text(loop)


def test_an_entra_account_is_told_that_no_key_lets_it_in() -> None:
    [refusal] = [line for line in windows.script(KEY).splitlines() if "Entra" in line]
    assert "$name is a Microsoft Entra account" in refusal
    assert "#1787" in refusal


def test_a_console_elevated_with_another_accounts_password_is_warned_of() -> None:
    [warning] = [call for call in called(windows.script(KEY), "Write-Warning") if "another account's password" in call]
    assert "$($others[0]) is logged on, and $name is let in" in warning


def test_an_old_sshd_on_windows_in_another_language_gets_both_key_files() -> None:
    script = windows.script(KEY)
    [choice] = [line.strip() for line in script.splitlines() if "[version]'8.6'" in line]
    assert choice == "if (-not $files -or (($version -lt [version]'8.6') -and ($group -ne 'Administrators'))) {"
    [each] = [node for node in nodes(parsed(script)) if text(node).startswith("foreach ($file in $files)")]
    for step in ("[IO.File]::WriteAllText($file", "SetAccessControl", "function Test-Locked"):
        assert step in text(each), "each file has its key and its own access list"
    assert 'Write-Host "OpenSSH  $($info.FileVersion)"' in called(script, "Write-Host")


@pytest.mark.parametrize("how", ["Start-Service", "Restart-Service"])
def test_an_sshd_that_does_not_stay_up_shows_both_access_lists_and_what_mends_them(how: str) -> None:
    script = windows.script(KEY)
    assert f"Use-Service {{ {how} -Name 'sshd' }}" in script
    [use] = [node for node in nodes(parsed(script)) if text(node).startswith("function Use-Service")]
    assert "Show-Mending" in text(use)
    assert "1067" in text(use)
    [show] = [node for node in nodes(parsed(script)) if text(node).startswith("function Show-Mending")]
    assert "@($folder, (Join-Path $folder 'logs'))" in text(show)
    assert "$($acl.Sddl)" in text(show)
    printed = called(text(show), "Write-Host")
    assert [
        word for word in ("takeown", "/inheritance:r /grant:r", "/remove") if any(word in line for line in printed)
    ] == [
        "takeown",
        "/inheritance:r /grant:r",
        "/remove",
    ]
    assert called(script, "icacls") == called(script, "takeown") == [], "printed, never done unasked"


def test_a_key_file_in_utf_16_is_written_anew_as_text() -> None:
    [each] = [node for node in nodes(parsed(windows.script(KEY))) if text(node).startswith("foreach ($file in $files)")]
    assert "if ($bytes -notcontains 0) { 'utf-8' } elseif (@(0, 0xFE) -contains $bytes[0]) { 'utf-16BE' }" in text(each)
    assert "was in UTF-16 or had a byte order mark, which sshd cannot read" in text(each)


@pytest.mark.parametrize(
    "path",
    [
        r"C:\Windows\System32\OpenSSH\sshd.exe",
        r'"C:\Program Files\OpenSSH\sshd.exe"',
        r'"C:\Program Files\OpenSSH\sshd.exe" -f "C:\other.exe.d\sshd_config"',
    ],
)
def test_the_server_program_is_read_out_of_the_service_as_it_was_registered(path: str) -> None:
    [pattern] = re.findall(r"-replace '(.+?)', '\$1'", windows.script(KEY))
    assert re.sub(pattern, r"\1", path) == path.strip('"').partition('"')[0]


def test_it_ends_with_the_inventory_line_and_the_host_keys() -> None:
    script = windows.script(KEY)
    assert 'machine(`"$id`", system=`"windows`", user=`"' in script.splitlines()[-2]
    assert "'ssh-keygen.exe') -l -f $public.FullName" in script
