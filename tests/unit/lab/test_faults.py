from __future__ import annotations

import itertools
import struct

import pytest

from roosync_ops.lab import mounts
from roosync_ops.lab.faults import COPIES_MAX, FAULTS, is_copy
from roosync_ops.lab.replica import File
from roosync_ops.lab.replicator import Replicator
from tests.kits.sync import local_trouble, next_due
from tests.unit.lab.virtual import MemoryReplica, World

BEAT = "heartbeats/a.json"
DATED = 1_770_891_330_000_000_000  # 2026-02-12T10:15:30Z


def _world(*names: str, delay: float = 0.4, seed: int = 0) -> World:
    replicas = {name: MemoryReplica() for name in names}
    return World(replicas, Replicator(replicas, lambda _now: delay, seed))


def _beats(w: World, count: int, every: float = 5.0) -> list[bytes | None]:
    """Machine a beats `count` times; what b saw of it a little before each next beat."""
    seen = []
    for number in range(count):
        w.replicas["a"].write(BEAT, b"beat %d" % number)
        w.run(every)
        seen.append(w.replicas["b"].text(BEAT))
    return seen


def _seen_between(w: World, seconds: float) -> set[bytes | None]:
    """Everything that b shows of a's file within some time."""
    seen = set()
    end = w.now + seconds
    while w.now < end:
        w.run(0.1)
        seen.add(w.replicas["b"].text(BEAT))
    return seen


def test_every_fault_is_said_in_one_line() -> None:
    assert all(text and "\n" not in text and len(text) < 110 for text in FAULTS.values())


def test_a_fault_nobody_knows_is_an_error_that_lists_them() -> None:
    w = _world("a")
    with pytest.raises(ValueError, match=r"'rust' is no fault; there are upload-stall, "):
        w.sync.fault("rust", "a")


def test_an_upload_stall_leaves_the_machine_reading_and_unheard() -> None:
    w = _world("a", "b")
    w.sync.fault("upload-stall", "a")
    w.replicas["b"].write("heartbeats/b.json", b"b")
    assert _beats(w, 3) == [None] * 3
    assert w.replicas["a"].text("heartbeats/b.json") == b"b"
    w.sync.fault("upload-stall", "a", on=False)
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"beat 2"


def test_a_download_stall_leaves_the_machine_heard_and_with_old_news() -> None:
    w = _world("a", "b")
    w.sync.fault("download-stall", "b")
    w.replicas["b"].write("heartbeats/b.json", b"b")
    assert _beats(w, 3) == [None] * 3
    assert w.replicas["a"].text("heartbeats/b.json") == b"b"


def test_the_power_switch_and_a_stall_do_not_undo_each_other() -> None:
    w = _world("a", "b")
    w.sync.fault("upload-stall", "a")
    w.sync.switch("a", up=False, down=False)
    w.sync.switch("a", up=True, down=True)
    assert _beats(w, 2) == [None, None]


def test_who_comes_back_late_overwrites_what_was_written_meanwhile() -> None:
    w = _world("a", "b")
    w.replicas["a"].write("heartbeat.json", b"before")
    w.settle()
    w.sync.fault("away", "a")
    w.replicas["a"].write("heartbeat.json", b"hours ago")
    w.run(3600, poll=10)
    w.replicas["b"].write("heartbeat.json", b"now")
    w.run(60, poll=1)
    assert w.replicas["a"].text("heartbeat.json") == b"hours ago"
    w.sync.fault("away", "a", on=False)
    w.settle()
    assert w.replicas["b"].text("heartbeat.json") == b"hours ago"


def test_slow_is_twenty_times_as_long() -> None:
    w = _world("a", "b", delay=0.5)
    w.sync.fault("slow", "a")
    w.replicas["a"].write(BEAT, b"1")
    w.run(9)
    assert w.replicas["b"].text(BEAT) is None
    w.run(3)
    assert w.replicas["b"].text(BEAT) == b"1"


@pytest.mark.parametrize(
    ("fault", "copy"),
    [
        pytest.param("conflict-drive", "heartbeat (1).json", id="Google Drive"),
        pytest.param("conflict-dropbox", "heartbeat (a's conflicted copy 2026-02-12).json", id="Dropbox"),
        pytest.param("conflict-syncthing", r"heartbeat.sync-conflict-20260212-101530-", id="Syncthing"),
    ],
)
def test_what_an_upload_overwrites_unseen_is_kept_under_the_products_own_name(fault: str, copy: str) -> None:
    w = _world("a", "b", "c")
    w.sync.fault(fault, "a")
    w.sync.links["a"].replica.deliver("heartbeat.json", File(b"mine", DATED))
    w.replicas["b"].deliver("heartbeat.json", File(b"theirs", DATED))
    w.sync.switch("a", up=False)
    w.run(5)
    w.sync.switch("a", up=True)
    w.settle()
    for replica in w.replicas.values():
        (name,) = (name for name in replica.contents() if is_copy(name))
        assert name.startswith(copy)
        assert replica.contents() == {"heartbeat.json": b"mine", name: b"theirs"}


def test_a_file_with_one_writer_gets_copies_too_and_not_without_end() -> None:
    w = _world("a", "b")
    w.sync.fault("conflict-drive", "a")
    _beats(w, 80)
    copies = [name for name in w.replicas["b"].contents() if is_copy(name)]
    assert sorted(copies) == [f"heartbeats/a ({number}).json" for number in range(1, COPIES_MAX + 1)]


def test_of_two_files_of_one_name_the_live_one_is_shown_beside_the_frozen_one_until_it_ends() -> None:
    w = _world("a", "b", "c")
    _beats(w, 1)
    w.sync.fault("duplicate-names", "b")
    w.replicas["a"].write(BEAT, b"live")
    w.run(5)
    assert w.replicas["b"].contents() == {BEAT: b"beat 0", "heartbeats/a (1).json": b"live"}
    assert w.replicas["c"].contents() == {BEAT: b"live"}
    w.sync.fault("duplicate-names", "b", on=False)
    w.settle()
    assert w.replicas["b"].contents() == w.replicas["a"].contents() == {BEAT: b"live"}


@pytest.mark.parametrize(
    ("fault", "first"),
    [
        pytest.param("zero-byte", {b""}, id="empty"),
        pytest.param("placeholders", {b"\0\0\0\0"}, id="not fetched"),
        pytest.param("truncated", {b"", b"w", b"wh", b"who"}, id="cut off"),
    ],
)
def test_what_arrives_spoilt_is_whole_a_moment_later_and_is_not_sent_back(fault: str, first: set[bytes]) -> None:
    w = _world("a", "b")
    w.sync.fault(fault, "b")
    w.replicas["a"].write(BEAT, b"whol")
    w.run(0.9)
    assert w.replicas["b"].text(BEAT) in first
    w.settle()
    assert w.replicas["b"].text(BEAT) == w.replicas["a"].text(BEAT) == b"whol"
    assert w.replicas["a"].writes == 1


def test_an_older_version_may_arrive_after_a_newer_one_and_the_newest_does_in_the_end() -> None:
    w = _world("a", "b")
    w.sync.fault("reordered", "b")
    shown = []
    for number in range(30):
        w.replicas["a"].write(BEAT, b"%d" % number)
        shown += [int(text) for text in _seen_between(w, 3) if text]
    assert any(later < earlier for earlier, later in itertools.pairwise(shown))
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"29"


def test_files_vanish_for_everybody_on_that_machine_alone_and_come_back() -> None:
    w = _world("a", "b")
    _beats(w, 1)
    w.sync.fault("vanishing", "b")
    assert _seen_between(w, 20) == {b"beat 0", None}
    assert w.replicas["a"].text(BEAT) == b"beat 0"
    w.sync.fault("vanishing", "b", on=False)
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"beat 0"


def test_a_restored_image_shows_the_files_of_long_ago_and_keeps_what_it_writes_itself() -> None:
    w = _world("a", "b")
    _beats(w, 20)
    w.sync.fault("old-files", "b")
    w.run(60)
    w.replicas["b"].write("heartbeats/b.json", b"alive")
    w.run(5)
    assert w.replicas["b"].text(BEAT) == b"beat 0"
    assert w.replicas["a"].text(BEAT) == b"beat 19"
    assert w.replicas["a"].text("heartbeats/b.json") == b"alive"
    w.sync.fault("old-files", "b", on=False)
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"beat 19"


@pytest.mark.parametrize("fault", ["hang", "unmounted"])
def test_a_share_that_is_not_there_deletes_nothing_and_catches_up(fault: str) -> None:
    w = _world("a", "b")
    _beats(w, 1)
    w.sync.fault(fault, "a")
    w.replicas["b"].write("heartbeats/b.json", b"b")
    w.run(60)
    assert w.sync.links["a"].trouble
    assert w.replicas["a"].text("heartbeats/b.json") is None
    assert w.replicas["b"].text(BEAT) == b"beat 0"
    w.sync.fault(fault, "a", on=False)
    w.settle()
    assert w.replicas["a"].text("heartbeats/b.json") == b"b"


def test_nothing_arrives_where_the_disk_is_full() -> None:
    w = _world("a", "b")
    w.sync.fault("full", "b")
    assert _beats(w, 2) == [None, None]
    assert "No space left" in w.sync.links["b"].trouble
    w.sync.fault("full", "b", on=False)
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"beat 1"


@pytest.mark.parametrize(
    ("fault", "reads", "writes", "hangs"),
    [
        pytest.param("read-only", "None", "OSError(30", False, id="read-only"),
        pytest.param("full", "None", "OSError(28", False, id="full"),
        pytest.param("unmounted", "FileNotFoundError", "FileNotFoundError", False, id="unmounted"),
        pytest.param("hang", "None", "None", True, id="hang"),
        pytest.param("slow", "None", "None", False, id="the client's own trouble"),
    ],
)
def test_the_machines_own_programs_meet_what_a_disk_says(fault: str, reads: str, writes: str, hangs: bool) -> None:
    w = _world("a")
    w.sync.fault(fault, "a")
    met = local_trouble(w.sync.links["a"])
    assert repr(met.read).startswith(reads)
    assert repr(met.write).startswith(writes)
    assert met.hangs == hangs


def test_the_next_time_worth_a_step_is_known() -> None:
    w = _world("a", "b", delay=7.0)
    assert next_due(w.sync) is None
    w.replicas["a"].write(BEAT, b"1")
    w.sync.step(100.0)
    assert next_due(w.sync) == 107.0
    w.sync.step(107.0)
    assert next_due(w.sync) == 114.0
    w.sync.fault("download-stall", "b")
    assert next_due(w.sync) is None


def test_a_share_that_was_just_mounted_keeps_each_touch_half_a_minute_for_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    share = mounts.SlowShare("share")
    share.turn_cold()
    touch = struct.pack("<IIQQ16x", 46, mounts._LOOKUP, 7, 1) + b"share\0"
    for began, late in ((100.0, 30.0), (159.9, 30.0), (160.0, 0.0)):
        now[0] = began
        share.take(touch)
        now[0] += late - 0.01
        assert late == 0 or share.due() == []
        now[0] += 0.02
        assert len(share.due()) == 1
