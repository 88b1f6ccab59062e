"""What the live page is fed from: a share that hangs is told, costs one thread, and is believed when it answers."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.dashboard import dashboard
from roosync_ops.gather.limits import Limits
from roosync_ops.gather.source import Source
from roosync_ops.publish.live import Live
from roosync_ops.wire.folder import read_shared
from roosync_ops.wire.times import now_ms
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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
