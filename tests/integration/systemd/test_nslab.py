"""The kit's own promises: what its faults do, and that nothing stays of it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kits.hosts import child_process, wait_for
from tests.kits.nslab import SHARED, SUITES, Fleet, Host, HostSpec
from tests.kits.nslab.slot import Slot, sweep_left_overs

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(600),  # the first run builds the bases
]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet([HostSpec(f"kit-{suite}", suite) for suite in SUITES]) as fleet:
        yield fleet


@pytest.fixture
def host(fleet: Fleet) -> Host:
    return fleet["kit-bookworm"]


def fails(host: Host, command: str, seconds: float = 60) -> str:
    """Return what a command that must fail says; a client that never answers is a failure as well."""
    try:
        done = host.ssh(command, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "no answer"
    assert done.returncode != 0
    return done.stderr.strip()


def runs(pid: str) -> bool:
    """Tell whether a process runs; an ended one that its parent has not asked about yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("suite", "python"), SUITES.items())
def test_each_suite_runs_its_python_under_a_settled_systemd(fleet: Fleet, suite: str, python: str) -> None:
    host = fleet[f"kit-{suite}"]
    said = host.ssh("hostname; python3 --version; systemctl is-system-running", user="fleet").stdout.split()
    assert said[0] == host.name
    assert said[2].rpartition(".")[0] == python
    assert said[3] == "running"


def test_a_reboot_and_a_power_cut_give_another_boot_with_the_same_disk(host: Host) -> None:
    boots = [host.boot_id]
    host.ssh("echo kept >/root/kept")
    host.reboot()
    boots.append(host.boot_id)
    host.power_cut()
    assert not host.is_on
    host.power_on()
    host.wait_ready()
    boots.append(host.boot_id)
    assert len(set(boots)) == 3
    assert host.ssh("cat /root/kept").stdout == "kept\n"
    assert "/root/kept" in host.disk.files()
    assert "/root/kept" not in host.disk.files("^/root/")


def test_a_host_powered_off_is_off_until_it_is_powered_on(host: Host) -> None:
    host.power_off()
    assert not host.is_on
    host.power_on()
    assert host.wait_ready() == "running"


def test_a_partitioned_host_cannot_be_reached_and_still_has_the_share(fleet: Fleet, host: Host) -> None:
    host.partition()
    try:
        assert "timed out" in fails(host, "true")
        host.run("touch", f"{SHARED}/from-the-island")
        assert (fleet.share / "from-the-island").exists()
    finally:
        host.heal()
    assert host.ssh("echo back").stdout == "back\n"


def test_a_hanging_host_accepts_and_never_answers(host: Host) -> None:
    host.hang()
    try:
        assert "banner" in fails(host, "true")
    finally:
        host.unhang()
    assert host.ssh("echo back").stdout == "back\n"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param("share_ro", "Read-only file system", id="read-only"),
        pytest.param("share_gone", "No such file or directory", id="gone"),
        pytest.param("share_full", "No space left", id="full"),
        pytest.param("share_hung", "no answer", id="hung"),
    ],
)
def test_a_fault_of_the_share_is_one_hosts_alone_and_ends(fleet: Fleet, host: Host, fault: str, says: str) -> None:
    write = f"echo 1 >{SHARED}/probe"
    getattr(host, fault)()
    try:
        assert says in fails(host, write, 5 if fault == "share_hung" else 60)
        fleet["kit-trixie"].ssh(write)
    finally:
        host.share_rw() if fault == "share_ro" else host.share_back()
    host.ssh(write)


def test_a_killed_test_run_leaves_nothing_on_the_machine() -> None:
    """SIGKILL at the owner of a running fleet: its hosts, mounts, bridge, groups and disks go by themselves."""
    script = (
        "from tests.kits.nslab import *\nimport time\n"
        "with Fleet([HostSpec('kit-orphan')]) as fleet:\n"
        "    print(fleet.folder, fleet['kit-orphan'].pid1, flush=True)\n    time.sleep(60)\n"
    )
    with child_process((sys.executable, "-c", script), stdout=subprocess.PIPE, text=True, cwd=ROOT) as owner:
        assert owner.stdout is not None
        folder, pid1 = owner.stdout.readline().split()
        owner.send_signal(signal.SIGKILL)
    wait_for("the orphan's disk to go", lambda: not Path(folder).exists())
    assert not runs(pid1)
    assert folder not in Path("/proc/self/mountinfo").read_text("utf-8")
    slot = wait_for("the slot to be free", lambda: Slot.try_hold(int(Path(folder).name)))
    assert slot.folder is None
    assert not Path("/sys/class/net", slot.bridge).exists()
    slot.release()


def test_a_slot_that_even_the_janitor_left_is_swept_by_the_next_fleet() -> None:
    slot = Slot.acquire()
    number, folder = slot.number, slot.folder
    assert folder is not None
    (folder / "mounted").mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "tmpfs", str(folder / "mounted")), check=True)
    slot.release()
    assert number in sweep_left_overs()
    assert not folder.exists()
    assert not Path("/sys/class/net", slot.bridge).exists()


def test_two_fleets_stand_side_by_side(fleet: Fleet) -> None:
    with Fleet([HostSpec("kit-bookworm")]) as other:
        assert other["kit-bookworm"].address != fleet["kit-bookworm"].address
        assert other["kit-bookworm"].share.samefile(other.share)
        assert not other.share.samefile(fleet.share)
