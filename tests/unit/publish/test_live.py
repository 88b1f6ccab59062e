"""What the live page is fed from: a share that hangs is told, costs one thread, and is believed when it answers."""

from __future__ import annotations

import socket
import struct
import threading
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.dashboard import dashboard
from roosync_ops.gather.limits import Limits
from roosync_ops.gather.source import Source
from roosync_ops.publish.live import LOOPBACK, Live, serving
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
    fleet, shared = Fleet([Machine.of("a", {})]), str(tmp_path)
    source = Source(shared, None, 60)
    look = partial(dashboard, fleet, shared, Limits(), baseline="a", probe=False, memory=tmp_path, source=source)
    live = Live(look, str, "en")
    before = set(threading.enumerate())
    answers.clear()
    source._bounded.deadline_s = 0.1
    for _ in range(5):
        live.again()
    text = live.whole()
    assert "hangs: no answer within 0.1 s" in text
    assert "data-trouble" in text
    assert "1/1 machines online (100%)" in text
    assert not set(threading.enumerate()) - before
    answers.set()
    source._bounded.deadline_s = 60
    live.again()
    assert "data-trouble" not in live.whole()


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
