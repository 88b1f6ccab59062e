"""A machine without a Python is only looked at before the go; a rollout that may installs one, and then looks again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pyinfra.api.command import FunctionCommand
from pyinfra.context import ctx_host

from roosync_ops.pyinfra_ops import operations, preflight
from roosync_ops.pyinfra_ops.commands import AgentCommand
from roosync_ops.pyinfra_ops.ledger import ledger
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.question import SilenceError
from roosync_ops.transport.link import Failure
from tests.unit.pyinfra_ops.builders import BUNDLE, a_machine, a_new_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.fleet import Machine
    from roosync_ops.remote_script.facts_model import ProbeReport


class Host:
    """A machine whose first Python comes with the asking, where the asking may install one."""

    name = "myia-po-2024"

    def __init__(self, after: ProbeReport) -> None:
        self.connector_data: dict[str, Any] = {}
        self.state = SimpleNamespace(is_executing=False, fail_hosts=set, inventory=[self], active_hosts=[self])
        self.after = after
        self.asked: list[bool] = []

    def log(self, _text: str, **_: Any) -> None:
        pass

    log_styled = log

    def answer(self, _host: Any, _fact: Any, arguments: dict[str, Any], _limit_s: int) -> ProbeReport | SilenceError:
        self.asked.append(arguments["bootstrap"])
        return self.after if arguments["bootstrap"] else SilenceError("NO_PYTHON", "py -3: not there")


def bare(**fields: Any) -> Machine:
    return a_machine(system="windows", bootstrap_python=True, shared="G:/x", **fields)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    host = Host(a_new_machine().model_copy(update={"platform": "win32"}))
    monkeypatch.setattr(operations, "build", lambda: BUNDLE)
    monkeypatch.setattr(preflight, "ask", host.answer)
    monkeypatch.setattr(preflight, "wrong_system", lambda _host, _machine: None)
    with ctx_host.use(host):
        yield host


def look(machine: Machine, monkeypatch: pytest.MonkeyPatch, *, rollout: bool = True) -> Machine | None:
    monkeypatch.setattr(preflight, "machine_of", lambda _host: machine)
    return preflight._checked(checks.everything if rollout else checks.known)


def roll_out(machine: Machine) -> list[Any]:
    return list(operations.agent_rolled_out._inner(machine))


def test_before_the_go_nothing_is_installed_and_every_step_is_told(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = bare()
    assert look(machine, monkeypatch) is machine
    roll_out(machine)
    planned = ["python", "push", "configure", "look", "install", "register", "start"]
    assert [step for step, outcome in ledger(host).steps.items() if outcome == "planned"] == planned
    assert not any(host.asked)


def test_after_the_go_one_is_installed_and_the_rollout_goes_on(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    look(bare(), monkeypatch)
    host.state.is_executing = True
    (command,) = roll_out(bare())
    assert isinstance(command, AgentCommand)
    assert ledger(host).steps["python"] == "changed"
    assert host.asked == [False, True]


def test_what_could_not_be_looked_at_before_is_looked_at_then(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No agent goes to a machine whose share may not be written, however late that is found."""
    host.after = host.after.model_copy(update={"share": None})
    look(bare(), monkeypatch)
    host.state.is_executing = True
    (refusal,) = roll_out(bare())
    assert isinstance(refusal, FunctionCommand)
    assert refusal.args[0].code == "NO_SHARED_PATH"


def test_a_machine_that_may_not_be_given_one_is_refused_at_the_look(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = a_machine(system="windows", shared="G:/x")
    assert look(machine, monkeypatch) is None
    failure = ledger(host).failure
    assert isinstance(failure, Failure)
    assert "bootstrap_python=True" in failure.reason


@pytest.mark.usefixtures("host")
def test_only_a_rollout_installs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(bare(), monkeypatch, rollout=False) is None
