"""What is given to `bootstrap windows`: a key is a key, a range is a range, and no text of either is a command."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.bootstrap import windows
from roosync_ops.bootstrap.keys import PublicKey, parse
from roosync_ops.errors import CommandError
from tests.unit.cli.powershell_script import BLOB, KEY, commands, defects, meant, value

#: What a comment of somebody else's making may try.
BREAKOUTS = [
    "it's",
    "'; Remove-Item C:\\ -Recurse; '",
    "\N{RIGHT SINGLE QUOTATION MARK}; iex evil; \N{SINGLE LOW-9 QUOTATION MARK}",
    "$(iex evil)",
    '"; iex evil; "',
    "`",
    "#>",
    "@@PORT@@",
    "'@\niex evil\n@'".replace("\n", " "),
    "Élodie Dupont",
    "\t",
]


@pytest.mark.parametrize("comment", BREAKOUTS)
def test_a_comment_cannot_break_out(comment: str) -> None:
    key = PublicKey("ssh-ed25519", BLOB, comment)
    script = windows.script(key)
    assert defects(script) == []
    assert meant(value(script, "Key")) == str(key)
    assert [name for name, _ in commands(script)] == [name for name, _ in commands(windows.script(KEY))]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_at_all_can_break_out(comment: str, account: str) -> None:
    key = PublicKey("ssh-ed25519", BLOB, comment)
    head = windows.script(key, account=account).split("    $Kind")[0] + "}"
    assert head.isascii()
    assert defects(head) == []
    assert meant(value(head, "Key")) == str(key)
    assert meant(value(head, "Account")) == account
    assert [name for name, _ in commands(head)][1:] == ["Set-StrictMode"]


@given(st.one_of(st.ip_addresses().map(str), st.text(), st.from_regex(r"[0-9a-f.:/'\"$ ]{1,30}", fullmatch=True)))
def test_a_range_is_a_range_or_is_refused(cidr: str) -> None:
    try:
        written = windows.addresses(cidr)
    except CommandError:
        return
    assert re.fullmatch(r"[0-9a-f.:/]+", written)


@pytest.mark.parametrize(
    ("cidr", "written"),
    [
        ("192.168.1.0/24", "192.168.1.0/255.255.255.0"),
        ("192.168.1.7", "192.168.1.7"),
        ("192.168.1.7/32", "192.168.1.7"),
        ("fd00::/8", "fd00::/8"),
    ],
)
def test_a_range_is_written_as_windows_tells_it_back(cidr: str, written: str) -> None:
    assert windows.addresses(cidr) == written


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "::/0", "192.168.1.7/24", "LocalSubnet", "fe80::1%eth0", "'", ""])
def test_what_is_no_local_range_is_refused(cidr: str) -> None:
    with pytest.raises(CommandError):
        windows.addresses(cidr)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", "a private key", id="private"),
        pytest.param(b"PuTTY-User-Key-File-3: ssh-ed25519\n", "a private key", id="private, of PuTTY"),
        pytest.param(b"---- BEGIN SSH2 PUBLIC KEY ----\n", "not in OpenSSH's form", id="another form"),
        pytest.param(b"", "0 lines", id="empty"),
        pytest.param(f"{KEY}\n{KEY}\n".encode(), "2 lines", id="two"),
        pytest.param(f"ssh-dss {BLOB}".encode(), "no type", id="DSA"),
        pytest.param(f"ssh-rsa {BLOB}".encode(), "damaged", id="another type than it says"),
        pytest.param(f"ssh-ed25519 {BLOB[:-8]}".encode(), "damaged", id="cut short"),
        pytest.param(b"ssh-ed25519", "damaged", id="no key"),
        pytest.param(f'command="x" ssh-ed25519 {BLOB}'.encode(), "no type", id="options"),
        pytest.param(f"ssh-ed25519 {BLOB} a\0b".encode(), "control characters", id="NUL"),
        pytest.param(f"ssh-ed25519 {BLOB} a\rssh-rsa".encode(), "control characters", id="carriage return"),
        pytest.param(b"\xc3(", "not text", id="not UTF-8"),
        pytest.param(f"{KEY}\n".encode("utf-16"), "in UTF-16", id="UTF-16, as PowerShell writes it"),
        pytest.param(f"{KEY}\n".encode("utf-16-le"), "in UTF-16", id="UTF-16 without a mark"),
        pytest.param(f"{KEY}\n".encode("utf-16-be"), "in UTF-16", id="UTF-16, big-endian"),
        pytest.param(b"x" * 70_000, "too long", id="too long"),
    ],
)
def test_what_is_not_one_public_key_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        parse(data, "it")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n# of the admin machine\n"])
def test_a_public_key_is_taken_with_its_comment(ending: str) -> None:
    assert parse(f"\ufeff{KEY} at home{ending}".encode(), "it") == KEY._replace(comment="me@admin at home")
    assert str(parse(f"ssh-ed25519\t{BLOB}{ending}".encode(), "it")) == f"ssh-ed25519 {BLOB}"


@given(st.binary(max_size=200))
def test_whatever_is_given_as_a_key_is_a_key_or_is_refused(data: bytes) -> None:
    with pytest.raises(CommandError):
        parse(data, "it")
