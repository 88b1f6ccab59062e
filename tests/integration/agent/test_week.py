"""A week of beats, 20,160 of them, under virtual time: nothing grows."""

import gc
import os
import tracemalloc
from pathlib import Path

import pytest

from tests.kits.virtual_agent import Rig

BEATS = 7 * 24 * 3600 // 30


@pytest.fixture(autouse=True)
def _disks_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr("os.fdatasync", lambda _: None)


def sizes(rig: Rig) -> dict[str, int]:
    return {str(path): path.stat().st_size for path in rig.shared.parent.rglob("*") if path.is_file()}


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted while listed


@pytest.mark.timeout(600)  # half a minute of processor: a busy computer is slow, not wrong
def test_no_growth_of_files_journal_memory_or_descriptors(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    rig = Rig(tmp_path, shared)
    for _ in range(2000):
        rig.beat(30)
    files, open_before = sizes(rig), descriptors()
    tracemalloc.start()
    for _ in range(50):
        rig.beat(30)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    for _ in range(BEATS - 2100):
        rig.beat(30)
    tracemalloc.start()
    for _ in range(50):
        rig.beat(30)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert rig.sequence == BEATS
    assert {path: abs(size - files[path]) <= 8 for path, size in sizes(rig).items()} == dict.fromkeys(files, True)
    assert descriptors() == open_before
    assert after <= before + 4096
    assert len(rig.record()["agent"]["upIntervals"]) == 1
