"""Beside older services: what they rewrite or delete is known all the same; their own silence is judged by theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.gather.past import pasts
from roosync_ops.judge import matrix, observe, probes, verdict
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import DiagnosisInput
from roosync_ops.judge.observe import AT_ONCE, HEARD_LAST, SELDOM_MS
from roosync_ops.show import sentence
from roosync_ops.show.diagnosis import cause_sentence
from roosync_ops.show.history import history_document, history_markdown, history_table
from roosync_ops.show.text import Style
from roosync_ops.state.folder import read_folder
from roosync_ops.state.shared import FILE_DELETED, ROLLED_BACK
from roosync_ops.wire.record import dump
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, heartbeat, ours, put
from tests.unit.judge.older_services import FLEET, HOUR, LEFT, LEFT_AT, keep_view, row, shared, written
from tests.unit.pyinfra_ops.builders import a_report, a_status

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.state import SharedState


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
    assert "dernier signe de vie" in sentence(found.reason, Style("fr"))


def test_a_machine_that_only_an_older_service_kept_and_stopped_is_to_be_enrolled(tmp_path: Path) -> None:
    """There is no agent of ours to restart."""
    stopped = heartbeat("m", 9 * 60_000, status="offline", offlineSince=to_iso(NOW - 9 * 60_000 + 400))
    found = row(shared(tmp_path, stopped))
    assert (found.observed, found.reason and found.reason.kind) == ("left", verdict.OLDER_LEFT)
    assert found.reason is not None
    for lang in ("en", "fr"):
        assert sentence(found.reason, Style(lang)).endswith("roosync-ops rollout --limit m")


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
    assert "sa propre fiche a été écrite au même instant" in sentence(found.reason, Style("fr"))
