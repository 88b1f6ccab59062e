"""Publishing into the folder: atomic, read back, one temporary name, and every failure has a word."""

import errno
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roosync_ops.agent import share as module
from roosync_ops.agent.errors import ShareTroubleError
from roosync_ops.agent.share import FolderShare
from roosync_ops.state.folder import read_folder
from roosync_ops.wire import findings
from roosync_ops.wire.bounds import Bounds
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.folder import read_shared
from roosync_ops.wire.merge import Snapshot
from roosync_ops.wire.record import dump
from tests.kits.shares import NOW, heartbeat, put
from tests.kits.virtual_agent import Rig, Touch


@pytest.fixture
def touch() -> Touch:
    return Touch()


@pytest.fixture
def folder(shared: Path, touch: Touch) -> FolderShare:
    return FolderShare(str(shared), "m1", touch)


def files(shared: Path) -> list[str]:
    return sorted(str(path.relative_to(shared)) for path in shared.rglob("*"))


def test_publishing_creates_heartbeats_and_one_file_and_leaves_no_litter(shared: Path, folder: FolderShare) -> None:
    folder.publish(b"{}")
    assert files(shared) == ["heartbeats", "heartbeats/m1.json"]


def test_a_long_reading_is_no_hung_share_while_it_goes_on(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Snapshot(NOW)

    def read(_shared: str, _now_ms: int, _settle_s: float, bounds: Bounds) -> Snapshot:
        for number in range(6):
            time.sleep(0.1)
            bounds.tell(number, 6)
        return whole

    monkeypatch.setattr(module, "read_shared", read)
    share = FolderShare(str(shared), "m1", BoundedShare(0.25))
    assert share.read_all(NOW) is whole
    with pytest.raises(ShareTroubleError, match="aucune réponse"):
        share.read_all(NOW, Bounds())


def test_what_was_read_late_is_judged_as_of_then(shared: Path) -> None:
    put(shared, heartbeat("m2", -25_000))
    bounds = Bounds()
    bounds.begun -= 30
    snapshot = read_shared(str(shared), NOW, bounds=bounds)
    assert snapshot.findings == []
    (piece,) = snapshot.evidence
    assert piece.read_ms is not None
    assert 30_000 <= piece.read_ms - NOW < 40_000


def test_a_missing_share_is_never_created(shared: Path, folder: FolderShare) -> None:
    shared.rmdir()
    for call in (lambda: folder.publish(b"{}"), folder.probe, folder.read_own, lambda: folder.write_view(b"{}")):
        with pytest.raises(ShareTroubleError) as caught:
            call()
        assert caught.value.state == "missing"
        assert str(shared) in caught.value.reason
    assert not shared.exists()


KINDS = ("folder", "full-folder", "fifo", "socket", "device", "link", "dangling-link", "file", "empty-file")
NAMES = ("heartbeats/.m1.tmp", "heartbeats/m1.json", ".heartbeat.m1.tmp", "heartbeat.json", "heartbeats")
PRECIOUS = b"precious"


def litter(path: Path, kind: str, victim: Path) -> None:
    """Put a thing of `kind` at `path`; what a link leads to is `victim`."""
    path.parent.mkdir(exist_ok=True)
    if "folder" in kind:
        path.mkdir()
        if kind == "full-folder":
            (path / "kept").write_bytes(PRECIOUS)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    elif kind == "device":
        try:
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 7))  # /dev/full
        except PermissionError:
            os.mkfifo(path)  # only root makes devices; a pipe blocks as one would
    elif "link" in kind:
        path.symlink_to(victim if kind == "link" else victim / "nowhere")
    else:
        path.write_bytes(PRECIOUS if kind == "file" else b"")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_whatever_lies_under_our_names_is_not_followed_not_lost_and_no_beat_waits_for_it(
    make_rig: Callable[..., Rig], shared: Path, tmp_path: Path, name: str, kind: str
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").write_bytes(PRECIOUS)
    litter(shared / name, kind, victim)
    rig = make_rig("m1")
    for beats in range(1, 6):
        rig.beat(30)
        assert rig.sequence == beats
    assert set(rig.view()["heartbeats"]) == {"m1"}
    assert [path.name for path in victim.iterdir()] == ["kept"]
    kept = [path for path in shared.rglob("kept") if path.read_bytes() == PRECIOUS]
    assert len(kept) == (kind == "full-folder")
    state = read_folder(shared, rig.clock.wall_ms())
    told = {finding.kind for finding in state.findings}
    assert told <= {findings.SET_ASIDE, findings.NOT_A_FILE}
    in_the_way = "folder" not in kind if name == "heartbeats" else kind == "full-folder"
    assert bool(told) == in_the_way


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_lies_where_a_machine_says_that_it_left_it_beats_and_says_so(
    make_rig: Callable[..., Rig], shared: Path, tmp_path: Path, kind: str
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    litter(shared / "heartbeats" / "m1.left", kind, victim)
    rig = make_rig("m1")
    for beats in range(1, 4):
        rig.beat(30)
        assert rig.sequence == beats
    rig.loop.leave()
    assert (shared / "heartbeats" / "m1.left").read_bytes() == rig.own.read_bytes()
    assert not list(victim.iterdir())
    assert len(list(shared.rglob("kept"))) == (kind == "full-folder")
    rig.boot()
    rig.beat(30)
    assert not (shared / "heartbeats" / "m1.left").exists()


def test_a_name_that_cannot_be_cleared_is_told_by_whoever_reads(shared: Path, folder: FolderShare) -> None:
    litter(shared / "heartbeats" / ".m1.tmp", "full-folder", shared)
    folder.publish(dump(heartbeat("m1")))
    assert [(one.file, one.kind) for one in read_folder(shared, NOW).findings] == [("heartbeats/.m1.tmp", "not-a-file")]


@pytest.mark.parametrize("times", [1, 3])
def test_what_a_service_sweeps_away_before_it_is_in_place_is_written_again_at_once(
    shared: Path, folder: FolderShare, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    folder.publish(b"1")
    left, real = times, os.replace

    def replace(source: str, target: str) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            Path(source).unlink()
        real(source, target)

    monkeypatch.setattr("os.replace", replace)
    folder.publish(b"2")
    assert (shared / "heartbeats" / "m1.json").read_bytes() == b"2"
    assert files(shared) == ["heartbeats", "heartbeats/m1.json"]


def test_no_name_an_older_service_sweeps_or_reads_is_used_twice(folder: FolderShare) -> None:
    used: list[str] = []
    folder.publish(b"1")

    def swept(source: str, _: str) -> None:
        used.append(Path(source).name)
        Path(source).unlink()
        raise FileNotFoundError(errno.ENOENT, "gone", source)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.replace", swept)
        with pytest.raises(ShareTroubleError, match="effacé"):
            folder.publish(b"2")
    assert len(used) > 1
    assert not any(name.endswith((".tmp", ".lock", ".json")) or name.startswith(".tmp-") for name in used[1:])


@pytest.mark.parametrize("where", ["heartbeats", "above"])
def test_a_folder_that_is_evidently_not_the_shared_state_is_left_as_it_is(tmp_path: Path, where: str) -> None:
    right = tmp_path / ".shared-state"
    (right / "heartbeats").mkdir(parents=True)
    wrong = right / "heartbeats" if where == "heartbeats" else tmp_path
    with pytest.raises(ShareTroubleError) as caught:
        FolderShare(str(wrong), "m1", Touch()).publish(b"{}")
    assert caught.value.state == "missing"
    assert str(right) in caught.value.reason
    assert not (wrong / "heartbeats").exists()
    assert list((right / "heartbeats").iterdir()) == []


@pytest.mark.parametrize("name", [".m1.tmp", "m1.json"])
def test_a_link_under_a_name_of_ours_goes_and_its_target_is_left(
    shared: Path, folder: FolderShare, tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    folder.publish(b"1")
    (shared / "heartbeats" / name).unlink(missing_ok=True)
    (shared / "heartbeats" / name).symlink_to(victim)
    folder.publish(b"2")
    assert victim.read_bytes() == b"precious"
    assert (shared / "heartbeats" / "m1.json").read_bytes() == b"2"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (errno.ENOSPC, "full"),
        (errno.EDQUOT, "full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "refused"),
        (errno.EPERM, "refused"),
        (errno.ENOENT, "missing"),
        (errno.ENOTCONN, "missing"),
        (errno.EIO, "refused"),
    ],
)
def test_every_failure_has_a_word_and_a_next_step(folder: FolderShare, touch: Touch, code: int, word: str) -> None:
    touch.fault = OSError(code, os.strerror(code), "somewhere")
    with pytest.raises(ShareTroubleError) as caught:
        folder.publish(b"{}")
    assert caught.value.state == word
    assert caught.value.hint
    assert "somewhere" in caught.value.reason


@pytest.mark.parametrize("stage", ["write", "fsync", "replace"])
def test_a_failure_at_any_stage_leaves_the_old_file_and_no_temporary(
    shared: Path, folder: FolderShare, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    folder.publish(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"os.{stage}", fail)
        with pytest.raises(ShareTroubleError):
            folder.publish(b"new")
    assert files(shared) == ["heartbeats", "heartbeats/m1.json"]
    assert (shared / "heartbeats" / "m1.json").read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="folders have access lists there; does not apply")
@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_whoever_shares_the_folder_reads_a_record_and_nobody_else_writes_it_whatever_the_umask(
    shared: Path, folder: FolderShare, umask: int
) -> None:
    before = os.umask(umask)
    try:
        folder.publish(b"new")
    finally:
        os.umask(before)
    assert (shared / "heartbeats" / "m1.json").stat().st_mode & 0o777 == 0o644
    assert (shared / "heartbeats").stat().st_mode & 0o755 == 0o755


def test_a_share_without_modes_takes_a_record_all_the_same(
    shared: Path, folder: FolderShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("os.fchmod", refuse, raising=False)
    folder.publish(b"new")
    assert (shared / "heartbeats" / "m1.json").read_bytes() == b"new"


def test_what_does_not_read_back_is_no_success(folder: FolderShare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "read_file", lambda *_: b"something else")
    with pytest.raises(ShareTroubleError, match="relecture"):
        folder.publish(b"mine")


def test_a_probe_leaves_nothing_behind(shared: Path, folder: FolderShare) -> None:
    folder.probe()
    assert files(shared) == ["heartbeats"]


def test_a_call_that_hangs_costs_its_deadline_and_says_since_when(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(module, "_read_own", lambda *_: release.wait(20))
    folder = FolderShare(str(shared), "m1", BoundedShare(0.05))
    try:
        for _ in range(2):
            with pytest.raises(ShareTroubleError) as caught:
                folder.read_own()
            assert (caught.value.state, caught.value.since_ms is None) == ("hung", False)
            assert folder.is_stuck
    finally:
        release.set()


def test_a_probe_takes_nothing_from_a_loop_that_writes_its_record(shared: Path, folder: FolderShare) -> None:
    put(shared, heartbeat("m1"), ".m1.tmp")
    folder.probe()
    assert files(shared) == ["heartbeats", "heartbeats/.m1.tmp"]
