"""What the network says on the way to a machine."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from typing import Any

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.transport import reach
from roosync_ops.transport.reach import Reaching, known_hosts_of, port_of
from tests.kits.sshd import deaf_port


def asked(timeout_s: float = 0.5, **fields: Any) -> reach.Reach:
    return Reaching([Machine.of("m", {"host": "127.0.0.1", **fields})], timeout_s).found()["m"]


def test_a_machine_that_listens_is_open() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        found = asked(5, port=server.getsockname()[1])
    assert (found.answers, found.addresses, found.resolving) == (reach.OPEN, ("127.0.0.1",), None)


def test_a_machine_where_nobody_listens_refuses() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert asked(5, port=port).answers == reach.REFUSED


def test_a_machine_that_is_off_is_silent_and_delays_nobody() -> None:
    began = time.monotonic()
    with deaf_port() as port:
        assert asked(0.3, port=port).answers in (reach.SILENT, None)
    assert time.monotonic() - began < 10


def test_a_name_that_does_not_resolve_is_told_with_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no)
    assert asked(5, host="nowhere.invalid").resolving == "Name or service not known"


@pytest.mark.parametrize("host", ["x" * 70, "a..b", "é" * 60])
def test_a_name_that_is_none_raises_nothing(host: str) -> None:
    assert asked(5, host=host).resolving


@pytest.mark.parametrize(
    ("fields", "port"),
    [
        ({}, 22),
        ({"port": 2222}, 2222),
        ({"ssh": {"ssh_port": 23}}, 23),
        ({"system": "windows", "transport": "winrm"}, 5986),
        ({"system": "windows", "transport": "winrm", "winrm": {"winrm_transport": "http"}}, 5985),
        ({"system": "windows", "transport": "winrm", "winrm": {"winrm_port": 5999}}, 5999),
    ],
)
def test_the_port_is_the_inventorys_or_the_transports_own(fields: dict[str, Any], port: int) -> None:
    assert port_of(Machine.of("m", fields)) == port


def test_the_known_hosts_file_is_the_one_the_inventory_names() -> None:
    assert known_hosts_of(Machine.of("m", {})) is None
    assert known_hosts_of(Machine.of("m", {"ssh": {"ssh_known_hosts_file": "/k"}})) == "/k"
