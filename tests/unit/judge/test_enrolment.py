"""The procedure's four checks, each of which can fail with a reason of its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.judge import enrolment_checks, verdict

NAMES = ["heartbeats", "status", "onlineMachines", "statistics.onlineCount"]


def view(*online: str, count: int | None = None) -> dict[str, Any]:
    return {
        "heartbeats": {name: {"machineId": name, "status": "online"} for name in online},
        "onlineMachines": list(online),
        "statistics": {"onlineCount": len(online) if count is None else count},
    }


def failed(before: object, after: object) -> dict[str, str]:
    checks = enrolment_checks(before, after, "new")
    assert [check.name for check in checks] == NAMES
    assert all(check.ok is (check.reason is None) for check in checks)
    return {check.name: check.reason.kind for check in checks if check.reason is not None}


def test_an_enrolment_that_went_well_passes_all_four() -> None:
    assert failed(view("old"), view("old", "new")) == {}


def test_the_first_machine_of_a_fleet_passes_without_a_view_before() -> None:
    assert failed(None, view("new")) == {}


def test_a_machine_that_was_online_before_need_not_raise_the_count() -> None:
    assert failed(view("new", "old"), view("new", "old")) == {}


@pytest.mark.parametrize(
    ("after", "name", "kind"),
    [
        (view("old", "new") | {"heartbeats": {}}, "heartbeats", verdict.NOT_IN_HEARTBEATS),
        (view("old", "new") | {"heartbeats": {"new": {"status": "offline"}}}, "status", verdict.STORED_STATUS),
        (view("old", "new") | {"onlineMachines": ["old"]}, "onlineMachines", verdict.NOT_IN_LIST),
        (view("old", "new", count=1), "statistics.onlineCount", verdict.COUNT_NOT_UP),
    ],
)
def test_each_check_fails_by_its_own_reason(after: object, name: str, kind: str) -> None:
    assert failed(view("old"), after)[name] == kind


def test_a_machine_that_goes_off_meanwhile_is_no_fault_of_the_enrolment() -> None:
    assert all(check.ok for check in enrolment_checks(view("old", "gone"), view("old", "new"), "new"))


def test_a_count_that_fell_behind_says_from_what_to_what() -> None:
    reason = enrolment_checks(view("a", "b"), view("a", "b", "new", count=2), "new")[3].reason
    assert reason is not None
    assert reason.facts == {"before": 2, "after": 2, "wanted": 3}


def test_without_a_view_all_four_say_so() -> None:
    assert set(failed(view("old"), None).values()) == {verdict.NO_VIEW}


odd = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
views = st.one_of(odd, st.dictionaries(st.sampled_from(["heartbeats", "onlineMachines", "statistics"]), odd))


@given(views, views)
def test_no_view_an_older_service_may_have_left_makes_it_raise(before: object, after: object) -> None:
    failed(before, after)
