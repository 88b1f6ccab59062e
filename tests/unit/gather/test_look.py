"""A look at machines: whatever a machine says, or does not say, each has an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from roosync_ops.fleet import Machine
from roosync_ops.gather import asking
from roosync_ops.gather.probe import probe
from roosync_ops.remote_script.on_common import MARKER
from roosync_ops.transport import link as links
from roosync_ops.transport.link import Finished, Link, LinkError
from roosync_ops.transport.reach import Reach
from tests.unit.pyinfra_ops.builders import an_answer

if TYPE_CHECKING:
    import pytest

    from roosync_ops.judge import ProbeResult

MACHINES = [Machine.of("a", {}), Machine.of("b", {})]


class Wire(Link):
    """A way to a machine that says what a test has it say."""

    def __init__(self, said: dict[str, Any] | Exception) -> None:
        super().__init__()
        self._said = said

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        del line, stdin, timeout_s
        if isinstance(self._said, Exception):
            raise self._said
        return Finished(0, f"a shell greets\n{MARKER}{json.dumps(self._said)}\n".encode())

    def put(self, data: bytes, path: str) -> None:
        raise NotImplementedError

    def get(self, path: str) -> bytes:
        raise NotImplementedError


def asked(
    monkeypatch: pytest.MonkeyPatch, a: dict[str, Any] | Exception, b: dict[str, Any] | Exception
) -> list[ProbeResult]:
    ways = {"a": Wire(a), "b": Wire(b)}
    monkeypatch.setattr(asking, "link_to", lambda machine, _, **__: ways[machine.machine_id])
    found = probe(MACHINES, 1.0, 1.0)
    assert list(found) == ["a", "b"]
    return [*found.values()]


def test_only_a_failure_to_connect_means_that_it_was_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    away, lost = LinkError(links.NO_ROUTE, "no route"), LinkError(links.CONNECTION_LOST, "lost", reached=True)
    a, b = asked(monkeypatch, away, lost)
    assert (a.is_reached, b.is_reached) == (False, True)
    assert a.failure is not None
    assert a.failure.code == "NO_ROUTE"


def test_a_machine_that_hangs_or_breaks_delays_and_fails_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = asked(monkeypatch, TimeoutError("late"), ZeroDivisionError("a defect"))
    assert a.failure is not None
    assert b.failure is not None
    assert (a.failure.code, b.failure.code) == ("TIMEOUT", "INTERNAL")


def test_an_agent_that_cannot_tell_its_replica_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"success": False, "code": "SHARE_HUNG", "message": "no answer within 2.5 s"}
    a, b = asked(monkeypatch, an_answer(state=state), an_answer(state={"success": True}))
    assert (a.state, a.state_problem) == (None, "no answer within 2.5 s")
    assert (b.state, b.report is not None) == (None, True)
    assert "answered no state document" in str(b.state_problem)


def test_a_report_of_another_shape_is_that_machines_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    a, _ = asked(monkeypatch, {"hostname": 7}, an_answer())
    assert a.failure is not None
    assert (a.failure.code, a.is_reached) == ("NOT_UNDERSTOOD", True)


def test_how_far_the_way_went_is_told_with_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    hop = LinkError(links.HOST_KEY, "the host key of a jump host is not known here")
    own = LinkError(links.HOST_KEY, "its host key is not known here", met=True)
    a, b = asked(monkeypatch, hop, own)
    assert a.reach == Reach("a", 22)
    assert b.reach == Reach("b", 22, met=True)


def test_nobody_asked_is_nobody_answered() -> None:
    assert probe([], 1.0, 1.0) == {}
