"""The rollout to real systemd hosts over OpenSSH that have nothing of the product on them, and that refuse it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.main_job import Job, play
from tests.integration.systemd.hosts import HOSTS, MOVING, ROOT, a_job, disks
from tests.kits.nslab import Fleet
from tests.kits.product import pyinfra, roosync_ops

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(600),  # the first run builds the bases
]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet(HOSTS) as fleet:
        yield fleet


@pytest.fixture
def job(fleet: Fleet, tmp_path: Path) -> Iterator[Job]:
    with a_job(fleet, tmp_path, "root") as job:
        yield job


@pytest.mark.parametrize("user", ["root", "fleet"], ids=["root-system-units", "user-lingering-units"])
def test_the_main_job(fleet: Fleet, tmp_path: Path, user: str) -> None:
    with a_job(fleet, tmp_path, user) as job:
        play(job, lambda: disks(fleet))


def test_a_fresh_fleet_is_all_unknown_and_not_unavailable(job: Job) -> None:
    answer = job.run("validate", "--json")
    assert answer.code == 1, str(answer)
    assert {row["observed"] for row in answer.document["machines"]} == {"unknown"}


def test_dry_writes_nothing_anywhere(fleet: Fleet, job: Job) -> None:
    before = disks(fleet)
    answer = job.run("rollout", "--dry")
    assert answer.code == 0, str(answer)
    assert disks(fleet) == before
    assert [path.name for path in fleet.share.iterdir()] == ["dashboards"]


def test_plain_pyinfra_runs_the_same_deploy(fleet: Fleet, job: Job) -> None:
    answer = pyinfra("-y", job.inventory, ROOT / "deploys" / "rollout.py", "--limit", "enroll", "--limit", "active")
    assert answer.code == 0, str(answer)
    assert job.run("validate", "--wait", "90").code == 0
    before = disks(fleet)
    again = pyinfra("-y", job.inventory, ROOT / "deploys" / "rollout.py", "--limit", "enroll", "--limit", "active")
    assert again.code == 0, str(again)
    assert disks(fleet) == before


def test_machines_whose_share_fails_are_refused_before_anything_is_put_on_them(fleet: Fleet, job: Job) -> None:
    read_only, gone, hung = fleet["myia-po-2023"], fleet["myia-po-2025"], fleet["myia-web1"]
    before = disks(fleet)
    read_only.share_ro()
    gone.share_gone()
    hung.share_hung()
    try:
        answer = job.run("rollout")
        assert answer.code == 1, str(answer)
    finally:
        read_only.share_rw()
        gone.share_back()
        hung.share_back()
    after = disks(fleet)
    assert {name for name in before if before[name] != after[name]} == {"myia-po-2024"}
    words = {row["machineId"]: row["observed"] for row in job.validate()["machines"] if row["expected"] == "online"}
    assert words == {"myia-po-2024": "online", read_only.name: "unknown", gone.name: "unknown", hung.name: "unknown"}


def test_a_machine_with_another_name_is_refused_before_anything_is_put_on_it(fleet: Fleet, job: Job) -> None:
    text = job.inventory.read_text("utf-8").replace("'myia-web1'", "'myia-web2'")
    job.inventory.write_text(text, "utf-8")
    before = fleet["myia-web1"].disk.files(*MOVING)
    answer = roosync_ops("rollout", "--inventory", job.inventory, "--shared", job.shared, "--limit", "myia-web2")
    assert answer.code == 1, str(answer)
    assert "myia-web1" in answer.out + answer.err
    assert fleet["myia-web1"].disk.files(*MOVING) == before
