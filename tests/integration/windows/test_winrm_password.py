"""No log, no error and no output of a run by WinRM holds the password, however it fails."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.transport.winrm_access import PASSWORD
from tests.kits.wsman import Endpoint

pytest.importorskip("pypsrp", reason="no pypsrp (the extra winrm)")

from roosync_ops.transport.link import LinkError
from tests.integration.windows.winrm_sessions import data, said, session, shows

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with Endpoint(tmp_path_factory.mktemp("wsman")) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def _fresh(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint.forget()
    monkeypatch.setenv(PASSWORD, endpoint.password)


def failing(endpoint: Endpoint) -> dict[str, tuple[str, dict[str, Any]]]:
    """Every way a login fails, by what is said of it: (what is said, data keys)."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = nobody.getsockname()[1]
    soon = {"winrm_operation_timeout": 1, "winrm_read_timeout": 1}
    return {
        "refused": ("Connection refused", data(endpoint, "https", winrm_port=closed)),
        "untrusted": ("TLS error", data(endpoint, "https", winrm_ca=None)),
        "other-name": ("Could not resolve", data(endpoint, "https", winrm_hostname="m.invalid")),
        "no-tls": ("TLS error", data(endpoint, "https", winrm_port=endpoint.http)),
        "echo": ("HTTP 500", data(endpoint, "https", winrm_auth="basic", winrm_path="wsman/echo")),
        "redirect": ("another address", data(endpoint, "https", winrm_auth="basic", winrm_path="wsman/redirect")),
        "garbage": ("answer", data(endpoint, "https", winrm_auth="basic", winrm_path="wsman/garbage")),
        "silent": ("no login within", data(endpoint, "http", winrm_path="wsman/silent", **soon)),
        "open": ("no login", data(endpoint, "http", winrm_path="wsman/open")),
        "forged": ("not believed", data(endpoint, "http", winrm_path="wsman/forged")),
        "plaintext": ("plaintext", data(endpoint, "http", winrm_auth="basic")),
    }


def test_an_error_carries_no_frame_in_which_the_password_could_be_read(endpoint: Endpoint) -> None:
    with pytest.raises(LinkError) as failed:
        said(session(endpoint, "https", winrm_auth="basic", winrm_path="wsman/echo"))
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None
    frame = failed.value.__traceback__
    while frame is not None:
        shown = {name: repr(value) for name, value in frame.tb_frame.f_locals.items() if name != "endpoint"}
        assert not [name for name, text in shown.items() if shows(text, endpoint)]
        frame = frame.tb_next


def test_no_log_at_any_level_holds_the_password_or_a_token_of_the_login(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said(session(endpoint))
    with pytest.raises(LinkError):
        said(session(endpoint, "https", winrm_auth="basic", winrm_path="wsman/echo"))
    assert not shows(caplog.text, endpoint)
    assert "TlRMTVNTUA" not in caplog.text  # NTLMSSP, as every token of NTLM begins
    assert "unmistakable" not in caplog.text


COMMANDS = {
    "rollout --json": ["-m", "roosync_ops", "rollout", "-i", "FLEET", "--shared", "SHARE", "--wait", "0", "--json"],
    "rollout --verbose": ["-m", "roosync_ops", "rollout", "-i", "FLEET", "--shared", "SHARE", "--wait", "0", "-v"],
    "pyinfra -vvv": ["-m", "pyinfra", "-vvv", "--debug", "-y", "FLEET", "exec", "--", "ver"],
    "pyinfra --debug-all": ["-m", "pyinfra", "-vvv", "--debug-all", "-y", "FLEET", "fact", "server.Os"],
}


@pytest.fixture(scope="module")
def ways_to_fail(endpoint: Endpoint) -> dict[str, tuple[str, dict[str, Any]]]:
    return failing(endpoint)


@pytest.fixture(scope="module")
def outputs(
    endpoint: Endpoint, ways_to_fail: dict[str, tuple[str, dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[int, str]]:
    """All at once, each on a machine for each way to fail: the exit code, and all that was printed."""
    folder = tmp_path_factory.mktemp("failing")
    wrong, inventory, share = folder / "wrong", folder / "inventory.py", folder / "share"
    wrong.write_text(f"not-{endpoint.password[3:]}\n", encoding="utf-8")
    wrong.chmod(0o600)
    (share / "dashboards").mkdir(parents=True)  # a shared state nobody has beaten in yet
    fleet = [
        (f"@roosync-winrm/{name}", {key: value for key, value in keys.items() if value is not None})
        for name, (_, keys) in ways_to_fail.items()
    ]
    fleet.append(("@roosync-winrm/wrong", data(endpoint, "https", winrm_password_file=str(wrong))))
    inventory.write_text(f"lab = {fleet!r}\n", encoding="utf-8")
    places = {"FLEET": str(inventory), "SHARE": str(share)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ROOSYNC_")}
    environment |= {"PYTHONPATH": str(REPOSITORY), PASSWORD: endpoint.password, "COLUMNS": "400"}

    def run(number: int, words: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, *(places.get(word, word) for word in words)],
            cwd=folder,
            env={**environment, "XDG_STATE_HOME": str(folder / f"state-{number}")},  # one rollout at a time, each
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=170,
            check=False,
        )
        return done.returncode, done.stdout

    with ThreadPoolExecutor(len(COMMANDS)) as pool:
        return dict(zip(COMMANDS, pool.map(run, range(len(COMMANDS)), COMMANDS.values()), strict=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_output_of_a_run_that_fails_holds_the_password(
    endpoint: Endpoint,
    ways_to_fail: dict[str, tuple[str, dict[str, Any]]],
    outputs: dict[str, tuple[int, str]],
    command: str,
) -> None:
    code, output = outputs[command]
    assert code != 0
    assert not shows(output, endpoint)
    assert endpoint.password[3:] not in output
    for name, (words, _) in {**ways_to_fail, "wrong": ("Authentication error", {})}.items():
        assert name in output
        assert words in output
