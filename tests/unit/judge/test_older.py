"""Beside older services: what they rewrite or delete is known all the same; their own silence is judged by theirs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.past import pasts
from roosync_ops.judge import Knowledge, matrix, observe, probes, validate, verdict
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import DiagnosisInput
from roosync_ops.judge.flip import OLDER_SILENT
from roosync_ops.judge.flips import Flips
from roosync_ops.judge.older import AT_ONCE, HEARD_LAST, SELDOM_MS
from roosync_ops.show import sentence
from roosync_ops.show.diagnosis import cause_sentence
from roosync_ops.show.history import history_document, history_markdown, history_table
from roosync_ops.show.messages import flip_said
from roosync_ops.state import read_folder
from roosync_ops.state.shared import FILE_DELETED, ROLLED_BACK
from roosync_ops.watch.rows import rows_of
from roosync_ops.wire.findings import OF_ANOTHER
from roosync_ops.wire.record import dump
from roosync_ops.wire.status import DEFAULT_THRESHOLDS
from roosync_ops.wire.times import to_iso
from roosync_ops.wire.view import build
from tests.kits.shares import NOW, heartbeat, ours, put, put_view
from tests.unit.pyinfra_ops.builders import a_report, a_status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.judge import Verdict
    from roosync_ops.state import SharedState

HOUR = 3_600_000
FLEET = Fleet(Machine.of(name, {}) for name in ("m", "n", "o"))
LEFT_AT = NOW - 2 * HOUR
LEFT = ours(
    "m",
    2 * HOUR + 20_000,
    sequence=90,
    state="left",
    leftAt=to_iso(LEFT_AT),
    upIntervals=[f"{to_iso(NOW - 6 * HOUR)}/{to_iso(NOW - 2 * HOUR - 20_000)}"],
)


def shared(path: Path, *records: dict[str, Any]) -> SharedState:
    for record in (ours("n"), ours("o"), *records):
        put(path, record)
    return read_folder(path, NOW)


def keep_view(path: Path) -> None:
    """Write the view as our keeper builds it from what lies there."""
    view = build(read_folder(path, NOW).machines, None, NOW, DEFAULT_THRESHOLDS)
    (path / "heartbeat.json").write_bytes(dump(view))


def row(state: SharedState, patience: int | None = None) -> Verdict:
    return validate(FLEET, state, NOW, known=Knowledge(patience_ms=patience)).verdicts[0]


def written(path: Path, at_ms: int) -> None:
    os.utime(path, ns=(at_ms * 1_000_000, at_ms * 1_000_000))


def up_ms(state: SharedState) -> int:
    return pasts(FLEET, tuple(FLEET), state, [], NOW - 24 * HOUR)[0].total_ms("up")


REWRITES = {
    "its running record": ours("m", 5 * HOUR, sequence=40),
    "a record of before our agent": heartbeat("m", 9 * HOUR),
    "stored offline": {**heartbeat("m", 5 * HOUR, status="offline"), "offlineSince": to_iso(NOW - 4 * HOUR)},
    "0 bytes": None,
}


@pytest.mark.parametrize("rewrite", REWRITES.values(), ids=REWRITES)
def test_a_machine_that_left_has_left_whatever_an_older_service_writes_over_its_file(
    tmp_path: Path, rewrite: dict[str, Any] | None
) -> None:
    before = up_ms(shared(tmp_path, LEFT))
    keep_view(tmp_path)
    own = put(tmp_path, rewrite or LEFT)
    if rewrite is None:
        own.write_bytes(b"")
    written(own, NOW - HOUR)
    state = read_folder(tmp_path, NOW)
    found = row(state)
    assert (found.observed, found.reason.kind if found.reason else None) == ("left", verdict.HAS_LEFT)
    assert up_ms(state) >= before > 0
    if rewrite is not None:
        assert found.reason is not None
        assert (found.reason.facts["undone"], found.reason.facts["undone_at"]) == (ROLLED_BACK, NOW - HOUR)
        assert ROLLED_BACK in {item.kind for item in state.findings}
        assert "an older service wrote an older record back at 2026-02-12 09:15:30Z" in sentence(found.reason)


def test_a_machine_that_left_has_left_though_its_file_is_deleted(tmp_path: Path) -> None:
    before = up_ms(shared(tmp_path, LEFT))
    keep_view(tmp_path)
    (tmp_path / "heartbeats" / "m.json").unlink()
    state = read_folder(tmp_path, NOW)
    found = row(state)
    assert (found.observed, up_ms(state)) == ("left", before)
    assert found.reason is not None
    assert found.reason.facts["undone"] == FILE_DELETED
    assert "deleted its file" in sentence(found.reason)


def test_entries_that_were_migrated_over_the_files_hold_what_the_files_held(tmp_path: Path) -> None:
    before = up_ms(shared(tmp_path, LEFT))
    keep_view(tmp_path)
    for name, entry in (read_folder(tmp_path, NOW).view or {})["heartbeats"].items():
        put(tmp_path, entry, f"{name}.json")
    (tmp_path / "heartbeat.json").unlink()
    state = read_folder(tmp_path, NOW)
    assert (row(state).observed, up_ms(state)) == ("left", before)


def test_a_file_that_has_not_arrived_here_yet_was_not_rolled_back_by_anybody(tmp_path: Path) -> None:
    own = put(tmp_path, ours("m", 2 * HOUR + 40_000, sequence=89))
    shared(tmp_path, LEFT)
    keep_view(tmp_path)
    put(tmp_path, ours("m", 2 * HOUR + 40_000, sequence=89))
    written(own, NOW - 2 * HOUR - 39_000)
    found = row(read_folder(tmp_path, NOW))
    assert found.observed == "left"
    assert found.reason is not None
    assert "undone" not in found.reason.facts


def test_history_matrix_and_diagnose_say_so_as_the_table_does(tmp_path: Path) -> None:
    shared(tmp_path, LEFT)
    keep_view(tmp_path)
    written(put(tmp_path, ours("m", 5 * HOUR, sequence=40)), NOW - HOUR)
    state = read_folder(tmp_path, NOW)
    said = "was stopped on purpose at 2026-02-12 08:15:30Z; an older service wrote an older record back at"
    past = pasts(FLEET, tuple(FLEET), state, [], NOW - 24 * HOUR)
    assert said in history_table(past)
    assert said.replace("-", "\\-") in history_markdown(past, NOW - 24 * HOUR, NOW).replace("-", "\\-")
    assert said in history_document(past, "s", NOW - 24 * HOUR, NOW)["machines"][0]["undone"]
    for word in (probes.NOT_RUNNING, probes.LEFT, probes.OFF):
        left = {"left_ms": LEFT_AT} if word == probes.LEFT else {}
        told = {"m": probes.ProbeResult("m", probes.AgentState(word, **left))}  # type: ignore[arg-type]
        assert said in " ".join(sentence(found) for found in matrix(FLEET, told, state, NOW).findings)
    kept = {"kind": "task", "installed": True, "enabled": True}
    report = a_report(hostname="M", status=a_status(running=False, permanence=kept, lastBeat=None))
    stopped = probes.ProbeResult("m", probes.AgentState(probes.NOT_RUNNING), report=report)
    found = diagnose(DiagnosisInput(FLEET, NOW, {"m": stopped}, state), ["m"]).machines[0]
    assert (found.observed, found.cause) == ("left", "stopped-on-purpose")
    assert said.removeprefix("was ") in cause_sentence(found)


def test_whoever_may_have_done_it_is_named(tmp_path: Path) -> None:
    shared(tmp_path, LEFT, heartbeat("p", 60_000), heartbeat("q", 900_000))
    keep_view(tmp_path)
    written(put(tmp_path, ours("m", 5 * HOUR, sequence=40)), NOW - HOUR)
    found = row(read_folder(tmp_path, NOW))
    assert found.reason is not None
    assert (found.reason.facts["by"], found.reason.facts["by_basis"]) == ("p", HEARD_LAST)
    assert "(on p? the last heard of those that one keeps)" in sentence(found.reason)


def test_an_older_service_that_takes_a_machine_over_takes_nothing_of_its_past(tmp_path: Path) -> None:
    before = up_ms(shared(tmp_path, LEFT))
    keep_view(tmp_path)
    put(tmp_path, heartbeat("m", 60_000))
    state = read_folder(tmp_path, NOW)
    assert (row(state).observed, up_ms(state)) == ("online", before + 60_000)
    past = pasts(FLEET, tuple(FLEET), state, [], NOW - 24 * HOUR)[0]
    assert [span.kind for span in past.spans[-2:]] == ["left", "up"]
    keep_view(tmp_path)
    (tmp_path / "heartbeats" / "m.json").unlink()
    assert up_ms(read_folder(tmp_path, NOW)) == before + 60_000


@pytest.mark.parametrize(
    ("gap_ms", "status", "word"),
    [
        (1_500, "offline", "left"),
        (3_001, "offline", "offline"),
        (120_000, "offline", "offline"),
        (1_500, "online", "offline"),
    ],
)
def test_an_entry_without_our_fields_that_went_offline_at_once_was_stopped(
    tmp_path: Path, gap_ms: int, status: str, word: str
) -> None:
    """So an earlier build of our agent wrote a machine that left into the view: silence alone takes longer."""
    entry = heartbeat("m", 2 * HOUR, status=status, offlineSince=to_iso(NOW - 2 * HOUR + gap_ms))
    assert row(shared(tmp_path, entry)).observed == word


@pytest.mark.parametrize(
    ("age_ms", "word", "kind"),
    [
        (89_999, "online", None),
        (90_000, "warning", verdict.SELDOM),
        (SELDOM_MS, "warning", verdict.SELDOM),
        (SELDOM_MS + 1, "offline", verdict.OLDER_SILENT),
    ],
)
def test_the_seldom_writer_is_judged_by_how_seldom_it_writes(
    tmp_path: Path, age_ms: int, word: str, kind: str | None
) -> None:
    state = shared(tmp_path, heartbeat("m", age_ms))
    found = row(state)
    assert (found.observed, found.ok, found.reason and found.reason.kind) == (word, word == "online", kind)
    assert {one.observed for one in observe(state, NOW).machines if one.machine_id == "m"} == {word}
    if found.reason is not None:
        assert sentence(found.reason).endswith("roosync-ops rollout --limit m")


def test_with_a_patience_of_0_the_protocols_thresholds_hold_for_it_too(tmp_path: Path) -> None:
    assert row(shared(tmp_path, heartbeat("m", 120_001)), 0).observed == "offline"


def test_our_own_agents_silence_is_judged_as_ever_though_an_older_build_kept_the_view(tmp_path: Path) -> None:
    put(tmp_path, ours("m", 200_000))
    view = {"heartbeats": {"m": heartbeat("m", 170_000)}}
    (tmp_path / "heartbeat.json").write_bytes(dump(view))
    assert row(shared(tmp_path)).observed == "offline"


@pytest.mark.parametrize("reason", [None, "silent"])
def test_a_sign_of_life_is_told_and_never_counted(tmp_path: Path, reason: str | None) -> None:
    folder = tmp_path / "listener-heartbeats"
    folder.mkdir()
    (folder / "M.heartbeat").write_text(to_iso(NOW - 180_000))
    found = row(shared(tmp_path, *([] if reason is None else [ours("m", HOUR)])))
    assert found.observed == ("unknown" if reason is None else "offline")
    assert found.sign == (NOW - 180_000, "listener")
    assert found.reason is not None
    assert "last sign of life 3 min 00 s ago (listener)" in sentence(found.reason)
    assert "dernier signe de vie" in sentence(found.reason, "fr")


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


def test_a_machine_that_only_an_older_service_kept_and_stopped_is_to_be_enrolled(tmp_path: Path) -> None:
    """There is no agent of ours to restart."""
    stopped = heartbeat("m", 9 * 60_000, status="offline", offlineSince=to_iso(NOW - 9 * 60_000 + 400))
    found = row(shared(tmp_path, stopped))
    assert (found.observed, found.reason and found.reason.kind) == ("left", verdict.OLDER_LEFT)
    assert found.reason is not None
    for lang in ("en", "fr"):
        assert sentence(found.reason, lang).endswith("roosync-ops rollout --limit m")


@pytest.mark.parametrize("word", ["idle", "unknown"])
@pytest.mark.parametrize(
    ("age_ms", "observed"), [(60_000, "online"), (10 * 60_000, "warning"), (40 * 60_000, "offline")]
)
def test_the_words_that_later_services_store_are_no_trouble_and_no_evidence(
    tmp_path: Path, word: str, age_ms: int, observed: str
) -> None:
    state = shared(tmp_path, heartbeat("m", age_ms, status=word))
    assert (row(state).observed, state.findings) == (observed, ())


def test_who_saved_everybodys_file_is_known_by_its_own_written_in_the_same_moment(tmp_path: Path) -> None:
    shared(tmp_path, LEFT)
    keep_view(tmp_path)
    written(put(tmp_path, heartbeat("p", 60_000)), NOW - 60_000)
    written(put(tmp_path, heartbeat("q", 2 * HOUR)), NOW - HOUR + 400)
    written(put(tmp_path, ours("m", 5 * HOUR, sequence=40)), NOW - HOUR)
    found = row(read_folder(tmp_path, NOW))
    assert found.reason is not None
    assert (found.reason.facts["by"], found.reason.facts["by_basis"]) == ("q", AT_ONCE)
    assert "(on q? its own file was written in that moment)" in sentence(found.reason)
    assert "sa propre fiche a été écrite au même instant" in sentence(found.reason, "fr")


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
    assert "fiche d'une autre machine" in sentence(found.reason, "fr")
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
            assert sentence(found.reason, lang).endswith("roosync-ops rollout --limit myia-x")


@pytest.mark.parametrize("word", [probes.OFF, probes.REFUSED, probes.UNASKED, probes.NOT_RUNNING, probes.SHARE_BLOCKED])
def test_a_sign_of_life_is_told_whatever_a_machine_says_or_does_not_say_itself(tmp_path: Path, word: str) -> None:
    state = shared(tmp_path, ours("m", HOUR))
    state.signs["m"] = (NOW - 180_000, "worker")
    said = {"m": probes.ProbeResult("m", probes.AgentState(word, detail="d", hint="h"))}
    found = validate(FLEET, state, NOW, asked=said).verdicts[0]
    assert found.reason is not None
    assert "; last sign of life 3 min 00 s ago (worker)" in sentence(found.reason)
    assert " ; dernier signe de vie il y a 3 min 00 s" in sentence(found.reason, "fr")


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
