"""What older services leave of a machine's record, each kind of it: no word is lost, and each is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.judge import verdict
from roosync_ops.state import read_folder
from roosync_ops.wire.findings import FILE_DELETED, ROLLED_BACK
from roosync_ops.wire.record import dump
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, heartbeat, ours, put, put_view
from tests.unit.judge.older_services import HOUR, LEFT, keep_view, row, shared, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _view_entry(path: Path, name: str = "m") -> dict[str, Any]:
    entry: dict[str, Any] = json.loads((path / "heartbeat.json").read_bytes())["heartbeats"][name]
    return entry


def _empty(path: Path) -> None:
    (path / "heartbeats" / "m.json").write_bytes(b"")


def _cut(path: Path) -> None:
    (path / "heartbeats" / "m.json").write_bytes(dump(LEFT)[:40])


def _rewritten_in_capitals(path: Path) -> None:
    (path / "heartbeats" / "m.json").unlink()
    written(put(path, {**ours("m", 5 * HOUR, sequence=40), "machineId": "M"}, "M.json"), NOW - HOUR)


def _capitals_beside_it(path: Path) -> None:
    written(put(path, {**heartbeat("m", 5 * HOUR), "machineId": "M"}, "M.json"), NOW - HOUR)


def _doubled_entry(path: Path) -> None:
    view = json.loads((path / "heartbeat.json").read_bytes())
    view["heartbeats"]["M"] = heartbeat("M", 5 * HOUR)
    view["onlineMachines"].append("M")
    (path / "heartbeat.json").write_text(json.dumps(view))
    (path / "heartbeats" / "m.json").unlink()


def _view_of_an_old_keeper(path: Path) -> None:
    put_view(path, heartbeat("n"), heartbeat("o"), heartbeat("m", 3 * HOUR))


def _view_of_an_older_sequence(path: Path) -> None:
    put_view(path, heartbeat("n"), heartbeat("o"), ours("m", 3 * HOUR, sequence=60))


def _deleted_and_the_view_rewritten(path: Path) -> None:
    """What the view's keeper has in its own record is left: see agent.keeper."""
    put(path, ours("n", knows={"m": _view_entry(path)}))
    (path / "heartbeats" / "m.json").unlink()
    stored = heartbeat("m", 2 * HOUR + 20_000, status="offline", offlineSince=to_iso(NOW - 2 * HOUR + 100_000))
    put_view(path, heartbeat("n"), heartbeat("o"), stored)


def _rewritten_and_the_view_emptied(path: Path) -> None:
    put(path, ours("n", knows={"m": _view_entry(path)}))
    written(put(path, ours("m", 5 * HOUR, sequence=40)), NOW - HOUR)
    (path / "heartbeat.json").write_bytes(b"")


def _status_rewritten(path: Path) -> None:
    stored = {**LEFT, "status": "offline", "missedHeartbeats": 9, "offlineSince": to_iso(NOW - HOUR)}
    written(put(path, stored), NOW - HOUR)


def _our_part_dropped(path: Path) -> None:
    bare = {key: value for key, value in LEFT.items() if key != "agent"}
    written(put(path, {**bare, "status": "offline", "offlineSince": to_iso(NOW - HOUR)}), NOW - HOUR)


def _migrated_without_our_part(path: Path) -> None:
    entry = {key: value for key, value in _view_entry(path).items() if key != "agent"}
    written(put(path, entry), NOW - HOUR)


def _only_a_conflict_copy_knows(path: Path) -> None:
    put(path, LEFT, "m (1).json")
    written(put(path, ours("m", 5 * HOUR, sequence=40)), NOW - HOUR)
    (path / "heartbeat.json").unlink()


def _temporary_files(path: Path) -> None:
    for name in ("m.json.tmp-123-456", "m.json.tmp", ".m.json.tmp-9-9", ".tmp-m.json", "m.json.lock"):
        (path / "heartbeats" / name).write_bytes(dump(ours("m", 5 * HOUR)))


LEAVINGS = {
    _empty: None,
    _cut: None,
    _rewritten_in_capitals: ROLLED_BACK,
    _capitals_beside_it: None,
    _doubled_entry: FILE_DELETED,
    _view_of_an_old_keeper: None,
    _view_of_an_older_sequence: None,
    _deleted_and_the_view_rewritten: FILE_DELETED,
    _rewritten_and_the_view_emptied: ROLLED_BACK,
    _status_rewritten: None,
    _our_part_dropped: ROLLED_BACK,
    _migrated_without_our_part: ROLLED_BACK,
    _only_a_conflict_copy_knows: ROLLED_BACK,
    _temporary_files: None,
}


@pytest.mark.parametrize(("leave", "undone"), LEAVINGS.items(), ids=[leave.__name__.strip("_") for leave in LEAVINGS])
def test_what_an_older_service_leaves_behind_takes_no_word_left_and_is_told_as_what_it_is(
    tmp_path: Path, leave: Callable[[Path], None], undone: str | None
) -> None:
    """A file that is there and cannot be read was not deleted; what is merely beside it undid nothing."""
    shared(tmp_path, LEFT)
    keep_view(tmp_path)
    leave(tmp_path)
    state = read_folder(tmp_path, NOW)
    found = row(state)
    assert (found.observed, found.reason and found.reason.kind) == ("left", verdict.HAS_LEFT)
    assert found.reason is not None
    assert found.reason.facts.get("undone") == undone
    assert {item.kind for item in state.findings} & {ROLLED_BACK, FILE_DELETED} == ({undone} if undone else set())


@pytest.mark.parametrize("taken", ["m.json", "M.json"])
def test_a_running_machine_whose_file_was_undone_runs(tmp_path: Path, taken: str) -> None:
    shared(tmp_path, ours("m", 20_000, sequence=95))
    keep_view(tmp_path)
    (tmp_path / "heartbeats" / "m.json").unlink()
    assert row(read_folder(tmp_path, NOW)).observed == "online"
    written(put(tmp_path, ours("m", 5 * HOUR, sequence=40), taken), NOW - 5_000)
    state = read_folder(tmp_path, NOW)
    assert row(state).observed == "online"
    assert ROLLED_BACK in {item.kind for item in state.findings}


def test_a_machine_that_runs_again_has_not_left_whatever_is_remembered_of_it(tmp_path: Path) -> None:
    shared(tmp_path, LEFT)
    keep_view(tmp_path)
    put(tmp_path, ours("n", knows={"m": _view_entry(tmp_path)}))
    put(tmp_path, ours("m", 10_000, sequence=95))
    found = row(read_folder(tmp_path, NOW))
    assert (found.observed, found.reason) == ("online", None)
