"""Over HTTP it is there for this computer alone, and for no page in a browser."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import anyio
import pytest
from mcp import Client

from tests.kits.assistant import ROOSYNC_OPS
from tests.kits.hosts import PATIENCE_S
from tests.kits.shares import heartbeat, put

from .conftest import MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Place

PING = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
)
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


class Served(NamedTuple):
    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])

    def post(self, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request("POST", "/mcp", PING, {**JSON, **headers})
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def served(place: Place) -> Iterator[Served]:
    put(place.shared, heartbeat(MACHINE))
    line = [ROOSYNC_OPS, "mcp", "--http", "0", *place.words, "--shared", place.shared]
    process = subprocess.Popen(
        list(map(str, line)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **place.env},
    )
    assert process.stderr is not None
    yield Served(process, process.stderr.readline().strip())
    process.kill()
    process.communicate()


def test_the_same_tools_answer(served: Served) -> None:
    async def ask() -> int:
        async with Client(served.url) as client:
            return int((await client.call_tool("roosync_validate", {})).structured_content["summary"]["total"])

    assert anyio.run(ask) == 1


def test_another_host_or_origin_is_refused(served: Served) -> None:
    own = f"127.0.0.1:{served.port}"
    assert served.post() == 200
    assert served.post(Origin=f"http://{own}") == 200
    assert served.post(Host=f"evil.example:{served.port}") == 421
    assert served.post(Host="127.0.0.1:1") == 421
    assert served.post(Origin="https://evil.example") == 403
    assert served.post(Origin="http://localhost:3000") == 403
    assert served.post(Origin="null") == 403


def test_it_listens_on_loopback_alone(served: Served) -> None:
    addresses = {item[4][0] for item in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in (*(address for address in addresses if not str(address).startswith("127.")), "127.0.0.2"):
        with socket.socket() as other:
            other.settimeout(5)
            assert other.connect_ex((str(address), served.port)) != 0


def test_ctrl_c_ends_it_and_nothing_was_on_standard_output(served: Served) -> None:
    served.process.send_signal(signal.SIGINT)
    out, err = served.process.communicate(timeout=PATIENCE_S)
    assert served.process.returncode == 130
    assert out == ""
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_said(place: Place) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        line = [ROOSYNC_OPS, "mcp", "--http", taken.getsockname()[1], *place.words]
        done = subprocess.run(list(map(str, line)), capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert "cannot be listened on: Address already in use" in done.stderr
    assert "Next:  roosync-ops mcp --http 0" in done.stderr
