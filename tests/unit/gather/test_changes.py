"""What a report says has changed: of the machines it is about, and whether anybody looked at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.past import changed, memory_name
from roosync_ops.judge.flip import FlipRow
from roosync_ops.watch.memory import WatchMemory
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from pathlib import Path

FLEET = Fleet(Machine.of(name, {}) for name in ("a", "b"))


def _watch(folder: Path, shared: str, *statuses: str) -> None:
    """Let a watcher see `a` in each of the `statuses`, ten minutes apart, and `b` beat."""
    memory = WatchMemory(folder, memory_name(shared, None))
    for at, word in enumerate(statuses):
        now = NOW + at * 600_000
        for tick in range(6):  # long enough for silence to be proven
            rows = [FlipRow("a", word, NOW, 7), FlipRow("b", "online", now + tick * 30_000, 7 + at * 10 + tick)]
            memory.step(lambda flips, rows=rows, at=now + tick * 30_000: flips.step(rows, at))  # type: ignore[misc]


def test_limited_to_some_machines_it_does_not_deny_a_watcher_that_told_of_others(tmp_path: Path) -> None:
    shared = str(tmp_path)
    _watch(tmp_path, shared, "online", "offline")
    only = changed(FLEET, tuple(FLEET.select(["b"])), None, tmp_path, (shared, None), NOW + 3_600_000, 1)
    every = changed(FLEET, None, None, tmp_path, (shared, None), NOW + 3_600_000, 1)
    assert (only["flips"], only["watched"]) == ([], True)
    assert [flip["machineId"] for flip in every["flips"]] == ["a"]


def test_a_watcher_that_had_nothing_to_tell_has_watched_all_the_same(tmp_path: Path) -> None:
    shared = str(tmp_path)
    _watch(tmp_path, shared, "online")
    found = changed(FLEET, None, None, tmp_path, (shared, None), NOW, 1)
    assert (found["flips"], found["watched"]) == ([], True)
    assert not changed(FLEET, None, None, tmp_path, (str(tmp_path / "other"), None), NOW, 1)["watched"]
