"""A notification that goes to a dead endpoint and a command that never ends: the flips are told, and the end comes."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.wire.times import now_ms
from tests.integration.watch.kit import Lines
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t-t0ken"  # noqa: S105 - what must not be seen


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "inventory.py").write_text(
        "from roosync_ops.fleet import machine\nall = [machine(f'm-{n}') for n in range(3)]\n", encoding="utf-8"
    )
    (tmp_path / "shared").mkdir()
    for number in range(3):
        put(tmp_path / "shared", ours(f"m-{number}", 1_000, now_ms(), sequence=1))
    return tmp_path


def _leave(home: Path, name: str) -> None:
    put(home / "shared", ours(name, 1_000, now_ms(), sequence=2, state="left", leftAt="2100-01-01T00:00:00.000Z"))


def test_neither_holds_it_up(home: Path) -> None:
    pytest.importorskip("apprise", reason="apprise is not installed (roosync-ops[notify])")
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        url = f"json://u:{SECRET}@127.0.0.1:{server.getsockname()[1]}/{SECRET}"
        words = ("--shared", home / "shared", "--interval", "0.5", "--exec", "sleep 600", "--exec", "false")
        with Lines(home, *words, ROOSYNC_NOTIFY_URL=url) as watcher:
            _wait_for_a_look(home)
            for name in ("m-0", "m-1", "m-2"):
                _leave(home, name)
                watcher.until(name, "left")
            began = time.monotonic()
            assert watcher.end() == 0
            assert time.monotonic() - began < PATIENCE_S
        server.shutdown(socket.SHUT_RDWR)
    for each in kept:
        each.close()
    assert [flip["machineId"] for flip in watcher.flips] == ["m-0", "m-1", "m-2"]
    assert "--exec false failed: exit code 1" in watcher.said
    assert "--exec sleep: 3 not delivered at the end" in watcher.said
    assert kept
    assert SECRET not in watcher.said


def _wait_for_a_look(home: Path) -> None:
    """Wait until the watcher has taken the fleet for granted: its memory is there."""
    wait_for("the watcher's memory", lambda: list((home / "state").rglob("watch-*.json")))
