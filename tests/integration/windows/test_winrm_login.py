"""Logins by WinRM: encrypted or refused, within a time, and without a secret in anything that anybody can read.

Against the tests' own WS-Management endpoint (tests/kits/wsman), whose commands this machine's sh runs here.
"""

from __future__ import annotations

import base64
import gc
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from pyinfra.api.config import Config
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State

from roosync_ops.pyinfra_ops.winrm import WinrmConnector
from roosync_ops.transport import winrm_access
from roosync_ops.transport.winrm_access import PASSWORD, PLAINTEXT
from tests.kits.hosts import PATIENCE_S
from tests.kits.wsman import Endpoint

pytest.importorskip("pypsrp", reason="no pypsrp (the extra winrm)")

from roosync_ops.transport import link
from roosync_ops.transport.link import LinkError
from tests.integration.windows.winrm_sessions import COMMAND, data, said, session, shows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with Endpoint(tmp_path_factory.mktemp("wsman")) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def _fresh(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint.forget()
    monkeypatch.setenv(PASSWORD, endpoint.password)


def on_the_wire(endpoint: Endpoint) -> bytes:
    return b"".join(
        json.dumps(request["headers"]).encode() + base64.b64decode(request["body"]) for request in endpoint.requests()
    )


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
    with pytest.raises(LinkError, match="nothing was sent"):
        said(session(endpoint, winrm_path="wsman/open"))
    assert [base64.b64decode(request["body"]) for request in endpoint.requests()] == [b""]


def test_an_answer_in_plaintext_is_not_believed_where_all_is_encrypted(endpoint: Endpoint) -> None:
    with pytest.raises(LinkError, match="not believed"):
        said(session(endpoint, winrm_path="wsman/forged"))


@pytest.mark.parametrize("transport", ["http", "https"])
def test_a_redirect_is_not_followed(endpoint: Endpoint, transport: str) -> None:
    with pytest.raises(LinkError, match="another address"):
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


def test_a_wrong_password_is_a_login_that_was_refused(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "not it")
    for transport, auth in (("http", "negotiate"), ("https", "negotiate"), ("https", "basic")):
        with pytest.raises(LinkError, match="Authentication error") as refused:
            said(session(endpoint, transport, winrm_auth=auth))
        assert refused.value.code == link.LOGIN_REFUSED
        assert "not it" not in str(refused.value)


def test_a_name_nobody_has_is_told_as_such(endpoint: Endpoint) -> None:
    with pytest.raises(LinkError, match="Could not resolve hostname") as unknown:
        said(session(endpoint, winrm_hostname="m.invalid"))
    assert unknown.value.code == link.UNKNOWN_HOST


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
