"""`roosync-ops bootstrap windows`: which key is taken, and what is refused."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from .powershell_script import BLOB, KEY, defects, meant, value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Done

    Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's `.ssh`, with one key pair."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / ".ssh"
    folder.mkdir(parents=True)
    (folder / "id_ed25519.pub").write_text(f"{KEY}\n")
    (folder / "id_ed25519").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    return folder


def test_the_one_key_in_the_users_folder_is_taken(run: Run) -> None:
    done = run("bootstrap", "windows")
    assert done.code == 0
    assert defects(done.out) == []
    assert meant(value(done.out, "Key")) == str(KEY)
    assert str(KEY) in done.err


def test_more_than_one_key_is_a_choice_that_is_not_ours(run: Run, ssh: Path) -> None:
    (ssh / "work.pub").write_text(f"{KEY}\n")
    (ssh / "work-cert.pub").write_text("a certificate\n")
    done = run("bootstrap", "windows")
    assert (done.code, done.out) == (2, "")
    assert "2 public keys (id_ed25519.pub, work.pub)" in done.err
    assert "--key" in done.err
    assert run("bootstrap", "windows", "--key", str(ssh / "work.pub")).code == 0


def test_without_a_key_it_says_how_to_make_one(run: Run, ssh: Path) -> None:
    (ssh / "id_ed25519.pub").unlink()
    done = run("bootstrap", "windows")
    assert done.code == 2
    assert "ssh-keygen -t ed25519" in done.err


def test_a_key_comes_from_stdin_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(f"ssh-ed25519 {BLOB} piped\n".encode())))
    assert meant(value(run("bootstrap", "windows", "--key", "-").out, "Key")).endswith(" piped")


def test_a_private_key_is_refused_and_not_a_byte_of_it_is_shown(run: Run, ssh: Path) -> None:
    (ssh / "id_ed25519").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n")
    done = run("bootstrap", "windows", "--key", str(ssh / "id_ed25519"))
    assert (done.code, done.out) == (2, "")
    assert "private key" in done.err
    assert "c2VjcmV0" not in done.err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--key", "missing.pub"], "cannot be read"),
        (["--lan", "0.0.0.0/0"], "every address there is"),
        (["--lan", "home"], "no range of addresses"),
        (["--port", "0"], "--port"),
        (["--user", "a'b*"], "cannot be the name"),
        (["--user", "a\nb"], "cannot be the name"),
    ],
)
def test_what_makes_no_sense_is_usage_and_prints_no_script(run: Run, flags: list[str], said: str) -> None:
    done = run("bootstrap", "windows", *flags)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_what_is_typed_is_in_the_script(run: Run) -> None:
    flags = ["--port", "2222", "--lan", "10.0.0.0/8", "--lan", "fd00::/8", "--user", "Élodie", "--standard"]
    script = run("bootstrap", "windows", *flags).out
    assert "    $Port = 2222\n    $Lan = @('10.0.0.0/255.0.0.0', 'fd00::/8')\n" in script
    assert meant(value(script, "Account")) == "Élodie"
    assert meant(value(script, "Kind")) == "standard"
    assert script.isascii()


@pytest.mark.parametrize(("flag", "kind"), [([], "auto"), (["--admin"], "administrator"), (["--standard"], "standard")])
def test_whether_the_account_is_an_administrator_is_looked_up_unless_it_is_said(
    run: Run, flag: list[str], kind: str
) -> None:
    assert meant(value(run("bootstrap", "windows", *flag).out, "Kind")) == kind


def test_json_holds_the_script_as_it_is_printed(run: Run) -> None:
    document = run("bootstrap", "windows", "--json").document
    assert document["ok"] is True
    assert document["script"] == run("bootstrap", "windows").out
    assert document["key"] == str(KEY)


def test_the_help_has_examples(run: Run) -> None:
    help_text = run("bootstrap", "windows", "--help").out
    assert "roosync-ops bootstrap windows > bootstrap.ps1" in help_text
    assert "never run on real Windows" in " ".join(help_text.split())
