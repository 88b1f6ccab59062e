"""What --fix may touch in the operator's replica: names of ours that nobody writes any more, and the view."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from roosync_ops.gather.diagnosis import TidyError, orphans, tidied
from roosync_ops.remote_script import on_tidy
from roosync_ops.remote_script.on_tidy import ORPHAN_AFTER_S
from tests.kits.shares import NOW, heartbeat, ours, put, put_view

if TYPE_CHECKING:
    from pathlib import Path

NOW_S = NOW / 1000
OLD = NOW_S - ORPHAN_AFTER_S - 1
MINE = ("heartbeats/.m.tmp", ".heartbeat.m.tmp")
THEIRS = (
    "heartbeats/m.json",
    "heartbeats/m.json.tmp",
    "heartbeats/m.tmp",
    "heartbeats/.M.tmp",
    "heartbeats/.a b.tmp",
    "heartbeats/heartbeat.json.1234.tmp",
    "heartbeat.json",
    "heartbeat.json.tmp",
    ".m.tmp",
)


def sweep(shared: str, now_s: float, deadline_s: float) -> tuple[str, ...]:
    return tidied(on_tidy.swept, shared, now_s, deadline_s)


def litter(shared: Path, *names: str, at: float = OLD) -> None:
    (shared / "heartbeats").mkdir(exist_ok=True)
    for name in names:
        (shared / name).write_text("x")
        os.utime(shared / name, (at, at))


def test_orphans_of_ours_are_swept_and_nothing_else(tmp_path: Path) -> None:
    litter(tmp_path, *MINE, *THEIRS)
    assert orphans(str(tmp_path), NOW_S, 5) == tuple(sorted(MINE))
    assert sweep(str(tmp_path), NOW_S, 5) == tuple(sorted(MINE))
    assert not any((tmp_path / name).exists() for name in MINE)
    assert all((tmp_path / name).exists() for name in THEIRS)


@pytest.mark.parametrize("at", [NOW_S, NOW_S - ORPHAN_AFTER_S + 1, NOW_S + 3600], ids=["now", "young", "future"])
def test_one_that_may_be_being_written_stays(tmp_path: Path, at: float) -> None:
    litter(tmp_path, *MINE, at=at)
    assert sweep(str(tmp_path), NOW_S, 5) == ()


def test_links_and_folders_are_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    litter(outside, ".m.tmp")
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "heartbeats").symlink_to(outside)
    (shared / ".heartbeat.m.tmp").mkdir()
    (shared / ".heartbeat.n.tmp").symlink_to(outside / ".m.tmp")
    assert sweep(str(shared), NOW_S + 10**6, 5) == ()
    assert (outside / ".m.tmp").exists()


def test_a_share_that_is_not_there_is_told(tmp_path: Path) -> None:
    for work in (orphans, sweep):
        with pytest.raises(TidyError, match="nowhere"):
            work(str(tmp_path / "nowhere"), NOW_S, 5)
    with pytest.raises(TidyError, match="nowhere"):
        tidied(on_tidy.rebuilt, str(tmp_path / "nowhere"), NOW, 5)
    assert not (tmp_path / "nowhere").exists()


def test_the_view_is_rebuilt_from_everybodys_files(tmp_path: Path) -> None:
    put(tmp_path, ours("one"))
    put(tmp_path, heartbeat("two", 300_000))
    assert tidied(on_tidy.rebuilt, str(tmp_path), NOW, 5) == 2
    view = json.loads((tmp_path / "heartbeat.json").read_bytes())
    assert (view["onlineMachines"], view["offlineMachines"]) == (["one"], ["two"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heartbeat.json", "heartbeats"]


def test_what_only_the_old_view_knows_is_kept(tmp_path: Path) -> None:
    put(tmp_path, ours("one"))
    put_view(tmp_path, heartbeat("old", 60_000))
    tidied(on_tidy.rebuilt, str(tmp_path), NOW, 5)
    assert sorted(json.loads((tmp_path / "heartbeat.json").read_bytes())["heartbeats"]) == ["old", "one"]


def test_a_view_that_was_not_understood_is_set_aside_and_not_lost(tmp_path: Path) -> None:
    put(tmp_path, ours("one"))
    (tmp_path / "heartbeat.json").write_text('{"heartbeats": {"two": {')
    tidied(on_tidy.rebuilt, str(tmp_path), NOW, 5)
    assert (tmp_path / "heartbeat.json.not-understood").read_text() == '{"heartbeats": {"two": {'
