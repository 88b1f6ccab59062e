"""Operations compare what a machine answered with the inventory, and yield a command only where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyinfra.api.command import FunctionCommand
from pyinfra.context import ctx_host

from roosync_ops.pyinfra_ops import operations, settled
from roosync_ops.pyinfra_ops.commands import AgentCommand
from roosync_ops.pyinfra_ops.ledger import ledger
from tests.unit.pyinfra_ops.builders import BUNDLE, NOW_MS, a_machine, a_new_machine, a_report, a_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from roosync_ops.remote_script.facts_model import ProbeReport


class State:
    is_executing = False


class Host:
    """As much of pyinfra's host as an operation touches."""

    name = "myia-po-2024"

    def __init__(self) -> None:
        self.connector_data: dict[str, Any] = {}
        self.state = State()
        self.said: list[str] = []

    def noop(self, text: str) -> None:
        self.said.append(text)

    def log(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    for module in (operations, settled):
        monkeypatch.setattr(module, "build", lambda: BUNDLE)
    host = Host()
    with ctx_host.use(host):
        yield host


def commands(host: Any, operation: Any, report: ProbeReport) -> list[Any]:
    ledger(host).report = report
    return list(operation._inner(a_machine()))


def requested(command: AgentCommand) -> dict[str, Any]:
    return dict(command.question.request)


@pytest.mark.parametrize("operation", [operations.agent_rolled_out, operations.agent_online])
def test_a_machine_that_is_as_the_inventory_says_gets_no_command(host: Host, operation: Callable[..., Any]) -> None:
    assert commands(host, operation, a_report()) == []


def test_a_rollout_is_one_command_with_its_steps_in_order(host: Host) -> None:
    (command,) = commands(host, operations.agent_rolled_out, a_new_machine())
    steps = [step["step"] for step in requested(command)["steps"]]
    assert steps == ["push", "configure", "install", "register", "start"]


def test_a_new_agent_while_the_old_one_runs_is_pushed_and_the_loop_restarted_without_leaving(host: Host) -> None:
    (command,) = commands(host, operations.agent_rolled_out, a_report(agentSha256="b" * 64))
    steps = requested(command)["steps"]
    assert [step.get("argv") for step in steps] == [None, ["restart"]]


def test_every_command_has_a_time_limit(host: Host) -> None:
    (command,) = commands(host, operations.agent_rolled_out, a_new_machine())
    verbs = sum(step.get("limit", 0) for step in requested(command)["steps"])
    assert command.connector_arguments["_timeout"] >= verbs


def test_the_agent_travels_only_when_it_is_pushed(host: Host) -> None:
    (command,) = commands(host, operations.agent_rolled_out, a_new_machine())
    assert command.question.upload == BUNDLE.data
    (command,) = commands(host, operations.agent_rolled_out, a_report(status=a_status(running=False)))
    assert command.question.upload is None


def test_stopping_a_machine_that_does_not_run_is_no_change(host: Host) -> None:
    assert commands(host, operations.agent_stopped, a_report(status=a_status(running=False))) == []
    assert commands(host, operations.agent_stopped, a_new_machine()) == []
    assert len(commands(host, operations.agent_stopped, a_report())) == 1


def test_taking_off_where_nothing_is_is_no_change(host: Host) -> None:
    assert commands(host, operations.agent_removed, a_new_machine()) == []


def test_restarting_a_machine_without_an_agent_is_refused_with_what_to_type(host: Host) -> None:
    (refusal,) = commands(host, operations.agent_restarted, a_new_machine())
    assert isinstance(refusal, FunctionCommand)
    assert refusal.args[0].hint == "roosync-ops rollout myia-po-2024"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        pytest.param(a_status(running=False), "NOT_RUNNING", id="stopped"),
        pytest.param({"success": False, "code": "NO_ANSWER", "message": "15 s"}, "NO_ANSWER", id="did-not-answer"),
        pytest.param(a_status(lastBeat=None), "NOT_SEEN", id="never-beat"),
        pytest.param(
            a_status(lastBeat={"lastHeartbeat": "2026-02-12T10:15:25.000Z", "readBack": False}),
            "NOT_SEEN",
            id="not-read-back",
        ),
        pytest.param(
            a_status(lastBeat={"lastHeartbeat": "2026-02-12T10:00:00.000Z", "readBack": True}), "NOT_ONLINE", id="old"
        ),
        pytest.param(
            a_status(lastBeat={"lastHeartbeat": "yesterday", "readBack": True}), "NOT_SEEN", id="no-time-at-all"
        ),
    ],
)
def test_a_machine_whose_beat_is_not_in_the_share_is_no_success(host: Host, status: dict[str, Any], code: str) -> None:
    host.state.is_executing = True
    (refusal,) = commands(host, operations.agent_online, a_report(status=status))
    assert refusal.args[0].code == code


@pytest.mark.parametrize("fields", [{"code": "busy", "values": ["10", "20"]}, {}])
def test_a_build_that_was_left_again_is_told_in_the_agents_words(host: Host, fields: dict[str, Any]) -> None:
    back = {"rolledBack": {"why": "it was slow", **fields}, "loopBuildId": "f" * 16}
    (refusal,) = commands(host, operations.agent_proved, a_report(status=a_status(**back)))
    assert refusal.args[0].code == "ROLLED_BACK"
    assert refusal.args[0].reason == "back on the build before: it was slow"


def test_a_build_that_is_left_before_it_was_seen_online_is_no_rollout_of_another_computer(host: Any) -> None:
    ledger(host).steps["push"] = "changed"
    host.state.is_executing = True
    status = a_status(rolledBack={"why": "its loop ended"}, loopBuildId="f" * 16)
    (refusal,) = commands(host, operations.agent_online, a_report(status=status))
    assert refusal.args[0].code == "ROLLED_BACK"


@pytest.mark.parametrize(
    ("trial", "at", "code"),
    [
        pytest.param(None, "2026-02-12T10:15:29.000Z", "ROLLED_BACK", id="the one before has said so"),
        pytest.param(f"{BUNDLE.file_name} agent-0.pyz", "2026-02-12T10:15:29.000Z", "ON_TRIAL", id="not yet done"),
        pytest.param(None, "2026-02-12T09:15:29.000Z", None, id="that was before it was started anew"),
        pytest.param(None, None, None, id="by an agent of before, at no time"),
    ],
)
def test_a_build_that_is_about_to_be_left_again_has_not_proved_itself(
    host: Host, trial: str | None, at: str | None, code: str | None
) -> None:
    back = {"why": "it takes 54 MiB", "from": BUNDLE.build_id, "at": at}
    found = commands(host, operations.agent_proved, a_report(status=a_status(trial=trial, rolledBack=back)))
    assert [refusal.args[0].code for refusal in found] == ([code] if code else [])


@pytest.mark.parametrize(
    ("trial", "code"),
    [
        pytest.param(None, "REPLACED", id="for good"),
        pytest.param("agent-ffffffffffffffff.pyz agent-0.pyz", "REPLACED", id="on trial"),
        pytest.param(f"{BUNDLE.file_name} agent-ffffffffffffffff.pyz", "ON_TRIAL", id="ours is just begun"),
    ],
)
def test_a_build_that_somebody_else_put_in_the_place_of_ours_is_named(host: Host, trial: str | None, code: str) -> None:
    (refusal,) = commands(host, operations.agent_proved, a_report(status=a_status(loopBuildId="f" * 16, trial=trial)))
    assert refusal.args[0].code == code
    assert ("f" * 16 in refusal.args[0].reason) == (code == "REPLACED")


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(a_status(loopBuildId="f" * 16), id="it runs"),
        pytest.param(a_status(running=False, trial="agent-ffffffffffffffff.pyz agent-0.pyz"), id="nothing runs yet"),
    ],
)
def test_a_rollout_that_another_one_met_on_a_machine_names_its_build(host: Host, status: dict[str, Any]) -> None:
    host.state.is_executing = True
    report = a_report(status=status)
    if status["running"]:  # to whoever rolls nothing out, what runs is right
        assert commands(host, operations.agent_online, report) == []
    ledger(host).consider(("push",), ())  # type: ignore[arg-type]
    (refusal,) = commands(host, operations.agent_online, report)
    assert (refusal.args[0].code, refusal.args[0].hint) == ("REPLACED", "roosync-ops rollout myia-po-2024")
    assert "f" * 16 in refusal.args[0].reason


def test_a_beat_is_as_old_as_it_was_when_the_agent_told_of_it(host: Host) -> None:
    """A Windows machine may take longer to look at its share, in another session, than its beat stays fresh."""
    host.state.is_executing = True
    late = {"startMs": NOW_MS, "endMs": NOW_MS + 3_600_000}
    assert commands(host, operations.agent_online, a_report(status=a_status(), clock=late)) == []


def test_before_anything_is_executed_nobody_has_to_be_online_yet(host: Host) -> None:
    assert commands(host, operations.agent_online, a_new_machine()) == []


def test_what_is_to_be_done_is_noted_for_the_plan(host: Host) -> None:
    commands(host, operations.agent_rolled_out, a_report(status=a_status(running=False)))
    assert ledger(host).steps == {  # type: ignore[arg-type]
        "push": "unchanged",
        "configure": "unchanged",
        "install": "unchanged",
        "register": "planned",
        "start": "planned",
    }
