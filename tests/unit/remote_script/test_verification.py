"""A machine is verified by what its own replica shows, and the first check that fails is named."""

from __future__ import annotations

from typing import Any

import pytest

from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import Reply
from roosync_ops.remote_script.question import SilenceError
from roosync_ops.transport.link import Failure
from tests.unit.pyinfra_ops.builders import a_machine

NAME = "myia-po-2024"


def a_state(heard: str = "2026-02-12T10:15:25.000Z", view: Any = ..., **fields: Any) -> dict[str, Any]:
    record = {"machineId": NAME, "lastHeartbeat": heard, "status": "offline", "agent": {"sequence": 1}}
    good = {"heartbeats": {NAME: record}, "onlineMachines": [NAME], "statistics": {"onlineCount": 1}}
    return {
        "readAt": "2026-02-12T10:15:30.000Z",
        "evidence": [{"machineId": NAME, "kind": "file", "file": f"heartbeats/{NAME}.json", "record": record}],
        "view": good if view is ... else view,
        "viewState": "read",
        **fields,
    }


def test_a_machine_its_replica_shows_online_is_verified() -> None:
    assert checks.verification(a_machine(), a_state()) is None


@pytest.mark.parametrize(
    ("state", "code"),
    [
        pytest.param(a_state("2026-02-12T10:00:00.000Z"), "NOT_ONLINE", id="silent"),
        pytest.param(a_state(evidence=[]), "NOT_ONLINE", id="no-file"),
        pytest.param(a_state(evidence="?"), "NOT_ONLINE", id="nonsense"),
        pytest.param(a_state(readAt="now"), "NOT_ONLINE", id="no-time"),
        pytest.param(a_state(view=None), "NO_VIEW", id="no-view"),
        pytest.param(a_state(view={"onlineMachines": [NAME]}), "NOT_IN_HEARTBEATS", id="not-in-heartbeats"),
        pytest.param(a_state(view={"heartbeats": {NAME: {}}}), "NOT_IN_LIST", id="not-in-list"),
        pytest.param(
            a_state(view={"heartbeats": {NAME: {}}, "onlineMachines": [NAME], "statistics": {"onlineCount": 9}}),
            "COUNT",
            id="count",
        ),
    ],
)
def test_the_check_that_fails_is_named(state: dict[str, Any], code: str) -> None:
    failure = checks.verification(a_machine(), state)
    assert failure is not None
    assert failure.code == code


@pytest.mark.parametrize(
    "answer",
    [
        SilenceError("NO_ANSWER", "it said nothing"),
        Reply.model_validate({"ok": False, "failed": {"step": "state", "code": "X", "message": "no share"}}),
        Reply.model_validate({"ok": True}),
    ],
)
def test_no_state_is_a_failure_with_a_reason(answer: Any) -> None:
    failure = checks.state_document(a_machine(), answer)
    assert isinstance(failure, Failure)
    assert failure.reason
    assert failure.hint
