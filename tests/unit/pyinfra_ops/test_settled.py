"""What a look alone settles, so that no pyinfra is needed; and that the rest is left to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.pyinfra_ops import settled
from roosync_ops.transport.link import Failure
from tests.unit.pyinfra_ops.builders import BUNDLE, a_machine, a_new_machine, a_report, a_share, a_status

if TYPE_CHECKING:
    from roosync_ops.remote_script.facts_model import ProbeReport

OLD = a_report(agentSha256="b" * 64, status=a_status(loopBuildId="f" * 16))
STALE = a_report(status=a_status(now="2026-02-12T11:00:00.000Z"))


@pytest.fixture(autouse=True)
def _our_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "build", lambda: BUNDLE)


@pytest.mark.parametrize("deploy", ["rollout", "ramp"])
def test_a_machine_that_is_as_the_inventory_says_is_settled_by_one_round_trip(deploy: str) -> None:
    row = settled.settled(deploy, a_machine(), a_report())
    assert row is not None
    assert (row.outcome, row.round_trips) == ("unchanged", 1)
    assert [*row.steps] == ["preflight", "push", "configure", "install", "register", "start", "online"]


@pytest.mark.parametrize(
    ("deploy", "found"),
    [
        pytest.param("rollout", a_new_machine(), id="nothing was ever rolled out to it"),
        pytest.param("ramp", a_new_machine(), id="nothing runs that would be replaced"),
        pytest.param("rollout", OLD, id="another build"),
        pytest.param("rollout", Failure("connect", "CLOSED", "too many logins", ""), id="is asked again"),
    ],
)
def test_where_there_is_something_to_do_nothing_is_settled(deploy: str, found: ProbeReport | Failure) -> None:
    assert settled.settled(deploy, a_machine(), found) is None


def test_a_machine_that_lacks_a_python_is_left_to_the_rollout_where_that_may_install_one() -> None:
    lacks = Failure("look", "NO_PYTHON", "no CPython", "")
    assert settled.settled("rollout", a_machine(system="windows", bootstrap_python=True), lacks) is None
    row = settled.settled("rollout", a_machine(), lacks)
    assert row is not None
    assert (row.steps, row.outcome) == ({"preflight": "failed"}, "failed")


@pytest.mark.parametrize(
    ("deploy", "found", "code", "outcome"),
    [
        ("rollout", Failure("connect", "TIMED_OUT", "unreachable: x", ""), "TIMED_OUT", "unreachable"),
        ("rollout", a_report(hostname="another"), "IDENTITY", "failed"),
        ("rollout", a_report(share=a_share(exists=False)), "SHARE_MISSING", "failed"),
        ("rollout", STALE, "NOT_ONLINE", "failed"),
        ("prove", a_report(status=a_status(trial="x")), "ON_TRIAL", "failed"),
        ("ramp", OLD, None, "skipped"),
        ("prove", a_report(), None, "unchanged"),
    ],
)
def test_who_cannot_go_on_or_waits_is_told_as_the_deploy_would(
    deploy: str, found: Any, code: str | None, outcome: str
) -> None:
    row = settled.settled(deploy, a_machine(), found)
    assert row is not None
    assert (row.failure and row.failure.code, row.outcome) == (code, outcome)


def test_a_dry_run_expects_nobody_to_be_online_yet() -> None:
    row = settled.settled("rollout", a_machine(), STALE, dry=True)
    assert row is not None
    assert row.outcome == "unchanged"
