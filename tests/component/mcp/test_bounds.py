"""Whatever a document holds, its answer has a bounded size, and says what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.errors import CommandError
from roosync_ops.mcp.bounds import MAX_TEXT, bounded

MOST = 4_000
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=900)
rows = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(rows, max_size=40), st.dictionaries(st.text(max_size=8), rows, max_size=10))
def test_an_answer_is_never_longer_than_allowed(machines: list[Any], heartbeats: dict[str, Any]) -> None:
    found = bounded({"machines": machines, "heartbeats": heartbeats}, "all of it", MOST)
    assert len(json.dumps(found, ensure_ascii=False)) <= MOST
    omitted = found.get("truncated", {}).get("omitted", {})
    assert len(found["machines"]) + omitted.get("machines", 0) == len(machines)
    assert json.dumps(found, ensure_ascii=False).isprintable()


def test_what_fits_is_left_as_it_is() -> None:
    document = {"machines": [{"machineId": "a", "ok": True, "why": "éteinte"}], "n": 1.5, "x": None}
    assert bounded(document, "all of it") == document


def test_a_machine_that_is_not_as_expected_is_kept_before_those_that_are() -> None:
    machines = [{"machineId": f"m{n}", "ok": n != 90, "reason": "r" * 100} for n in range(100)]
    found = bounded({"machines": machines}, "roosync-ops validate --json", MOST)
    assert found["machines"][0]["machineId"] == "m90"
    assert found["truncated"] == {
        "omitted": {"machines": 100 - len(found["machines"])},
        "note": f"too long for one answer: {100 - len(found['machines'])} of machines left out",
        "whole": "roosync-ops validate --json",
    }


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    found = bounded({"detail": "x" * 10_000}, "all of it")
    assert found["detail"] == "x" * MAX_TEXT + "… (10000 characters)"


def test_what_is_too_long_and_no_list_is_refused() -> None:
    with pytest.raises(CommandError, match="nothing is shown"):
        bounded({f"k{n}": "x" * 500 for n in range(100)}, "all of it", MOST)
