"""What a rollout does is what differs, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.pyinfra_ops import facts, plan
from roosync_ops.remote_script import checks
from tests.unit.pyinfra_ops.builders import BUNDLE, a_machine, a_new_machine, a_report, a_share, a_status

if TYPE_CHECKING:
    from roosync_ops.fleet import Machine
    from roosync_ops.remote_script.facts_model import ProbeReport


def by_hand(kind: str, there: str = "Restart=no") -> dict[str, Any]:
    """What an agent says of permanence that is not as it would have it."""
    return {"kind": kind, "installed": True, "enabled": True, "there": there, "wanted": "Restart=always"}


def test_a_new_machine_needs_every_step_in_the_procedure_s_order() -> None:
    steps = plan.missing(a_machine(), BUNDLE, a_new_machine())
    assert steps == ("push", "configure", "install", "register", "start")


def test_a_machine_that_is_as_the_inventory_says_needs_nothing() -> None:
    assert plan.missing(a_machine(), BUNDLE, a_report()) == ()


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        pytest.param({"agentSha256": "b" * 64}, ("push", "start"), id="another-agent-lies-there"),
        pytest.param({"status": a_status(loopBuildId="f" * 16)}, ("start",), id="another-agent-runs"),
        pytest.param({"config": {"machineId": "x"}}, ("configure", "start"), id="another-configuration"),
        pytest.param({"status": a_status(running=False)}, ("register", "start"), id="stopped"),
        pytest.param({"status": a_status(lastBeat=None)}, ("register",), id="never-beat"),
        pytest.param(
            {"status": a_status(permanence={"kind": "none", "installed": False})},
            ("install", "start"),
            id="not-permanent",
        ),
        pytest.param({"configModifiedMs": 2_000_000_000_000}, ("start",), id="configured-and-cut-off-before-start"),
        pytest.param(
            {"status": a_status(config={"heartbeatInterval": 1_000, "offlineTimeout": 120_000})},
            ("start",),
            id="loop-with-another-interval",
        ),
        pytest.param(
            {"status": {"success": False, "code": "X", "message": "broken"}},
            ("install", "register", "start"),
            id="agent-cannot-tell",
        ),
    ],
)
def test_only_what_differs_is_done(fields: dict[str, Any], steps: tuple[str, ...]) -> None:
    assert plan.missing(a_machine(), BUNDLE, a_report(**fields)) == steps


@pytest.mark.parametrize(
    ("wanted", "kind", "steps"),
    [
        ("auto", "process", ()),
        ("systemd", "systemd-system", ()),
        ("systemd", "process", ("install", "start")),
        ("process", "systemd-user", ("install", "start")),
    ],
)
def test_another_kind_of_permanence_is_installed_when_it_is_asked_for(
    wanted: str, kind: str, steps: tuple[str, ...]
) -> None:
    machine = a_machine(permanence=wanted)
    permanence = {"kind": kind, "installed": True, "enabled": True}
    assert plan.missing(machine, BUNDLE, a_report(machine, status=a_status(permanence=permanence))) == steps


def a_windows_machine(**fields: Any) -> Machine:
    return a_machine(system="windows", shared="G:/Mon Drive/x", **fields)


def a_windows_report(machine: Machine, **share: Any) -> ProbeReport:
    task = {"kind": "task", "installed": True, "enabled": True}
    return a_report(machine, platform="win32", status=a_status(permanence=task), share=a_share(**share))


def test_on_windows_the_agent_looks_at_the_share_before_anything_permanent() -> None:
    steps = plan.missing(a_windows_machine(), BUNDLE, a_new_machine())
    assert steps == ("push", "configure", "look", "install", "register", "start")


@pytest.mark.parametrize(
    ("share", "steps"),
    [
        ({"session": "logon"}, ()),
        ({"session": "here"}, ()),
        ({"session": None}, ("look",)),
        ({"session": None, "exists": False}, ("look",)),
    ],
)
def test_the_look_is_done_again_where_the_agent_has_not_just_seen_the_share(
    share: dict[str, Any], steps: tuple[str, ...]
) -> None:
    machine = a_windows_machine()
    assert plan.missing(machine, BUNDLE, a_windows_report(machine, **share)) == steps


def test_a_new_agent_on_windows_registers_its_task_anew() -> None:
    machine = a_windows_machine()
    report = a_windows_report(machine, session="logon").model_copy(update={"agent_sha256": "0" * 64})
    assert plan.missing(machine, BUNDLE, report) == ("push", "install", "start")


@pytest.mark.parametrize(
    ("status", "replaced"),
    [
        (a_status(loopBuildId="f" * 16), True),
        (a_status(), False),
        (a_status(loopBuildId="f" * 16, running=False), False),
        ({"success": False, "code": "NO_ANSWER", "message": "nothing within 10 s"}, True),
        (None, False),
    ],
)
def test_what_runs_or_may_run_is_replaced_in_its_turn(status: dict[str, Any] | None, *, replaced: bool) -> None:
    assert plan.replaces(BUNDLE, a_report(status=status)) is replaced


def test_a_unit_that_somebody_changed_is_installed_and_started_anew() -> None:
    status = a_status(permanence=by_hand("systemd-system"))
    assert plan.missing(a_machine(), BUNDLE, a_report(status=status)) == ("install", "start")


def test_a_task_is_what_is_asked_for_on_windows() -> None:
    machine = a_windows_machine(permanence="task")
    assert plan.missing(machine, BUNDLE, a_windows_report(machine, session="here")) == ()


def test_the_share_is_written_into_the_configuration_because_a_service_has_no_login_s_environment() -> None:
    machine = a_machine(shared=None)
    assert plan.wanted_config(machine, a_report(machine))["shared"] == "/srv/share"


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        pytest.param({}, ("stop", "uninstall", "remove"), id="enrolled"),
        pytest.param({"status": a_status(running=False)}, ("uninstall", "remove"), id="stopped"),
        pytest.param(
            {"status": a_status(running=False, alive=True)}, ("stop", "uninstall", "remove"), id="crash-looping"
        ),
        pytest.param({"status": None, "agentSha256": None, "config": None}, (), id="nothing-there"),
        pytest.param({"status": None, "agentSha256": None}, ("remove",), id="a-configuration-was-left"),
    ],
)
def test_taking_off_does_what_is_left_to_do(fields: dict[str, Any], steps: tuple[str, ...]) -> None:
    assert plan.removable(a_report(**fields)) == steps


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, []),
        ({"status": a_status(loopBuildId="f" * 16)}, [f"build {'f' * 16} -> {BUNDLE.build_id}"]),
        ({"status": a_status(permanence={"kind": "none"})}, ["permanence - -> auto"]),
        ({"status": a_status(permanence=by_hand("systemd-system"))}, ["unit Restart=no -> Restart=always"]),
        ({"status": a_status(permanence=by_hand("task"))}, ["task Restart=no -> Restart=always"]),
        ({"status": a_status(permanence=by_hand("process", there=""))}, ["permanence - -> Restart=always"]),
    ],
)
def test_the_difference_is_told_by_what_is_there_and_what_comes(fields: dict[str, Any], said: list[str]) -> None:
    assert list(map(str, plan.differences(a_machine(), BUNDLE, a_report(**fields)))) == said


def test_a_configuration_differs_by_its_keys_and_what_the_operator_passes_on_is_not_shown() -> None:
    machine = a_machine(heartbeat_interval=1000, offline_timeout=5000, metadata={"key": "hunter2"})
    said = [str(one) for one in plan.differences(machine, BUNDLE, a_report(a_machine()))]
    assert said == ["heartbeatInterval 30000 -> 1000", "offlineTimeout 120000 -> 5000", "metadata"]
    found = plan.differences(a_machine(), BUNDLE, a_report(config={"machineId": 3, "x": "y" * 999}))
    assert max(len(str(one)) for one in found) < 400


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        pytest.param({"system": "posix"}, 5.0, id="its own deadline"),
        pytest.param({"system": "windows"}, 60.0, id="a first reading comes from the cloud"),
        pytest.param({"system": "windows", "share_deadline": 90.0}, 90.0, id="a longer one"),
    ],
)
def test_a_preflight_of_a_windows_machine_has_a_minute_for_its_share(fields: dict[str, Any], seconds: float) -> None:
    machine = a_machine(**fields)
    assert facts.arguments(machine)["share_deadline"] == seconds
    assert checks.limit_s(machine) > seconds, "and the login more"
