"""A share hangs when nothing moves; much to read is no share that hangs."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from roosync_ops.wire.deadline import BoundedShare, ShareHungError


def test_a_call_that_gets_on_outlasts_its_deadline() -> None:
    count = itertools.count()
    over = threading.Event()
    looks: list[int] = []

    def progress() -> int:
        looks.append(next(count))
        if len(looks) == 4:
            over.set()
        return looks[-1] + 1

    assert BoundedShare(0.05).call(lambda: over.wait(60), "reading", progress)
    assert len(looks) == 4


def test_a_call_that_has_stopped_getting_on_hangs() -> None:
    over = threading.Event()
    bounded = BoundedShare(0.05)
    done = 7
    began = time.monotonic()
    try:
        with pytest.raises(ShareHungError):
            bounded.call(lambda: over.wait(60), "reading", lambda: done)
        assert time.monotonic() - began < 30
        assert bounded.stuck_since_ms is not None
    finally:
        over.set()
