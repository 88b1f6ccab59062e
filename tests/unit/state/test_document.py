"""A machine's answer about the shared state is hostile until it is parsed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.judge.observe import observation
from roosync_ops.state import StateUnavailableError, from_document
from roosync_ops.state.document import OBSERVER_CLOCK
from roosync_ops.wire import findings as f
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, heartbeat, ours

KEYS = ["success", "machineId", "shared", "readAt", "seen", "view", "viewState", "evidence", "findings"]
trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


def item(record: dict[str, Any], kind: str = "file") -> dict[str, Any]:
    name = record["machineId"]
    return {"machineId": name, "file": f"heartbeats/{name}.json", "kind": kind, "record": record}


def answer(*evidence: Any, **extra: Any) -> dict[str, Any]:
    return {
        "success": True,
        "machineId": "myia-ai-01",
        "shared": "G:/share",
        "readAt": "2026-02-12T10:15:30.123Z",
        "seen": len(evidence),
        "view": None,
        "viewState": "absent",
        "evidence": list(evidence),
        "findings": [],
        **extra,
    }


def test_an_answer_is_judged_like_a_folder() -> None:
    state = from_document(answer(item(ours("a")), item(heartbeat("b", 90_000))), NOW)
    assert state.shared == "myia-ai-01:G:/share"
    assert {name: piece.record.last_heartbeat_ms for name, piece in state.machines.items()} == {
        "a": NOW - 10_000,
        "b": NOW - 90_000,
    }


@pytest.mark.parametrize(
    ("piece", "kind"),
    [
        pytest.param(None, f.WRONG_TYPE, id="null"),
        pytest.param({"machineId": "a"}, f.WRONG_TYPE, id="half"),
        pytest.param(item(heartbeat("../evil")), f.NOT_A_MACHINE, id="a-path-for-a-name"),
        pytest.param(item(heartbeat("a")) | {"kind": "rumour"}, f.WRONG_TYPE, id="kind-nobody-knows"),
        pytest.param(item(heartbeat("a")) | {"record": []}, f.WRONG_TYPE, id="record-is-a-list"),
        pytest.param(item(heartbeat("a")) | {"machineId": "b"}, f.ID_CONTRADICTS_NAME, id="another-machines"),
    ],
)
def test_one_wrong_piece_is_a_finding_and_the_others_are_kept(piece: Any, kind: str) -> None:
    state = from_document(answer(piece, item(ours("good"))), NOW)
    assert set(state.machines) == {"good"}
    assert [finding.kind for finding in state.findings] == [kind]


def test_the_findings_of_the_machine_asked_are_ours_too() -> None:
    found = [{"file": "heartbeats/x.json", "kind": "empty-file", "detail": "0 bytes"}, 7]
    state = from_document(answer(item(ours("a")), findings=found), NOW)
    assert [item.kind for item in state.findings_about("x")] == ["empty-file"]
    assert state.findings[1].kind == f.WRONG_TYPE


@pytest.mark.parametrize(
    "document", [None, [], "x", {}, {"success": True}, answer(readAt=5), answer(seen=-1)], ids=repr
)
def test_what_is_no_answer_is_no_state(document: object) -> None:
    with pytest.raises(StateUnavailableError, match="no state document"):
        from_document(document, NOW)


def test_a_machine_that_cannot_read_its_share_says_why() -> None:
    refusal = {"success": False, "code": "SHARE", "message": "the share hangs", "hint": "restart Drive"}
    with pytest.raises(StateUnavailableError, match="the share hangs") as caught:
        from_document(refusal, NOW)
    assert caught.value.hint == "roosync-ops matrix"


def test_an_answer_full_of_files_and_without_evidence_is_nothing_readable() -> None:
    with pytest.raises(StateUnavailableError, match="nothing readable"):
        from_document(answer(seen=3), NOW)


@pytest.mark.parametrize(("now_ms", "told"), [(NOW + 4_000, False), (NOW + 3_600_000, True), (NOW - 3_600_000, True)])
def test_an_observer_whose_clock_differs_is_told(now_ms: int, told: bool) -> None:
    state = from_document(answer(item(ours("a"))), now_ms)
    assert (OBSERVER_CLOCK in {item.kind for item in state.findings}) is told


@given(st.dictionaries(st.sampled_from(KEYS), trees))
def test_no_answer_makes_it_raise_anything_else(document: dict[str, Any]) -> None:
    try:
        from_document(answer() | document, NOW)
    except StateUnavailableError:
        return


def test_each_record_of_a_long_reading_is_judged_as_of_when_it_was_read() -> None:
    first, last = item(heartbeat("myia-po-2024", 10_000)), item(heartbeat("myia-po-2023", -50_000))
    last["readAt"] = to_iso(NOW + 60_000)
    arrived = NOW + 61_000
    state = from_document(answer(first, last, readAt=to_iso(NOW)), arrived, NOW)
    ages = {name: observation(name, state, arrived).age_ms for name in state.machines}
    assert ages == {"myia-po-2024": 11_000, "myia-po-2023": 11_000}


@pytest.mark.parametrize("when", ["2090-01-01T00:00:00.000Z", "1990-01-01T00:00:00.000Z", "soon"])
def test_no_machine_says_that_a_record_was_read_before_we_asked_or_later_than_now(when: str) -> None:
    piece = {**item(heartbeat("myia-po-2024", 0)), "readAt": when}
    state = from_document(answer(piece, item(heartbeat("myia-po-2023", 0))), NOW + 9_000, NOW)
    assert all(0 <= (observation(name, state, NOW + 9_000).age_ms or 0) <= 9_000 for name in state.machines)
