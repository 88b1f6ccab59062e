"""A folder is read within its deadline; what is no shared state is never taken for a dead fleet."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import validate
from roosync_ops.judge.verdict import NOT_UNDERSTOOD
from roosync_ops.state import StateUnavailableError, folder
from roosync_ops.state.folder import read_folder
from roosync_ops.state.shared import DOUBLED
from roosync_ops.wire import findings as f
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.files import read_file
from tests.kits.shares import NOW, heartbeat, ours, put, put_view, share_threads

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_of_generation_3_1_is_read_rightly(tmp_path: Path) -> None:
    put(tmp_path, heartbeat("myia-po-2025", 42_000))
    state = read_folder(tmp_path, NOW)
    record = state.machines["myia-po-2025"].record
    assert state.machines["myia-po-2025"].record.last_heartbeat_ms == NOW - 42_000
    assert record.data["metadata"]["version"] == "3.1.0"
    assert record.agent == {}
    assert state.findings == ()


def test_the_one_file_of_generation_3_0_is_read_rightly(tmp_path: Path) -> None:
    put_view(
        tmp_path, heartbeat("myia-po-2025"), heartbeat("myia-web1", 3_600_000, offlineSince="2026-02-12T09:17:30Z")
    )
    state = read_folder(tmp_path, NOW)
    assert {name: piece.record.last_heartbeat_ms for name, piece in state.machines.items()} == {
        "myia-po-2025": NOW - 10_000,
        "myia-web1": NOW - 3_600_000,
    }
    assert state.view_state == "read"
    assert state.findings == ()


def test_both_generations_together_give_the_newest_of_each_machine(tmp_path: Path) -> None:
    put_view(tmp_path, heartbeat("a", 5_000), heartbeat("b", 90_000))
    put(tmp_path, heartbeat("a", 60_000))
    put(tmp_path, heartbeat("b", 1_000))
    machines = read_folder(tmp_path, NOW).machines
    assert {name: piece.file for name, piece in machines.items()} == {
        "a": "heartbeat.json",
        "b": "heartbeats/b.json",
    }


def test_our_own_record_is_read_with_what_our_agent_adds(tmp_path: Path) -> None:
    put(tmp_path, ours("m", sequence=12))
    state = read_folder(tmp_path, NOW)
    record = state.machines["m"].record
    assert (record.sequence, record.agent["state"], record.thresholds.interval_ms) == (12, "running", 30_000)
    assert state.findings == ()


def test_a_share_without_any_heartbeat_is_a_fresh_fleet(tmp_path: Path) -> None:
    (tmp_path / "heartbeats").mkdir()
    state = read_folder(tmp_path, NOW)
    assert (state.machines, state.seen, state.view_state) == ({}, 0, "absent")


def test_a_share_that_does_not_exist_is_unavailable_and_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(StateUnavailableError, match="does not exist") as caught:
        read_folder(tmp_path / "gone", NOW)
    assert caught.value.hint == "roosync-ops validate --probe"
    assert not (tmp_path / "gone").exists()


def test_a_file_in_the_shares_place_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateUnavailableError, match="is not a folder"):
        read_folder(tmp_path / "file", NOW)


def test_a_path_that_is_none_is_unavailable() -> None:
    with pytest.raises(StateUnavailableError, match="no path"):
        read_folder("a\0b", NOW)


def test_a_share_whose_every_heartbeat_is_broken_is_unavailable_and_names_a_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path, heartbeat(name)).write_bytes(b"")
    with pytest.raises(StateUnavailableError, match=r"nothing readable in .*heartbeats/a\.json.*and 1 more"):
        read_folder(tmp_path, NOW)


def test_an_empty_view_alone_is_what_an_old_service_calls_an_empty_fleet(tmp_path: Path) -> None:
    (tmp_path / "heartbeat.json").touch()
    assert read_folder(tmp_path, NOW).seen == 0


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Make every reading hang until the event is set."""
    release = threading.Event()
    monkeypatch.setattr(folder, "read_shared", lambda *_: release.wait(30))
    return release


def test_a_share_that_hangs_is_unavailable_within_the_deadline(tmp_path: Path, hanging: threading.Event) -> None:
    with pytest.raises(StateUnavailableError, match=r"hangs: no answer within 0\.05 s"):
        read_folder(tmp_path, NOW, BoundedShare(0.05))
    hanging.set()


def test_a_share_that_hangs_costs_one_thread_however_often_it_is_read(tmp_path: Path, hanging: threading.Event) -> None:
    bounded, before = BoundedShare(0.02), share_threads()
    for _ in range(5):
        with pytest.raises(StateUnavailableError, match="hangs"):
            read_folder(tmp_path, NOW, bounded=bounded)
    assert len(share_threads() - before) == 1
    hanging.set()


def test_signs_of_life_that_hang_take_neither_this_reading_nor_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, heartbeat("myia-po-2025"))
    release, bounded, begun = threading.Event(), BoundedShare(60), list[str]()

    def hang(shared: str) -> None:
        begun.append(shared)
        release.wait(600)

    monkeypatch.setattr(folder, "SIGNS_S", 0.02)
    monkeypatch.setattr("roosync_ops.wire.signs._read", hang)
    for _ in range(3):
        assert set(read_folder(tmp_path, NOW, bounded=bounded).machines) == {"myia-po-2025"}
    assert begun == [str(tmp_path)]  # and no second one was begun beside it
    release.set()


@pytest.mark.parametrize("half", [pytest.param("", id="emptied"), pytest.param('{"hea', id="cut-off")])
def test_what_an_old_service_is_writing_in_place_is_looked_at_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: str
) -> None:
    put(tmp_path, heartbeat("myia-po-2025"))
    put_view(tmp_path, heartbeat("myia-web1"))
    half_written = {path: path.read_text() for path in (tmp_path / "heartbeat.json", *tmp_path.glob("heartbeats/*"))}
    for path in half_written:
        path.write_text(half)
        os.utime(path, (NOW / 1000, NOW / 1000))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        for path, whole in half_written.items():
            path.write_text(whole)

    monkeypatch.setattr("roosync_ops.wire.folder.time.sleep", sleep)
    state = read_folder(tmp_path, NOW)
    assert set(state.machines) == {"myia-po-2025", "myia-web1"}
    assert (state.findings, len(slept)) == ((), 1)


def test_what_has_been_broken_for_longer_costs_no_second_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, heartbeat("myia-po-2025"))
    (tmp_path / "heartbeat.json").write_text("")
    os.utime(tmp_path / "heartbeat.json", (NOW / 1000 - 3, NOW / 1000 - 3))
    monkeypatch.setattr("roosync_ops.wire.folder.time.sleep", pytest.fail)
    assert [found.kind for found in read_folder(tmp_path, NOW).findings] == ["empty-file"]


def test_a_copy_that_onedrive_named_by_its_host_is_a_copy_and_no_machine(tmp_path: Path) -> None:
    put(tmp_path, ours("myia-web1", 200_000, sequence=7))
    put(tmp_path, ours("myia-web1", 10_000, sequence=9), "myia-web1-LAPTOP.json")
    state = read_folder(tmp_path, NOW)
    assert set(state.machines) == {"myia-web1"}
    assert state.machines["myia-web1"].record.sequence == 9
    assert [item.kind for item in state.findings] == [f.CONFLICT_COPY]


def test_a_file_that_says_it_is_another_machine_altogether_is_no_copy(tmp_path: Path) -> None:
    put(tmp_path, ours("a"))
    put(tmp_path, ours("a"), "ab.json")
    assert [item.kind for item in read_folder(tmp_path, NOW).findings] == [f.ID_CONTRADICTS_NAME]


def test_copies_of_a_kind_are_one_finding_that_counts_them(tmp_path: Path) -> None:
    put(tmp_path, ours("a"))
    for number in range(1, 30):
        put(tmp_path, ours("a", 10_000 + number), f"a ({number}).json")
        put(tmp_path, ours("a", 10_000 + number), f"A{' copy' * number}.json")
    state = read_folder(tmp_path, NOW)
    (found,) = state.findings
    assert (found.kind, "58 such files" in found.detail) == (f.CONFLICT_COPY, True)
    assert len(state.findings_about("a")) == 58


def test_copies_of_the_view_and_of_the_folder_are_one_finding_that_counts_them(tmp_path: Path) -> None:
    put(tmp_path, ours("a"))
    put_view(tmp_path, ours("a"))
    for number in range(1, 30):
        (tmp_path / f"heartbeat ({number}).json").write_bytes((tmp_path / "heartbeat.json").read_bytes())
        (tmp_path / f"heartbeats ({number})").mkdir()
    (found,) = read_folder(tmp_path, NOW).findings
    assert (found.kind, "58 such files" in found.detail) == (DOUBLED, True)


def test_where_one_file_hangs_what_came_is_used_and_no_machine_is_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"m{number}" for number in range(5)]
    for name in names:
        put(tmp_path, ours(name))
    release = threading.Event()

    def hang(path: str, most: int) -> bytes:
        if path.endswith("m3.json"):
            release.wait(600)
        return read_file(path, most)

    monkeypatch.setattr("roosync_ops.wire.folder.read_file", hang)
    state = read_folder(tmp_path, NOW, BoundedShare(0.3))
    assert [*state.machines] == names[:3]
    assert [(item.file, item.kind) for item in state.findings] == [
        *((f"heartbeats/{name}.json", f.UNREADABLE) for name in names[3:]),
        ("heartbeat.json", f.UNREADABLE),
    ]
    assert {item.detail for item in state.findings} == {"no answer within 0.3 s"}
    rows = validate(Fleet(Machine.of(name, {}) for name in names), state, NOW).verdicts
    assert [row.observed for row in rows] == ["online"] * 3 + ["unknown"] * 2
    assert [row.reason and row.reason.kind for row in rows[3:]] == [NOT_UNDERSTOOD] * 2
    release.set()
