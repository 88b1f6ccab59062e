"""What a WinRM login may be: refused before a packet where it would show anything; and where its secret comes from."""

from __future__ import annotations

import ast
import base64
import copy
import json
import logging
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.transport import winrm_access, winrm_files
from roosync_ops.transport.winrm_access import PLAINTEXT, AccessError

if TYPE_CHECKING:
    from pathlib import Path

WORD = "Zürich & <7> %41"


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(winrm_access.PASSWORD, WORD)


def access(**data: Any) -> winrm_access.Access:
    return winrm_access.of("myia-web1", {"winrm_user": "me", **data})


def test_https_with_a_checked_certificate_and_negotiate_is_what_holds_where_nothing_is_said() -> None:
    found = access()
    assert (found.host, found.port, found.tls, found.auth, found.verify) == ("myia-web1", 5986, True, "negotiate", True)


@pytest.mark.parametrize("auth", ["negotiate", "ntlm", "kerberos", "credssp"])
@pytest.mark.parametrize("asked", ["auto", "always"])
def test_over_http_every_message_is_encrypted(auth: str, asked: str) -> None:
    found = access(winrm_transport="http", winrm_auth=auth, winrm_encryption=asked)
    assert (found.port, found.encryption) == (5985, "always")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"winrm_transport": "http", "winrm_auth": "basic"}, id="basic over http"),
        pytest.param({"winrm_transport": "http", "winrm_auth": "certificate"}, id="certificate over http"),
        pytest.param({"winrm_transport": "http", "winrm_encryption": "never"}, id="encryption never"),
        pytest.param({"winrm_encryption": "never"}, id="encryption never, over https"),
        pytest.param({"winrm_auth": "basic", "winrm_encryption": "always"}, id="basic cannot encrypt"),
        pytest.param({"winrm_transport": "http", "winrm_plaintext": "yes"}, id="plaintext by a mere yes"),
        pytest.param({"winrm_transport": "http", "winrm_plaintext": "True"}, id="plaintext by true"),
        pytest.param({"winrm_transport": "ftp"}, id="another transport"),
        pytest.param({"winrm_auth": "digest"}, id="another login"),
        pytest.param({"winrm_user": None, "winrm_auth": "ntlm"}, id="no user"),
        pytest.param({"winrm_auth": "certificate"}, id="no certificate"),
    ],
)
def test_what_could_show_something_is_refused_in_one_sentence(data: dict[str, Any]) -> None:
    with pytest.raises(AccessError) as refused:
        access(**data)
    assert "\n" not in str(refused.value)
    assert WORD not in str(refused.value)


@pytest.mark.parametrize("auth", ["basic", "negotiate"])
def test_plaintext_takes_so_many_words(auth: str) -> None:
    assert access(winrm_transport="http", winrm_auth=auth, winrm_plaintext=PLAINTEXT).encryption == "never"


def test_so_many_words_change_nothing_where_encryption_is_asked_for_too() -> None:
    both = access(winrm_transport="http", winrm_plaintext=PLAINTEXT, winrm_encryption="always")
    assert both.encryption == "always"


def test_what_is_less_than_safe_is_said_each_time() -> None:
    assert access().warnings == ()
    assert len(access(winrm_transport="http", winrm_plaintext=PLAINTEXT).warnings) == 1
    assert len(access(winrm_cert_validation=False).warnings) == 1


def test_what_travels_to_the_machine_is_for_cpython_3_9() -> None:
    ast.parse(winrm_files._PROGRAM, feature_version=(3, 9))


def test_a_login_shows_its_secret_in_no_form_of_itself() -> None:
    found = access()
    assert found.password is not None
    assert found.password.get_secret_value() == WORD
    for shown in (repr(found), str(found.password), f"{found.password!r:>20}", repr(vars(found)), str([found])):
        assert WORD not in shown
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(found)


@pytest.mark.parametrize("around", ["", "x", "xy", "me:", "\u00e9"])
def test_what_a_server_sends_back_of_the_secret_is_hidden(around: str) -> None:
    found = access()
    for encoding in ("utf-8", "utf-16-le"):
        for text in (WORD, json.dumps(WORD), "Z%C3%BCrich%20%26%20%3C7%3E%20%2541", "Zürich &amp; &lt;7&gt; %41"):
            assert "rich" not in found.hidden(f"HTTP 500 {around}{text} and more")
        coded = base64.b64encode(f"{around}{WORD}".encode(encoding)).decode()
        shown = found.hidden(coded)
        assert "***" in shown
        assert len(shown) < 20


def test_a_password_comes_from_the_first_line_of_a_file_that_is_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{WORD} \r\nand a remark\n", encoding="utf-8")
    file.chmod(0o600)
    found = winrm_access.find("me", str(file), prompt=False)
    assert found is not None
    assert found.get_secret_value() == f"{WORD} "
    named = winrm_access.find("me", None, prompt=False, environment={winrm_access.PASSWORD_FILE: str(file)})
    assert named is not None
    assert named.get_secret_value() == f"{WORD} "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_password_file_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "password"
    file.write_text(WORD, encoding="utf-8")
    file.chmod(mode)
    with pytest.raises(winrm_access.AccessError, match="chmod 600") as refused:
        winrm_access.find("me", str(file), prompt=False)
    assert WORD not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n", WORD.encode("latin-1")], ids=["empty", "no first line", "not UTF-8"])
def test_a_password_file_without_a_password_is_told_without_its_content(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(winrm_access.AccessError) as refused:
        winrm_access.find("me", str(file), prompt=False)
    assert refused.value.__context__ is None
    assert "rich" not in str(refused.value)


def test_no_password_at_all_is_one_sentence_with_the_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(winrm_access.PASSWORD)
    with pytest.raises(AccessError, match=winrm_access.PASSWORD):
        access()


def test_a_kerberos_ticket_takes_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(winrm_access.PASSWORD)
    assert access(winrm_auth="kerberos", winrm_user="me@EXAMPLE").password is None
    assert access(winrm_auth="negotiate", winrm_user=None).password is None


def test_libraries_that_log_tokens_are_silent() -> None:
    pytest.importorskip("pypsrp", reason="no pypsrp (the extra winrm)")
    from roosync_ops.transport import winrm_session  # noqa: PLC0415 - needs the extra

    assert winrm_session
    for name in ("pypsrp.wsman", "pypsrp.negotiate", "spnego._ntlm"):
        assert not logging.getLogger(name).isEnabledFor(logging.CRITICAL)
