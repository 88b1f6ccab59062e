"""A look at machines: whatever a worker says, or does not say, each machine has an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from roosync_ops.fleet import Machine
from roosync_ops.gather import look as module
from roosync_ops.gather.look import CONNECT, Look, look
from tests.unit.pyinfra_ops.builders import a_report

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

MACHINES = [Machine.of("a", {}), Machine.of("b", {})]


class Workers:
    """Stands in for the worker processes: says what a test has them say."""

    said: tuple[dict[str, Any], ...] = ()

    def __init__(self, requests: list[dict[str, Any]]) -> None:
        self.requests = requests

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def events(self) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from ((0, event) for event in self.said)

    def end(self) -> None:
        pass

    def last_words(self) -> str:
        return "no module named pyinfra"


def asked(monkeypatch: pytest.MonkeyPatch, *said: dict[str, Any]) -> dict[str, Look]:
    monkeypatch.setattr(Workers, "said", said)
    monkeypatch.setattr(module, "Workers", Workers)
    return look(MACHINES, timeout_s=1.0)


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"event": "look", "machine": name, "seconds": 0.5, "failure": None, "report": None, "state": None, **fields}


def test_a_machine_that_no_worker_told_of_has_the_workers_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(monkeypatch, event("b"))
    assert list(found) == ["a", "b"]
    assert found["a"].failure is not None
    assert "no module named pyinfra" in found["a"].failure.reason
    assert found["b"].failure is None


def test_only_a_failure_to_connect_means_that_it_was_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {"step": CONNECT, "code": "UNREACHABLE", "reason": "no route", "hint": "ssh a"}
    silent = {"step": "look", "code": "TIMEOUT", "reason": "nothing", "hint": "ssh b"}
    found = asked(monkeypatch, event("a", failure=refused), event("b", failure=silent))
    assert (found["a"].reached, found["b"].reached) == (False, True)


def test_an_agent_that_cannot_tell_its_replica_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    told = a_report().model_dump(mode="json", by_alias=True)
    state = {"success": False, "code": "SHARE_HUNG", "message": "no answer within 2.5 s"}
    found = asked(monkeypatch, event("a", report=told, state=state), event("b", report=told, state={"success": True}))
    assert found["a"].state is None
    assert found["a"].state_failure is not None
    assert found["a"].state_failure.code == "SHARE_HUNG"
    assert found["b"].state == {"success": True}
    assert found["b"].report == a_report()


def test_a_report_of_another_shape_is_that_machines_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(monkeypatch, event("a", report={"hostname": 7}), event("b"))
    assert found["a"].failure is not None
    assert (found["a"].failure.code, found["a"].reached) == ("NOT_UNDERSTOOD", True)


def test_nobody_asked_starts_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, "Workers")
    assert look([], timeout_s=1.0) == {}
