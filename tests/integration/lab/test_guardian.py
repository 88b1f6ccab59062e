from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab import guardian
from roosync_ops.lab.guardian import guarded
from tests.kits.hosts import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def mark() -> Iterator[str]:
    """A mark of this test's own, and nothing left that carries it."""
    value = f"{guardian.LAB_VARIABLE}=test-{os.getpid()}-{time.monotonic_ns()}"
    yield value
    guardian.end_marked(value)


def _sleeper(mark: str) -> subprocess.Popen[bytes]:
    name, value = mark.split("=")
    environment = {"PATH": os.environ["PATH"], name: value}
    child = subprocess.Popen(["sleep", "600"], env=environment, start_new_session=True)
    wait_for("its mark", lambda: child.pid in guardian.marked_processes(mark))
    return child


def test_processes_are_known_by_their_mark_and_by_nothing_else(mark: str) -> None:
    ours, other = _sleeper(mark), _sleeper(f"{mark}-of-another-lab")
    try:
        assert guardian.marked_processes(mark) == [ours.pid]
        assert guardian.end_marked(mark)
        assert ours.wait() == -9
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_every_mark_must_be_there(mark: str) -> None:
    child = _sleeper(mark)
    assert guardian.marked_processes(mark, "ROOSYNC_LAB_HOSTNAME=another") == []
    guardian.end_marked(mark)
    child.wait()


def test_ending_returns_soon_where_there_is_nothing_to_end(mark: str) -> None:
    began = time.monotonic()
    assert guardian.end_marked(mark)
    assert time.monotonic() - began < 30


def test_a_folder_is_removed_without_following_links_out_of_it(tmp_path: Path) -> None:
    outside, lab = tmp_path / "outside", tmp_path / "lab"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (lab / "home").mkdir(parents=True)
    (lab / "home" / "link").symlink_to(outside)
    (lab / "link").symlink_to(outside)
    assert guardian.remove_folder(lab)
    assert (outside / "precious").exists()


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "lab").symlink_to(outside)
    assert not guardian.remove_folder(tmp_path / "lab", patience_s=0.1)
    assert outside.exists()


def test_a_folder_that_is_gone_already_counts_as_removed(tmp_path: Path) -> None:
    assert guardian.remove_folder(tmp_path / "gone")


def test_leaving_the_guarded_block_ends_the_processes_and_removes_the_folder(tmp_path: Path, mark: str) -> None:
    with guarded(mark.split("=")[1], tmp_path) as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
        child = _sleeper(mark)
        assert child.poll() is None
    assert child.wait() == -9
    assert list(tmp_path.iterdir()) == []


def test_where_no_folder_can_be_made_there_is_no_lab(tmp_path: Path, mark: str) -> None:
    with pytest.raises(OSError, match="nowhere"), guarded(mark.split("=")[1], tmp_path / "nowhere"):
        pass


HOLDER = """
import os, subprocess, sys, time
from pathlib import Path
from roosync_ops.lab.guardian import guarded
parent, lab_id = Path(sys.argv[1]), sys.argv[2]
with guarded(lab_id, parent):
    env = {"PATH": os.environ["PATH"], "ROOSYNC_LAB": lab_id}
    subprocess.Popen(["sleep", "600"], env=env, start_new_session=True)
    print("up", flush=True)
    time.sleep(600)
"""


def _holder(folder: Path, mark: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", HOLDER, str(folder), mark.split("=")[1]]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_the_guardian_cleans_up_after_a_holder_that_was_killed(tmp_path: Path, mark: str) -> None:
    with _holder(tmp_path, mark) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        wait_for("its child", lambda: len(guardian.marked_processes(mark)) == 1)
        assert len(list(tmp_path.iterdir())) == 1
        holder.kill()
    wait_for("an empty folder", lambda: not list(tmp_path.iterdir()))
    wait_for("the end of all", lambda: guardian.marked_processes(mark) == [])


def test_there_is_no_instant_of_the_start_at_which_a_kill_leaves_the_folder(tmp_path: Path, mark: str) -> None:
    """Each holder is killed as soon as its guardian has made a folder, and mostly before it has heard of it."""
    for _ in range(5):
        with _holder(tmp_path, mark) as holder:
            wait_for("its folder", lambda: list(tmp_path.iterdir()))
            holder.kill()
        wait_for("an empty folder", lambda: not list(tmp_path.iterdir()))
