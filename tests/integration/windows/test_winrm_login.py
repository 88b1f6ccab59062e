"""Logins by WinRM: encrypted or refused, within a time, and without a secret in anything that anybody can read.

Against the tests' own WS-Management endpoint (tests/kits/wsman), whose commands this machine's sh runs here.
"""

from __future__ import annotations

import base64
import gc
import json
import logging
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyinfra.api.config import Config
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State

from roosync_ops.pyinfra_ops.winrm import WinrmConnector
from roosync_ops.transport import winrm_access
from roosync_ops.transport.winrm_access import PLAINTEXT
from roosync_ops.transport.winrm_secret import PASSWORD
from tests.kits.hosts import PATIENCE_S
from tests.kits.wsman import USER, Endpoint

pytest.importorskip("pypsrp", reason="no pypsrp (the extra winrm)")

from roosync_ops.transport.winrm_errors import LoginError, UnknownHostError, WinrmError
from roosync_ops.transport.winrm_session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What no packet may show: a word of the command.
COMMAND = "echo unmistakable"
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with Endpoint(tmp_path_factory.mktemp("wsman")) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def _fresh(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint.forget()
    monkeypatch.setenv(PASSWORD, endpoint.password)


def data(endpoint: Endpoint, transport: str, **more: Any) -> dict[str, Any]:
    port = endpoint.https if transport == "https" else endpoint.http
    known = {"winrm_ca": str(endpoint.files.authority)} if transport == "https" else {}
    return (
        {"winrm_hostname": "127.0.0.1", "winrm_user": USER, "winrm_transport": transport, "winrm_port": port}
        | known
        | more
    )


def session(endpoint: Endpoint, transport: str = "http", **more: Any) -> Session:
    usual = winrm_access.with_defaults({})
    return Session(winrm_access.of("m", {**usual, **data(endpoint, transport, **more)}), connect_timeout=10)


def said(session: Session) -> bytes:
    try:
        session.open()
        return session.run(COMMAND).out
    finally:
        session.close()


def on_the_wire(endpoint: Endpoint) -> bytes:
    return b"".join(
        json.dumps(request["headers"]).encode() + base64.b64decode(request["body"]) for request in endpoint.requests()
    )


def shows(text: str, endpoint: Endpoint) -> bool:
    """Tell whether a text holds the password, plain or as a login's header would carry it."""
    pair = f"{USER}:{endpoint.password}".encode()
    return endpoint.password in text or base64.b64encode(pair).decode()[:-4] in text


@pytest.mark.parametrize("auth", ["negotiate", "ntlm"])
def test_over_http_all_that_is_sent_is_encrypted(endpoint: Endpoint, auth: str) -> None:
    assert said(session(endpoint, winrm_auth=auth)) == b"unmistakable\n"
    wire = on_the_wire(endpoint)
    assert b"unmistakable" not in wire
    assert b"Envelope" not in wire
    assert not shows(wire.decode("latin-1"), endpoint)
    kinds = [request["headers"].get("Content-Type", "") for request in endpoint.requests() if request["body"]]
    assert kinds
    assert all(kind.startswith("multipart/encrypted") for kind in kinds)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="negotiate, bound to the channel"),
        pytest.param({"winrm_encryption": "always"}, id="negotiate, encrypted within TLS too"),
        pytest.param({"winrm_auth": "basic"}, id="basic"),
    ],
)
def test_over_https_each_login_works(endpoint: Endpoint, more: dict[str, Any]) -> None:
    assert said(session(endpoint, "https", **more)) == b"unmistakable\n"


def test_over_https_a_client_certificate_logs_in_and_no_password_is_looked_for(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD)
    files = {
        "winrm_certificate_pem": str(endpoint.files.client),
        "winrm_certificate_key_pem": str(endpoint.files.client_key),
    }
    assert said(session(endpoint, "https", winrm_auth="certificate", **files)) == b"unmistakable\n"


def test_plaintext_is_refused_before_there_is_a_connection(endpoint: Endpoint) -> None:
    for more in ({"winrm_auth": "basic"}, {"winrm_encryption": "never"}, {"winrm_plaintext": "yes"}):
        with pytest.raises(winrm_access.AccessError):
            session(endpoint, **more)
    assert endpoint.events() == []


def test_plaintext_that_was_asked_for_in_so_many_words_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Endpoint(tmp_path, plaintext=True) as careless:
        monkeypatch.setenv(PASSWORD, careless.password)
        assert said(session(careless, winrm_auth="basic", winrm_plaintext=PLAINTEXT)) == b"unmistakable\n"
        assert b"unmistakable" in on_the_wire(careless)


def test_a_machine_that_asks_for_no_login_gets_nothing(endpoint: Endpoint) -> None:
    with pytest.raises(WinrmError, match="nothing was sent"):
        said(session(endpoint, winrm_path="wsman/open"))
    assert [base64.b64decode(request["body"]) for request in endpoint.requests()] == [b""]


def test_an_answer_in_plaintext_is_not_believed_where_all_is_encrypted(endpoint: Endpoint) -> None:
    with pytest.raises(WinrmError, match="not believed"):
        said(session(endpoint, winrm_path="wsman/forged"))


@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_redirect_is_not_followed(endpoint: Endpoint, transport: str) -> None:
    with pytest.raises(WinrmError, match="another address"):
        said(session(endpoint, transport, winrm_path="wsman/redirect"))
    assert {request["path"] for request in endpoint.requests()} == {"/wsman/redirect"}


def test_a_proxy_or_a_netrc_of_the_environment_is_not_asked(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert said(session(endpoint)) == b"unmistakable\n"


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


def test_a_wrong_password_is_a_login_that_was_refused(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "not it")
    for transport, auth in (("http", "negotiate"), ("https", "negotiate"), ("https", "basic")):
        with pytest.raises(LoginError, match="Authentication error") as refused:
            said(session(endpoint, transport, winrm_auth=auth))
        assert "not it" not in str(refused.value)


def test_an_error_carries_no_frame_in_which_the_password_could_be_read(endpoint: Endpoint) -> None:
    with pytest.raises(WinrmError) as failed:
        said(session(endpoint, "https", winrm_auth="basic", winrm_path="wsman/echo"))
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None
    frame = failed.value.__traceback__
    while frame is not None:
        shown = {name: repr(value) for name, value in frame.tb_frame.f_locals.items() if name != "endpoint"}
        assert not [name for name, text in shown.items() if shows(text, endpoint)]
        frame = frame.tb_next


def test_a_name_nobody_has_is_told_as_such(endpoint: Endpoint) -> None:
    with pytest.raises(UnknownHostError, match="Could not resolve hostname"):
        said(session(endpoint, winrm_hostname="m.invalid"))


def test_a_machine_that_says_nothing_is_given_up_in_time(endpoint: Endpoint) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        said(session(endpoint, winrm_path="wsman/silent", winrm_operation_timeout=1, winrm_read_timeout=1))
    assert time.monotonic() - began < PATIENCE_S


def test_a_machine_that_stops_answering_in_a_command_is_given_up_in_time(endpoint: Endpoint) -> None:
    stalled = session(endpoint, winrm_path="wsman/stalled", winrm_operation_timeout=1, winrm_read_timeout=1)
    stalled.open()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        stalled.run(COMMAND, limit_s=3)
    stalled.close()
    assert time.monotonic() - began < PATIENCE_S


def test_a_shell_that_is_gone_is_opened_again_before_a_command_runs(endpoint: Endpoint) -> None:
    assert said(session(endpoint, winrm_path="wsman/forgets")) == b"unmistakable\n"


def connector(keys: dict[str, Any]) -> WinrmConnector:
    inventory = Inventory(
        ([("@roosync-winrm/m", {key: value for key, value in keys.items() if value is not None})], {})
    )
    host = inventory.get_host("m")
    host.init(State(inventory, Config(CONNECT_TIMEOUT=20)))
    assert isinstance(host.connector, WinrmConnector)
    return host.connector


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        pytest.param({"winrm_ca": "/nowhere/ca.pem"}, "/nowhere/ca.pem", id="no such authority"),
        pytest.param({"winrm_auth": "kerberos"}, "", id="kerberos without its packages or a ticket"),
        pytest.param({"winrm_auth": "credssp"}, "credssp", id="credssp without its package"),
        pytest.param({"winrm_password_file": "/nowhere/password"}, "/nowhere/password", id="no such password file"),
        pytest.param(
            {
                "winrm_auth": "certificate",
                "winrm_certificate_pem": "/nowhere/c",
                "winrm_certificate_key_pem": "/nowhere/k",
            },
            "/nowhere/c",
            id="no such certificate",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")  # requests leaves a refused answer to the collector
def test_what_is_missing_here_is_one_sentence(endpoint: Endpoint, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectError) as failed:
        connector(data(endpoint, "https", **keys)).connect()
    told = str(failed.value)
    del failed
    gc.collect()
    assert words in told
    assert "\n" not in told
    assert not shows(told, endpoint)


def test_a_password_in_an_inventory_is_refused_and_not_shown(endpoint: Endpoint) -> None:
    with pytest.raises(ConnectError, match=PASSWORD) as refused:
        connector(data(endpoint, "https", winrm_password=endpoint.password)).connect()
    assert not shows(str(refused.value), endpoint)
    assert endpoint.events() == []


@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_connection_that_was_idle_for_long_is_made_anew(endpoint: Endpoint, transport: str) -> None:
    idle = session(endpoint, transport)
    idle.open()
    idle._used -= 100.0
    assert idle.run(COMMAND).out == b"unmistakable\n"
    idle.close()
    assert sum(event["event"] == "connection" for event in endpoint.events()) == 2


def test_no_log_at_any_level_holds_the_password_or_a_token_of_the_login(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said(session(endpoint))
    with pytest.raises(WinrmError):
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
    running = {
        name: subprocess.Popen(
            [sys.executable, *(places.get(word, word) for word in command)],
            cwd=folder,
            env={**environment, "XDG_STATE_HOME": str(folder / f"state-{number}")},  # one rollout at a time, each
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number, (name, command) in enumerate(COMMANDS.items())
    }
    said = {name: process.communicate(timeout=150)[0] for name, process in running.items()}
    return {name: (process.returncode, said[name]) for name, process in running.items()}


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
