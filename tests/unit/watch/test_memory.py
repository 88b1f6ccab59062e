"""What was told is told by nobody again: not by a second watcher, not after a restart, not out of a broken file."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest

from roosync_ops.judge.flip import Flip, FlipRow
from roosync_ops.watch.memory import MAX_FLIPS, MemoryUnusableError, WatchMemory
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.judge.flips import Flips


def _left(sequence: int, at: int) -> Callable[[Flips], list[Flip]]:
    return lambda flips: flips.step([FlipRow("a", "left", NOW, sequence)], at)


def _online(sequence: int, at: int) -> Callable[[Flips], list[Flip]]:
    return lambda flips: flips.step([FlipRow("a", "online", at, sequence)], at)


def test_two_watchers_of_one_share_tell_an_event_once(tmp_path: Path) -> None:
    one, other = WatchMemory(tmp_path, "/mnt/share"), WatchMemory(tmp_path, "/mnt/share")
    assert one.step(_online(1, NOW)) == other.step(_online(1, NOW + 100)) == []
    told = [*one.step(_left(2, NOW + 5000)), *other.step(_left(2, NOW + 5100)), *one.step(_left(2, NOW + 9000))]
    assert [flip.to for flip in told] == ["left"]
    assert [flip["to"] for flip in other.history()] == ["left"]


def test_many_watchers_at_once_tell_an_event_once(tmp_path: Path) -> None:
    WatchMemory(tmp_path, "s").step(_online(1, NOW))
    told: list[Flip] = []

    def watch() -> None:
        told.extend(WatchMemory(tmp_path, "s").step(_left(2, NOW + 5000)))

    threads = [threading.Thread(target=watch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1


def test_another_share_is_another_memory(tmp_path: Path) -> None:
    for shared in ("/mnt/one", "/mnt/other"):
        memory = WatchMemory(tmp_path, shared)
        memory.step(_online(1, NOW))
        assert len(memory.step(_left(2, NOW + 5000))) == 1


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"{", id="truncated"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"format": 99}', id="a later format"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="nested"),
    ],
)
def test_a_memory_that_is_not_understood_is_set_aside_said_and_tells_nothing(tmp_path: Path, raw: bytes) -> None:
    memory = WatchMemory(tmp_path, "s")
    memory.path.write_bytes(raw)
    assert memory.history() == []
    assert memory.step(_left(2, NOW)) == []
    assert memory.trouble is not None
    assert (tmp_path / f"{memory.path.name}.not-understood").read_bytes() == raw
    assert WatchMemory(tmp_path, "s").step(_left(2, NOW + 5000)) == []


def test_a_folder_that_cannot_be_used_is_an_error_that_names_it_and_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MemoryUnusableError, match="file"):
        WatchMemory(tmp_path / "file", "s").step(_online(1, NOW))


def test_a_write_that_fails_tells_nothing_and_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = WatchMemory(tmp_path, "s")
    memory.step(_online(1, NOW))

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", refuse)
        with pytest.raises(MemoryUnusableError, match="No space"):
            memory.step(_left(2, NOW + 5000))
    assert not list(tmp_path.glob("*.tmp"))
    assert len(memory.step(_left(2, NOW + 6000))) == 1


def test_the_history_is_bounded_and_the_newest_stays(tmp_path: Path) -> None:
    memory = WatchMemory(tmp_path, "s")
    document = {"format": 1, "flips": {}, "log": [{"at": str(number)} for number in range(5 * MAX_FLIPS)]}
    memory.path.write_text(json.dumps(document))
    memory.step(_online(1, NOW))
    assert len(memory.recent) == MAX_FLIPS
    assert memory.history()[-1]["at"] == str(5 * MAX_FLIPS - 1)


def test_reading_the_history_of_nobody_makes_nothing(tmp_path: Path) -> None:
    assert WatchMemory(tmp_path / "none", "s").history() == []
    assert not (tmp_path / "none").exists()
