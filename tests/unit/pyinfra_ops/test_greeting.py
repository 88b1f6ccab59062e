"""A server's greeting has a limit of its own: later than TCP may take is not too late, and nothing at all is told."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import paramiko
import pytest

from roosync_ops.fleet import Machine
from roosync_ops.pyinfra_ops.greeting import Greeting, patient

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


def test_a_server_that_greets_later_than_tcp_may_take_is_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    server = paramiko.Transport(pair[1])
    server.add_server_key(paramiko.RSAKey.generate(2048))
    greets = threading.Timer(0.5, server.start_server, (threading.Event(), paramiko.ServerInterface()))
    greets.start()
    client = Greeting(pair[0], greeting_s=60.0)
    try:
        client.start_client(timeout=0.01)
        assert client.initial_kex_done
    finally:
        greets.join()
        client.close()
        server.close()


@pytest.mark.parametrize(
    ("said", "missing"),
    [pytest.param(b"", "greeting", id="nothing"), pytest.param(b"SSH-2.0-x\r\n", "keys", id="a-banner-alone")],
)
def test_what_did_not_come_is_named(pair: tuple[socket.socket, socket.socket], said: bytes, missing: str) -> None:
    pair[1].sendall(said)
    client = Greeting(pair[0], greeting_s=0.5)
    with pytest.raises(paramiko.SSHException, match=f"no SSH {missing} within 0.5 s"):
        client.start_client(timeout=60)
    assert not client.is_active()


def test_what_the_inventory_says_of_paramiko_stands() -> None:
    own = {"ssh_paramiko_connect_kwargs": {"banner_timeout": 90, "transport_factory": None}}
    _, data = patient(Machine.of("m1", {"ssh": own}).entry(), 3.0)
    assert data["ssh_paramiko_connect_kwargs"] == own["ssh_paramiko_connect_kwargs"]
    _, data = patient(Machine.of("m1", {}).entry(), 3.0)
    assert list(data["ssh_paramiko_connect_kwargs"]) == ["transport_factory"]
