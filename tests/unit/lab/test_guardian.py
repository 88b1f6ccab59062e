from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab import guardian
from roosync_ops.lab.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
    _until(lambda: child.pid in guardian.marked_processes(mark))
    return child


def _until(holds: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


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
    assert time.monotonic() - began < 5


def test_a_folder_without_the_labs_mark_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    assert not guardian.remove_folder(tmp_path, "lab")
    (tmp_path / guardian.MARK_FILE).write_text("another")
    assert not guardian.remove_folder(tmp_path, "lab")
    assert (tmp_path / "precious").exists()


def test_the_labs_folder_is_removed_without_following_links_out_of_it(tmp_path: Path) -> None:
    outside, lab = tmp_path / "outside", tmp_path / "lab"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (lab / "home").mkdir(parents=True)
    (lab / "home" / "link").symlink_to(outside)
    (lab / "link").symlink_to(outside)
    (lab / guardian.MARK_FILE).write_text("lab")
    assert guardian.remove_folder(lab, "lab")
    assert not lab.exists()
    assert (outside / "precious").exists()


def test_a_folder_that_is_gone_already_counts_as_removed(tmp_path: Path) -> None:
    assert guardian.remove_folder(tmp_path / "gone", "lab")


def test_leaving_the_guarded_block_ends_the_processes_and_removes_the_folder(tmp_path: Path, mark: str) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    with Guard(mark.split("=")[1], lab):
        child = _sleeper(mark)
        assert child.poll() is None
    assert child.wait() == -9
    assert not lab.exists()


HOLDER = """
import os, subprocess, sys, time
from pathlib import Path
from roosync_ops.lab.guard import Guard
lab, lab_id = Path(sys.argv[1]), sys.argv[2]
with Guard(lab_id, lab):
    env = {"PATH": os.environ["PATH"], "ROOSYNC_LAB": lab_id}
    subprocess.Popen(["sleep", "600"], env=env, start_new_session=True)
    print("up", flush=True)
    time.sleep(600)
"""


def test_the_guardian_cleans_up_after_a_holder_that_was_killed(tmp_path: Path, mark: str) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    command = [sys.executable, "-c", HOLDER, str(lab), mark.split("=")[1]]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        _until(lambda: len(guardian.marked_processes(mark)) == 1)
        holder.kill()
    _until(lambda: not lab.exists())
    _until(lambda: guardian.marked_processes(mark) == [])


def test_where_there_is_no_proc_whole_words_of_the_process_list_count() -> None:
    listing = b"  10 /bin/sh A=1 ROOSYNC_LAB=x B=2\n 11 python ROOSYNC_LAB=xy\n\n"
    assert guardian.matching_rows(listing, {b"ROOSYNC_LAB=x"}) == [10]
