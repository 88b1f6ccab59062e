"""What is put under the share of a machine's processes, as the kernel itself behaves: no agent, milliseconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab.host import Nest
from tests.kits.fuse import hurry
from tests.kits.hosts import PATIENCE_S, child_process, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.mounts


@contextmanager
def _nest(home: Path) -> Iterator[Nest]:
    share = home / "Mon Drive" / "share"
    (share / "heartbeats").mkdir(parents=True)
    (share / "heartbeats" / "a.json").write_bytes(b"beat" * 2000)
    with Nest(home, share, "lab-of-a-test") as nest:
        nest.settle()
        if nest.problem:
            pytest.skip(f"no mounts of one's own here: {nest.problem}")
        yield nest


@pytest.fixture
def nest(tmp_path: Path) -> Iterator[Nest]:
    with _nest(tmp_path) as nest:
        yield nest


TRY = """
import errno, json, os, sys
def attempt(deed):
    try:
        deed()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "fine"
path = "Mon Drive/share/heartbeats/"
print(json.dumps([
    os.getcwd(), os.geteuid(),
    attempt(lambda: open(path + "a.json", "rb").read(8000)),
    attempt(lambda: open(path + "new.json", "wb").write(b"x" * 5000)),
    attempt(lambda: os.mkdir("Mon Drive/share/folder")),
]))
"""


def _tried(nest: Nest, command: tuple[str, ...] = (sys.executable, "-I", "-S", "-c", TRY)) -> list[object]:
    done = subprocess.run(nest.inside(command), capture_output=True, check=True, timeout=PATIENCE_S)
    tried: list[object] = json.loads(done.stdout)
    return tried


def _mounts(home: Path) -> list[str]:
    """Return what of a nest's home is mounted where everybody sees it: other tests have mounts of their own."""
    return [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(home) in line]


def test_a_process_inside_is_at_home_and_the_same_user(nest: Nest, tmp_path: Path) -> None:
    assert _tried(nest) == [str(tmp_path), os.geteuid(), "fine", "fine", "fine"]


@pytest.mark.parametrize(("kind", "error"), [("read-only", "EROFS"), ("full", "ENOSPC")])
def test_writes_are_refused_inside_alone_and_reads_go_on(nest: Nest, tmp_path: Path, kind: str, error: str) -> None:
    nest.cover(kind)
    assert _tried(nest)[2:] == ["fine", error, error]
    (tmp_path / "Mon Drive" / "share" / "outside").write_bytes(b"x")
    nest.uncover()
    assert _tried(nest)[2:] == ["fine", "fine", "fine"]
    assert (tmp_path / "Mon Drive" / "share" / "outside").exists()


@pytest.mark.fuse
def test_a_call_on_a_share_that_hangs_blocks_in_the_kernel_until_it_ends(nest: Nest, tmp_path: Path) -> None:
    nest.cover("hang")
    share = tmp_path / "Mon Drive" / "share"
    with child_process(nest.inside(["cat", f"{share}/heartbeats/a.json"]), stderr=subprocess.DEVNULL) as blocked:
        wait_for("it to hang", lambda: "fuse" in Path(f"/proc/{blocked.pid}/wchan").read_text())
        assert blocked.poll() is None
        assert (share / "heartbeats" / "a.json").read_bytes()[:4] == b"beat", "nobody else hangs"
        assert _mounts(tmp_path) == []
        nest.uncover()
        assert blocked.wait(PATIENCE_S) == 1
    assert _tried(nest)[2] == "fine"


TOUCH_S, COLD_S = 2.0, 7.0
TOUCHES = """
import json, os, sys, time
share = sys.argv[1]
def timed(deed):
    began = time.monotonic()
    return [deed(), time.monotonic() - began]
def write():
    with open(share + "/heartbeats/.a.tmp", "wb") as file:
        file.write(b"new" * 5000)
    os.replace(share + "/heartbeats/.a.tmp", share + "/heartbeats/a.json")
    return os.path.getsize(share + "/heartbeats/a.json")
print(json.dumps([
    timed(lambda: sorted(os.listdir(share))),
    timed(lambda: len(open(share + "/heartbeats/a.json", "rb").read())),
    timed(write),
    timed(lambda: sorted(os.listdir(share + "/heartbeats"))),
]))
"""


@pytest.mark.fuse
def test_each_touch_of_a_cold_share_is_late_for_its_first_minute_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, TOUCH_S, COLD_S)
    with _nest(tmp_path) as nest:
        nest.cover("cold")
        began = time.monotonic()
        share = tmp_path / "Mon Drive" / "share"
        done = subprocess.run(
            nest.inside([sys.executable, "-IS", "-c", TOUCHES, str(share)]),
            capture_output=True,
            check=True,
            timeout=PATIENCE_S,
        )
        listed, read, wrote, after = json.loads(done.stdout)
        assert [listed[0], read[0], wrote[0], after[0]] == [["heartbeats"], 8000, 15_000, ["a.json"]]
        assert listed[1] >= TOUCH_S
        assert read[1] >= TOUCH_S
        assert wrote[1] >= TOUCH_S
        assert time.monotonic() - began >= COLD_S
        assert after[1] < TOUCH_S, "it is warm"
        assert (share / "heartbeats" / "a.json").read_bytes() == b"new" * 5000
        assert _tried(nest)[2:] == ["fine", "fine", "fine"]
        nest.uncover()
        assert _tried(nest)[2] == "fine"


@pytest.mark.fuse
def test_touches_of_a_cold_share_wait_beside_each_other_and_its_end_frees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, 4.0, 600.0)
    with _nest(tmp_path) as nest:
        nest.cover("cold")
        share = tmp_path / "Mon Drive" / "share"
        began = time.monotonic()
        lines = [["cat", f"{share}/heartbeats/a.json"], ["ls", str(share)], ["touch", f"{share}/new"]] * 3
        touches = [subprocess.Popen(nest.inside(line), stdout=subprocess.PIPE) for line in lines]
        said = [touch.communicate(timeout=PATIENCE_S)[0] for touch in touches]
        assert [touch.returncode for touch in touches] == [0] * 9
        assert 4.0 <= time.monotonic() - began < 4.0 * 9
        assert said[0].startswith(b"beat")
        assert (share / "new").exists()
        with child_process(nest.inside(["ls", str(share)]), stderr=subprocess.DEVNULL) as waiting:
            wait_for("it to wait", lambda: "wait" in Path(f"/proc/{waiting.pid}/wchan").read_text())
            nest.uncover()
            waiting.wait(PATIENCE_S)
        assert _tried(nest)[2] == "fine"


@pytest.mark.fuse
def test_who_hangs_can_be_killed_and_the_end_of_the_nest_frees_the_rest(tmp_path: Path) -> None:
    with _nest(tmp_path) as nest:
        nest.cover("hang")
        touch = nest.inside(["ls", str(tmp_path / "Mon Drive" / "share")])
        killed, freed = (subprocess.Popen(touch, stderr=subprocess.DEVNULL) for _ in range(2))
        for process in (killed, freed):
            wait_for("it to hang", lambda pid=process.pid: "fuse" in Path(f"/proc/{pid}/wchan").read_text())  # type: ignore[misc]
        killed.kill()
        assert killed.wait(PATIENCE_S) == -9
    assert freed.wait(PATIENCE_S) == 2
    assert _mounts(tmp_path) == []


def test_one_cover_at_a_time(nest: Nest) -> None:
    nest.cover("full")
    with pytest.raises(OSError, match="covered already"):
        nest.cover("hang")


UNPRIVILEGED = """
import json, pathlib, subprocess, sys
from roosync_ops.lab.host import Nest
home = pathlib.Path(sys.argv[1]); share = home / "s"; share.mkdir()
with Nest(home, share, "x") as nest:
    nest.settle()
    assert not nest.problem, nest.problem
    assert "-U" in nest._spaces
    said = []
    for kind in ("read-only", "full"):
        nest.cover(kind)
        done = subprocess.run(nest.inside(["touch", str(share / "f")]), capture_output=True, text=True)
        said.append(done.stderr.strip().rpartition(": ")[2])
        nest.uncover()
    nest.cover("hang")
    with subprocess.Popen(nest.inside(["ls", str(share)]), stderr=subprocess.DEVNULL) as blocked:
        try:
            blocked.wait(0.3)
        except subprocess.TimeoutExpired:
            said.append("blocked")
        nest.uncover()
print(json.dumps(said))
"""


@pytest.mark.root
def test_it_takes_no_privilege_but_a_fuse_device_that_may_be_opened(tmp_path: Path) -> None:
    """Without CAP_SYS_ADMIN, as any user: in a user name space."""
    done = subprocess.run(
        ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", sys.executable, "-c", UNPRIVILEGED, tmp_path],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["Read-only file system", "No space left on device", "blocked"]
