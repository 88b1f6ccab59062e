"""What older services leave of machines' records, under their own names and others': no word of them is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.past import pasts
from roosync_ops.judge import matrix, probes, validate, verdict
from roosync_ops.judge.flip import OLDER_SILENT, rows_of
from roosync_ops.judge.flips import Flips
from roosync_ops.judge.observe import SELDOM_MS
from roosync_ops.show import sentence
from roosync_ops.show.messages import flip_said
from roosync_ops.show.text import Style
from roosync_ops.state.folder import read_folder
from roosync_ops.state.shared import FILE_DELETED, ROLLED_BACK
from roosync_ops.wire.findings import OF_ANOTHER
from roosync_ops.wire.record import dump
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, heartbeat, ours, put, put_view
from tests.unit.judge.older_services import FLEET, HOUR, LEFT, keep_view, row, shared, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.judge import Verdict
    from roosync_ops.state import SharedState


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


X_LEFT = {**LEFT, "machineId": "myia-x"}


X_FLEET = Fleet(Machine.of(name, {}) for name in ("myia-x", "n", "o", "x"))


_BORN_LATER = {"firstSeen": to_iso(NOW - 9 * HOUR), "lastUpdated": to_iso(NOW), "version": "3.1.0"}


def x_row(path: Path) -> tuple[Verdict, SharedState]:
    state = read_folder(path, NOW)
    return validate(X_FLEET, state, NOW).verdicts[0], state


@pytest.mark.parametrize("kept", [True, False], ids=["ours", "an older service's"])
@pytest.mark.parametrize("is_there", [True, False], ids=["beats on", "its file is deleted"])
@pytest.mark.parametrize("view", ["whole", "of an old keeper"])
def test_what_an_older_service_puts_of_x_under_myia_x_is_no_beat_of_that(
    tmp_path: Path, kept: bool, is_there: bool, view: str
) -> None:
    """Both are real machines, and an older service takes them for one."""
    x = ours("x", 20_000, sequence=500) if kept else heartbeat("x", 70_000)
    x["metadata"] = _BORN_LATER
    shared(tmp_path, X_LEFT, x)
    keep_view(tmp_path)
    if view != "whole":
        put(tmp_path, ours("n", knows={"myia-x": _view_entry(tmp_path, "myia-x")}))
        known = json.loads((tmp_path / "heartbeat.json").read_bytes())["heartbeats"]
        (tmp_path / "heartbeat.json").write_bytes(dump({"heartbeats": {"myia-x": known["myia-x"], "x": known["x"]}}))
    written(put(tmp_path, {**x, "machineId": "myia-x"}, "myia-x.json"), NOW - 5_000)
    (tmp_path / "heartbeats" / "x.json").unlink()
    if is_there:
        put(tmp_path, {**x, "lastHeartbeat": to_iso(NOW - 1_000)})
    found, state = x_row(tmp_path)
    assert (found.observed, found.reason and found.reason.kind) == ("left", verdict.HAS_LEFT)
    assert found.reason is not None
    assert "put another machine's record in its file at 2026-02-12 10:15:25Z" in sentence(found.reason)
    assert "fiche d'une autre machine" in sentence(found.reason, Style("fr"))
    assert [item.kind for item in state.findings] == [OF_ANOTHER]
    assert state.machines["x"].record.last_heartbeat_ms == (
        NOW - 1_000 if is_there else NOW - (20_000 if kept else 70_000)
    )
    assert pasts(X_FLEET, tuple(X_FLEET), state, [], NOW - 24 * HOUR)[0].total_ms("up") == 14_380_000
    keep_view(tmp_path)  # and what our keeper makes of it is no other
    assert x_row(tmp_path)[0].observed == "left"


def test_whose_file_an_older_service_takes_over_itself_is_its_own_though_x_lives(tmp_path: Path) -> None:
    """Only with both its own past and a living `x` is it a doubt; what a new service writes anew is a beat."""
    born = {**_BORN_LATER, "firstSeen": to_iso(NOW - 60_000)}
    shared(tmp_path, ours("myia-x", 20_000), {**heartbeat("x", 10_000), "metadata": born})
    assert x_row(tmp_path)[0].observed == "online"


@pytest.mark.parametrize(("x_age", "word"), [(10_000, "unknown"), (SELDOM_MS + HOUR, "online")])
def test_a_beat_that_may_be_x_s_is_a_doubt_in_words_and_no_life(tmp_path: Path, x_age: int, word: str) -> None:
    """The time alone was put over what `myia-x` wrote: byte for byte what its own older service would have written."""
    x = {**heartbeat("x", x_age), "metadata": _BORN_LATER}
    shared(tmp_path, X_LEFT, x)
    keep_view(tmp_path)
    put(tmp_path, {**X_LEFT, "lastHeartbeat": to_iso(NOW - 70_000), "status": "online"}, "myia-x.json")
    found, _ = x_row(tmp_path)
    assert found.observed == word
    if word == "unknown":
        assert found.reason is not None
        assert found.reason.kind == verdict.MAY_BE_ANOTHERS
        assert found.reason.doubt is verdict.Doubt.SIGHT
        for lang in ("en", "fr"):
            assert sentence(found.reason, Style(lang)).endswith("roosync-ops rollout --limit myia-x")


@pytest.mark.parametrize("word", [probes.OFF, probes.REFUSED, probes.UNASKED, probes.NOT_RUNNING, probes.SHARE_BLOCKED])
def test_a_sign_of_life_is_told_whatever_a_machine_says_or_does_not_say_itself(tmp_path: Path, word: str) -> None:
    state = shared(tmp_path, ours("m", HOUR))
    state.signs["m"] = (NOW - 180_000, "worker")
    said = {"m": probes.ProbeResult("m", probes.AgentState(word, detail="d", hint="h"))}
    found = validate(FLEET, state, NOW, asked=said).verdicts[0]
    assert found.reason is not None
    assert "; last sign of life 3 min 00 s ago (worker)" in sentence(found.reason)
    assert " ; dernier signe de vie il y a 3 min 00 s" in sentence(found.reason, Style("fr"))


@pytest.mark.parametrize("word", [probes.OFF, probes.NO_AGENT])
def test_the_matrix_too_says_to_enrol_a_machine_that_an_older_service_kept_and_stopped(
    tmp_path: Path, word: str
) -> None:
    stopped = heartbeat("m", 9 * 60_000, status="offline", offlineSince=to_iso(NOW - 9 * 60_000 + 400))
    told = {"m": probes.ProbeResult("m", probes.AgentState(word))}
    (found,) = [one for one in matrix(FLEET, told, shared(tmp_path, stopped), NOW).findings if one.machine_id == "m"]
    assert sentence(found).endswith("roosync-ops rollout --limit m")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_watcher_says_to_enrol_the_machine_whose_older_service_fell_silent(tmp_path: Path, lang: str) -> None:
    flips, told = Flips(), []
    for minute in range(45):
        now = NOW + minute * 60_000
        for name in ("n", "o"):
            put(tmp_path, ours(name, -minute * 60_000, sequence=90 + minute))
        put(tmp_path, heartbeat("m", -min(minute, 2) * 60_000))
        state = read_folder(tmp_path, now)
        told += flips.step(list(rows_of(validate(FLEET, state, now), state, FLEET)), now)
    (flip,) = told
    assert (flip.machine_id, flip.to, flip.reason) == ("m", "offline", OLDER_SILENT)
    said = flip_said(flip.reason, lang, {"machine": "m", "since": ""})
    assert str(said).endswith("roosync-ops rollout --limit m")


@pytest.mark.parametrize(("names", "word"), [(("myia-x", "n", "o", "x"), "unknown"), (("myia-x", "n", "o"), "online")])
@pytest.mark.parametrize("kept", [True, False], ids=["ours", "an older service's"])
def test_what_nothing_else_is_known_of_is_x_s_where_the_inventory_has_both_and_its_own_where_x_is_its_other_name(
    tmp_path: Path, names: tuple[str, ...], word: str, kept: bool
) -> None:
    x = {**(ours("x", 20_000, sequence=500) if kept else heartbeat("x", 20_000)), "metadata": _BORN_LATER}
    shared(tmp_path, x)
    put(tmp_path, {**x, "machineId": "myia-x"}, "myia-x.json")
    state = read_folder(tmp_path, NOW)
    found = validate(Fleet(Machine.of(name, {}) for name in names), state, NOW).verdicts[0]
    assert found.observed == word
    assert (found.reason is not None and found.reason.kind == verdict.MAY_BE_ANOTHERS) is (word == "unknown")
