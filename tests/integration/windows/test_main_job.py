"""The main job on Windows-like hosts and a lab machine: 4/6 online, what breaks it, and nothing left behind."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.main_job import Job, come_back, fall_silent, leave, roll_out, survive, take_off
from tests.integration.windows.hosts import BLIND, FRESH, OnWindows, job_on, on, speed
from tests.kits.agent_process import current
from tests.kits.hosts import wait_for
from tests.kits.product import pyinfra, record, roosync_ops, sequence
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec

pytestmark = [
    pytest.mark.wine,
    pytest.mark.timeout(600),  # the first run builds the kit
]
ROOT = Path(__file__).parents[3]
#: A minute of the task service, in seconds here: its triggers come round once a minute.
MINUTE_S = 3.0
#: One as a fresh Python installation leaves it, one whose SSH sessions see no drive, one that has no drive at all.
HOSTS = (FRESH, BLIND, WinHostSpec("MyIA-Web1", drive=False))


@pytest.fixture(scope="module")
def fleet() -> Iterator[WinFleet]:
    with WinFleet(HOSTS) as fleet:
        for host in fleet:
            speed(host, 60 / MINUTE_S)
        yield fleet


@pytest.fixture(scope="module")
def job(fleet: WinFleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    with job_on(fleet, tmp_path_factory.mktemp("windows")) as job:
        yield job


@pytest.fixture
def rolled_out(job: Job) -> Job:
    """The fleet as a rollout leaves it, whatever the test before did to it."""
    job.put_right()
    return job


def test_dry_writes_nothing_on_any_machine(job: Job) -> None:
    answer = job.run("rollout", "--dry", "--limit", "enroll")
    assert answer.code == 0, str(answer)
    for host in job.controllers:
        assert isinstance(host, OnWindows)
        assert host.changed() == {}


def test_one_command_rolls_out_to_four_of_six_and_a_second_changes_nothing(job: Job) -> None:
    """Nor does it touch a file."""
    hosts = [host for host in job.controllers if isinstance(host, OnWindows)]
    roll_out(job, lambda: [still(host) for host in hosts])


def still(host: OnWindows) -> dict[str, str]:
    """What the product brought, but for what the beat itself writes: its notes beside the lock, and the share."""
    return {path: digest for path, digest in host.changed().items() if "roosync\\myia-" not in path.lower()}


def test_plain_pyinfra_runs_the_same_deploy(rolled_out: Job) -> None:
    answer = pyinfra("-y", rolled_out.inventory, ROOT / "deploys" / "verify.py", "--limit", "enroll")
    assert answer.code == 0, str(answer)


def test_the_state_is_read_through_a_windows_machine(rolled_out: Job) -> None:
    answer = roosync_ops("validate", "--inventory", rolled_out.inventory, "--via", "myia-po-2023", "--json")
    observed = {row["machineId"]: row["observed"] for row in answer.document["machines"]}
    assert observed["myia-po-2023"] == "online", str(answer)


def test_another_build_replaces_the_one_that_runs(rolled_out: Job) -> None:
    host = on(rolled_out, "myia-po-2024")
    pid, number = host.agent("status")["pid"], sequence(rolled_out.shared, host.machine_id)
    spoil(host.host)
    answer = rolled_out.run("rollout", "--limit", host.machine_id)
    assert answer.code == 0, str(answer)
    assert "push" in answer.out
    status = host.agent("status")
    assert status["running"]
    assert status["pid"] != pid
    assert status["loopBuildId"] == status["buildId"]
    assert sequence(rolled_out.shared, host.machine_id) > number


def spoil(host: WinHost) -> None:
    """Make the agent on a host another file than ours, as an older build would be."""
    profile = host.prefix / "drive_c" / "users" / host.spec.user
    agent = current(profile / "AppData" / "Local" / "roosync")
    agent.write_bytes(agent.read_bytes() + b"\0")


def test_a_record_that_another_process_holds_open_is_written_when_it_lets_go(rolled_out: Job) -> None:
    host = on(rolled_out, "myia-po-2024")
    own = f"{host.host.shared}/heartbeats/{host.machine_id}.json"
    with host.host.hold(own):
        wait_for("the agent to notice", lambda: host.agent("status")["share"]["state"] != "ok")
        number = record(host.host.share, host.machine_id)["agent"]["sequence"]
    wait_for("a newer beat", lambda: record(host.host.share, host.machine_id)["agent"]["sequence"] > number)
    assert host.agent("status")["share"]["state"] == "ok"


def test_a_drive_that_goes_and_comes_back_is_told_and_used_again(rolled_out: Job) -> None:
    host = on(rolled_out, "myia-po-2024")
    host.host.unmap_drive()
    try:
        wait_for("the share to be told missing", lambda: host.agent("status")["share"]["state"] == "missing")
        number = sequence(host.host.share, host.machine_id)
    finally:
        host.host.map_drive()
    wait_for("a newer beat", lambda: sequence(host.host.share, host.machine_id) > number)


def test_a_machine_where_nobody_is_logged_on_is_told_so(rolled_out: Job) -> None:
    host = on(rolled_out, "myia-po-2023")
    assert rolled_out.run("stop", "--limit", host.machine_id).code == 0
    host.host.logoff()
    try:
        answer = rolled_out.run("rollout", "--json", "--limit", host.machine_id)
        assert answer.code == 1, str(answer)
        assert "NO_LOGON_SESSION" in json.dumps(answer.document), str(answer)
    finally:
        host.host.logon()


def test_the_agent_survives_kills_reboots_and_stops_and_goes_without_a_trace(rolled_out: Job) -> None:
    first, last = on(rolled_out, "myia-po-2024"), on(rolled_out, "myia-web1")
    survive(rolled_out, first)
    come_back(rolled_out, first, first.machine_id)
    fall_silent(rolled_out, last, last.machine_id)
    leave(rolled_out, first)
    take_off(rolled_out)
