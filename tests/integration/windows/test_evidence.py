"""Who sees whom, validate --probe, diagnose and verify-share on Windows-like hosts: each trouble has its own word."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from roosync_ops.show import schemas
from tests.acceptance.main_job import Job
from tests.integration.windows.hosts import BLIND, FRESH, OnWindows, job_on, on, speed
from tests.kits.hosts import wait_for
from tests.kits.product import roosync_ops, sequence
from tests.kits.winlab import WinFleet

pytestmark = [
    pytest.mark.wine,
    pytest.mark.timeout(600),  # the first run builds the kit
]
FIRST, BLIND_ONE, OF_THE_LAB = "myia-po-2024", "myia-po-2023", "myia-po-2025"
#: Nothing that is killed is brought back within a test, and everything soon.
SLOW, FAST = 0.0001, 20.0
#: No machine has to be offline here, and none that answers late on a busy computer may look as if it were.
TIMEOUT_MS = 60_000
PATIENT = ("--timeout", "120", "--connect-timeout", "30", "--json")


@dataclass
class Seen:
    """What the three commands said of one state of the fleet, by machine."""

    words: dict[str, str]
    observers: set[str | None]
    own: dict[str, str]
    reasons: dict[str, str | None]
    causes: dict[str, str]
    commands: dict[str, str | None]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    with (
        WinFleet((FRESH, BLIND)) as fleet,
        job_on(fleet, tmp_path_factory.mktemp("windows"), timeout_ms=TIMEOUT_MS) as job,
    ):
        for host in fleet:
            speed(host, FAST)
        answer = job.run("rollout", "--limit", "enroll")
        assert answer.code == 0, str(answer)
        yield job


@pytest.fixture
def hosts(job: Job) -> Iterator[tuple[OnWindows, OnWindows]]:
    """The two hosts, as they are before anything is done to them, and put right again afterwards."""
    both = on(job, FIRST), on(job, BLIND_ONE)
    yield both
    for host in both:
        speed(host.host, FAST)
        host.host.mend()
    beaten = {host.machine_id: sequence(job.shared, host.machine_id) for host in both}
    wait_for(
        "both to be seen to beat again",
        lambda: all(sequence(job.shared, name) > number for name, number in beaten.items()),
        120,
    )


def until_seen(job: Job, wanted: set[tuple[str, str | None]]) -> Seen:
    """Ask the matrix until it finds what is `wanted`, and nothing else, and then the others, each by its schema.

    Beats that are late on a busy computer pass.
    """
    found: list[Any] = []

    def is_so() -> bool:
        found.append(schemas.of("matrix").validate_json(job.run("matrix", *PATIENT).out))
        return {(one["kind"], one["machineId"]) for one in found[-1]["findings"]} == wanted

    wait_for(f"{wanted} to be found", is_so, 120)
    judged: Any = schemas.of("validate").validate_json(job.run("validate", "--probe", *PATIENT).out)
    diagnosed: Any = schemas.of("diagnose").validate_json(job.run("diagnose", *PATIENT).out)
    return Seen(
        {one["machineId"]: one["word"] for one in found[-1]["machines"]},
        {one["observer"] for one in found[-1]["observers"]},
        {one["machineId"]: one["own"]["word"] for one in judged["machines"]},
        {one["machineId"]: one["reasonKind"] for one in judged["machines"]},
        {one["machineId"]: one["cause"] for one in diagnosed["machines"]},
        {one["machineId"]: one["command"] for one in diagnosed["machines"]},
    )


def cause_of(job: Job, name: str) -> str:
    (row,) = job.run("diagnose", name, *PATIENT).document["machines"]
    return str(row["cause"])


def shares(job: Job, *names: str, seconds: int = 0) -> dict[str, Any]:
    words = ("--via", ",".join(names), "--seconds", str(seconds), "--connect-timeout", "30", "--json")
    answer = roosync_ops("verify-share", "--inventory", job.inventory, *words)
    assert "error" not in answer.document, answer
    document: dict[str, Any] = schemas.of("verify-share").validate_python(answer.document)
    return document


def test_a_fleet_that_is_well_is_seen_so_though_one_session_of_ssh_sees_no_drive(job: Job) -> None:
    seen = until_seen(job, set())
    assert {seen.words[name] for name in (FIRST, BLIND_ONE, OF_THE_LAB)} == {"alive"}
    assert seen.observers == {None, FIRST, BLIND_ONE, OF_THE_LAB}
    assert {seen.causes[name] for name in (FIRST, BLIND_ONE, OF_THE_LAB)} == {"well"}
    assert {seen.causes[name] for name in ("myia-ai-01", "myia-po-2026")} == {"expected-off"}


def test_shares_are_measured_where_the_drive_is_and_nothing_is_left(job: Job) -> None:
    document = shares(job, FIRST, BLIND_ONE, seconds=12)
    for machine in document["machines"]:
        assert machine["code"] is None, machine
        verdicts = {one["name"]: one["verdict"] for one in machine["traits"]}
        assert (verdicts["replace"], verdicts["names"], verdicts["locks"]) == ("good", "good", "good"), machine
    ways = {(one["source"], one["observer"]) for one in document["propagation"]}
    assert ways == {(name, to) for name in (FIRST, BLIND_ONE, OF_THE_LAB) for to in (FIRST, BLIND_ONE) if name != to}
    for name in (FIRST, BLIND_ONE):
        host = on(job, name)
        assert list(host.host.share.glob(".roosync-verify-*")) == []
        assert not [path for path in host.changed() if "measure-" in path]


def test_an_agent_that_was_killed_and_a_user_who_is_not_logged_on(job: Job, hosts: tuple[OnWindows, OnWindows]) -> None:
    first, blind = hosts
    speed(first.host, SLOW)
    first.kill_agent(first.agent("status")["pid"])
    blind.host.logoff()
    seen = until_seen(job, {("agent-gone", FIRST), ("agent-gone", BLIND_ONE)})
    assert (seen.words[FIRST], seen.own[FIRST], seen.reasons[FIRST]) == ("gone", "gone", "agent-gone")
    assert (seen.words[BLIND_ONE], seen.words[OF_THE_LAB]) == ("gone", "alive")
    assert (seen.causes[FIRST], seen.causes[BLIND_ONE]) == ("agent-dead", "no-logon-session")
    assert str(seen.commands[FIRST]).startswith(f"roosync-ops restart {FIRST}")
    assert str(seen.commands[BLIND_ONE]).startswith(f"roosync-ops diagnose {BLIND_ONE}")
    (share,) = shares(job, BLIND_ONE)["machines"]
    assert share["code"] == "NO_LOGON_SESSION", share
    fixed = job.run("diagnose", FIRST, "--fix", *PATIENT).document
    assert [(one["fix"], one["machineId"], one["done"]) for one in fixed["fixes"]] == [("restart", FIRST, True)]
    wait_for("it to be well", lambda: cause_of(job, FIRST) == "well", 120)


def test_a_record_that_is_held_and_a_drive_that_is_not_mounted(job: Job, hosts: tuple[OnWindows, OnWindows]) -> None:
    first, blind = hosts
    blind.host.unmap_drive()
    with first.host.hold(f"{first.host.shared}/heartbeats/{FIRST}.json"):
        for host in hosts:
            wait_for("the agent to notice", lambda host=host: host.agent("status")["share"]["state"] != "ok")  # type: ignore[misc]  # a bound default
        seen = until_seen(job, {("share-stuck", FIRST), ("share-stuck", BLIND_ONE)})
    assert {seen.words[name] for name in (FIRST, BLIND_ONE)} == {"stuck"}
    assert {seen.own[name] for name in (FIRST, BLIND_ONE)} == {"stuck"}
    assert (seen.causes[FIRST], seen.causes[BLIND_ONE]) == ("share-refused", "drive-not-mounted")
    (share,) = shares(job, BLIND_ONE)["machines"]
    assert share["code"] == "DRIVE_NOT_MOUNTED", share
