from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab.replica import INCOMING, File, FolderReplica
from roosync_ops.lab.replicator import Replicator
from tests.kits.sync import is_settled

if TYPE_CHECKING:
    from pathlib import Path

BEAT = "heartbeats/a.json"


def test_a_delivery_appears_whole_with_its_writers_time_and_leaves_no_litter(tmp_path: Path) -> None:
    replica = FolderReplica(tmp_path)
    stamp = replica.deliver(BEAT, File(b"beat", 1_700_000_000_000_000_000))
    assert (tmp_path / BEAT).read_bytes() == b"beat"
    assert stamp[0] == 1_700_000_000_000_000_000
    assert replica.scan() == {BEAT: stamp}
    assert [entry.name for entry in tmp_path.rglob("*") if entry.is_file()] == ["a.json"]


def test_a_delivery_is_built_outside_the_heartbeats_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = FolderReplica(tmp_path)
    replica.deliver(BEAT, File(b"1"))
    seen: list[list[str]] = []

    def utime(path: Path, *, ns: tuple[int, int]) -> None:  # noqa: ARG001
        seen.append([str(path.parent.name), *os.listdir(tmp_path / "heartbeats")])  # noqa: PTH208

    monkeypatch.setattr(os, "utime", utime)
    replica.deliver(BEAT, File(b"2"))
    assert seen == [[INCOMING, "a.json"]]


def test_a_replaced_file_has_another_stamp_even_with_the_same_size_and_time(tmp_path: Path) -> None:
    replica = FolderReplica(tmp_path)
    first = replica.deliver(BEAT, File(b"1", 5))
    held = (tmp_path / BEAT).open("rb")  # keeps the inode from being used again
    second = replica.deliver(BEAT, File(b"2", 5))
    held.close()
    assert first != second


def test_hidden_temporary_and_linked_files_are_not_seen(tmp_path: Path) -> None:
    (tmp_path / "heartbeats").mkdir()
    for name in (".hidden", "heartbeats/a.json.tmp", "heartbeats/.a"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "heartbeats" / "link.json").symlink_to("/etc/hostname")
    assert FolderReplica(tmp_path).scan() == {}


def test_a_link_is_never_read(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="symbolic"):
        FolderReplica(tmp_path).read("link.json")


def test_a_share_that_is_gone_is_an_error_and_is_not_made_anew(tmp_path: Path) -> None:
    replica = FolderReplica(tmp_path / "gone")
    with pytest.raises(FileNotFoundError):
        replica.scan()
    with pytest.raises(FileNotFoundError):
        replica.deliver(BEAT, File(b"1"))
    assert not (tmp_path / "gone").exists()


def test_a_file_that_is_still_being_written_is_not_uploaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"half")
    looked = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        seen = looked(descriptor)
        with path.open("ab") as stream:
            stream.write(b"more")
        return seen

    monkeypatch.setattr(os, "fstat", grow)
    with pytest.raises(OSError, match="changed while it was read"):
        FolderReplica(tmp_path).read("a.json")


def test_removing_what_is_not_there_is_fine(tmp_path: Path) -> None:
    FolderReplica(tmp_path).remove(BEAT)
    assert FolderReplica(tmp_path).read(BEAT) is None
    assert FolderReplica(tmp_path).stamp(BEAT) is None


def test_folders_replicate_into_a_folder_with_a_space_and_back(tmp_path: Path) -> None:
    roots = {name: tmp_path / name / "Mon Drive" / ".shared-state" for name in "ab"}
    for root in roots.values():
        root.mkdir(parents=True)
    sync = Replicator({name: FolderReplica(root) for name, root in roots.items()}, lambda _now: 0.0)
    (roots["a"] / "heartbeats").mkdir()
    (roots["a"] / BEAT).write_bytes(b"1")
    for now in range(3):
        sync.step(now)
    assert (roots["b"] / BEAT).read_bytes() == b"1"
    (roots["b"] / BEAT).unlink()
    for now in range(3, 6):
        sync.step(now)
    assert not (roots["a"] / BEAT).exists()
    assert is_settled(sync)
