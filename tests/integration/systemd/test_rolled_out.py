"""What befalls real systemd hosts that were rolled out to: upgrades, power cuts, machines that hang."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.main_job import Job
from tests.integration.systemd.hosts import HOSTS, a_job
from tests.kits.agent_process import a_build
from tests.kits.hosts import wait_for
from tests.kits.nslab import Fleet, Host
from tests.kits.product import record, sequence

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(600),  # the first run builds the bases
]
#: On a quiet machine 35 s: as long as a machine that was reached may be silent, and the others beside it.
BOUND_S = 150


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(HOSTS) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def job(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    with a_job(fleet, tmp_path_factory.mktemp("systemd"), "root") as job:
        yield job


@pytest.fixture
def rolled_out(fleet: Fleet, job: Job) -> Job:
    """The fleet as a rollout leaves it, whatever the test before did to it."""
    fleet.mend()
    job.put_right()
    return job


def test_machines_that_hang_or_cannot_be_reached_bound_the_rollout_and_stop_no_other(
    fleet: Fleet, rolled_out: Job
) -> None:
    """One hangs before the login, one hangs after it, one is cut off; the fourth is there to be enrolled again."""
    hanging, slow, island = fleet["myia-po-2023"], fleet["myia-po-2025"], fleet["myia-web1"]
    assert rolled_out.run("uninstall", "--limit", "myia-po-2024").code == 0
    hanging.hang()
    slow.run("mv", "/usr/bin/python3", "/usr/bin/python3.real")
    slow.run("sh", "-c", "printf '#!/bin/sh\\nsleep 3600\\n' >/usr/bin/python3; chmod 755 /usr/bin/python3")
    island.partition()
    wait_for("the hanging machine to be offline", lambda: rolled_out.observed(hanging.name) == "offline")
    try:
        answer = rolled_out.run("rollout", "--connect-timeout", "5")
        assert answer.code == 1, str(answer)
        assert answer.seconds < BOUND_S, str(answer)
        for host in (hanging, slow, island):
            assert host.name in answer.out + answer.err, str(answer)
        words = {row["machineId"]: row["observed"] for row in rolled_out.validate()["machines"]}
        assert words["myia-po-2024"] == "online"
        assert words[island.name] == words[slow.name] == "online", "the share still shows what SSH cannot reach"
        assert words[hanging.name] == "offline"
    finally:
        hanging.unhang()
        slow.run("mv", "/usr/bin/python3.real", "/usr/bin/python3")
        island.heal()
    again = rolled_out.run("rollout", "--limit", f"{hanging.name},{slow.name},{island.name}")
    assert again.code == 0, str(again)


def test_a_power_cut_loses_neither_the_machine_nor_its_sequence(fleet: Fleet, rolled_out: Job) -> None:
    host = fleet["myia-po-2024"]
    number = sequence(fleet.share, host.name)
    host.power_cut()
    assert record(fleet.share, host.name)["agent"]["state"] == "running"
    host.power_on()
    wait_for("a newer beat", lambda: sequence(fleet.share, host.name) > number)
    assert rolled_out.run("validate", "--wait", "90").code == 0


def lay(host: Host, tmp_path: Path, name: str, old: str, new: str) -> str:
    """Make another build the one to run on a host, as a rollout of it would; return its buildId."""
    built = a_build(tmp_path / "other.pyz", name, old, new)
    host.put(tmp_path / "other.pyz", f"/var/lib/roosync/{built.file_name}")
    host.run("sed", "-i", f"s/agent-[0-9a-f]*[.]pyz/{built.file_name}/g", "/var/lib/roosync/agent.pyz")
    return built.build_id


def test_an_upgrade_leaves_the_unit_as_it_was_and_a_stop_after_it_reads_as_left(
    fleet: Fleet, rolled_out: Job, tmp_path: Path
) -> None:
    name = "myia-po-2024"
    host, controller = fleet[name], next(host for host in rolled_out.controllers if host.machine_id == name)
    unit = host.run("cat", "/etc/systemd/system/roosync-heartbeat.service")
    assert '/agent.pyz" "run"' in unit
    old = lay(host, tmp_path, "roosync_ops/agent/answer.py", "import json", "import json\nOLD = 'a line more'")
    host.run("python3", "/var/lib/roosync/agent.pyz", "restart")
    assert controller.agent("status")["loopBuildId"] == old
    answer = rolled_out.run("rollout", "--limit", name)
    assert answer.code == 0, str(answer)
    assert controller.agent("status")["loopBuildId"] == controller.agent("status")["buildId"] != old
    assert host.run("cat", "/etc/systemd/system/roosync-heartbeat.service") == unit
    host.run("systemctl", "stop", "roosync-heartbeat.service")
    assert record(fleet.share, name)["agent"]["state"] == "left"


def test_a_build_that_cannot_be_imported_is_replaced_at_the_first_attempt(
    fleet: Fleet, rolled_out: Job, tmp_path: Path
) -> None:
    name = "myia-po-2024"
    host, number = fleet[name], sequence(fleet.share, name)
    lay(host, tmp_path, "roosync_ops/agent/main.py", "import sys", "import no_such_module, sys")
    host.run("systemctl", "kill", "-s", "KILL", "roosync-heartbeat.service")
    wait_for("systemd to try it", lambda: "no_such_module" in host.run("journalctl", "-u", "roosync-heartbeat"))
    answer = rolled_out.run("rollout", "--limit", name)
    assert answer.code == 0, str(answer)
    wait_for("a newer beat", lambda: sequence(fleet.share, name) > number)


def test_restart_is_another_process_that_goes_on_counting(fleet: Fleet, rolled_out: Job) -> None:
    name = "myia-po-2024"
    controller = next(host for host in rolled_out.controllers if host.machine_id == name)
    pid, number = controller.agent("status")["pid"], sequence(fleet.share, name)
    answer = rolled_out.run("restart", "--limit", name)
    assert answer.code == 0, str(answer)
    assert controller.agent("status")["pid"] not in (pid, None)
    wait_for("a newer beat", lambda: sequence(fleet.share, name) > number)
