"""What the live page is fed from: a share that hangs is told, costs one thread, and is believed when it answers."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.dashboard import dashboard
from roosync_ops.gather.limits import Limits, Probe
from roosync_ops.gather.source import Source
from roosync_ops.publish.live import LOOPBACK, Live, serving
from roosync_ops.state.folder import FolderSource
from roosync_ops.wire.folder import read_shared
from roosync_ops.wire.times import now_ms
from tests.kits import boards
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from pathlib import Path


def test_a_share_that_hangs_is_told_and_costs_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, ours("a", 1_000, now_ms()))
    answers = threading.Event()
    answers.set()

    def patiently(*arguments: Any) -> Any:
        answers.wait()
        return read_shared(*arguments)

    monkeypatch.setattr("roosync_ops.state.folder.read_shared", patiently)
    folder = FolderSource(str(tmp_path), 60)
    fleet, shared = Fleet([Machine.of("a", {})]), str(tmp_path)
    monkeypatch.setattr("roosync_ops.gather.source.open_source", lambda *_: folder)
    source = Source(shared, None, 60)
    look = partial(dashboard, fleet, shared, Limits(), baseline="a", probe=Probe.never, memory=tmp_path, source=source)
    live = Live(look, str, "en")
    before = set(threading.enumerate())
    answers.clear()
    folder._bounded.deadline_s = 0.1
    for _ in range(5):
        live.again()
    text = live.page(urlsplit("/"))[1]
    assert "hangs: no answer within 0.1 s" in text
    assert "data-trouble" in text
    assert "1/1 machines online (100%)" in text
    assert not set(threading.enumerate()) - before
    answers.set()
    folder._bounded.deadline_s = 60
    live.again()
    assert "data-trouble" not in live.page(urlsplit("/"))[1]


@pytest.mark.parametrize(
    "request_line", [b"GET http://[::1/ HTTP/1.1", b"GET / HTTP/1.1", b"GET //[ HTTP/1.1", b"\x80\xff\x00", b"GET"]
)
def test_a_client_that_hangs_up_or_asks_nonsense_leaves_no_traceback(
    request_line: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    live = Live(lambda: boards.six(now_ms()), str, "en")
    with serving(live, 0, 60) as address:
        port = urlsplit(address).port or 0
        for _ in range(5):
            with socket.create_connection((LOOPBACK, port)) as client:
                client.sendall(b"%s\r\nHost: 127.0.0.1:%d\r\n\r\n" % (request_line, port))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST
        with socket.create_connection((LOOPBACK, port), timeout=60) as client, client.makefile("rb") as answer:
            client.sendall(b"GET http://[::1/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            assert b" 400 " in answer.readline()
    assert not capfd.readouterr().err


def _asked(address: str, path: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection(LOOPBACK, urlsplit(address).port or 0, timeout=60)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, str(answer.headers["Content-Type"]), answer.read().decode()


def test_metrics_and_health_are_those_of_the_last_look() -> None:
    looks: list[object] = [boards.six(now_ms()), OSError("the drive is gone"), boards.six(now_ms() - 600_000)]

    def look() -> Any:
        found = looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    live = Live(look, str, "en")
    with serving(live, 0, 3_600) as address:
        status, kind, text = _asked(address, "/metrics")
        assert (status, kind.partition(";")[0]) == (200, "application/openmetrics-text")
        assert len(list(text_string_to_metric_families(text))) == 8
        assert _asked(address, "/healthz")[::2] == (200, "ok\n")
        live.again()
        assert _asked(address, "/healthz")[::2] == (503, "the drive is gone\n")
        live.again()
        status, _, why = _asked(address, "/healthz")
        assert (status, why) == (503, "the last look was 600 s ago\n")


@pytest.mark.parametrize(("every_s", "fresh_ms"), [(0.0, 60_000), (100.0, 200_000)])
def test_a_look_is_current_until_two_more_could_have_come(every_s: float, fresh_ms: int) -> None:
    board = replace(boards.six(now_ms()), fresh_ms=60_000)
    live = Live(lambda: board, str, "en", every_s)
    assert fresh_ms <= live._shown.board.fresh_ms < fresh_ms + 60_000
