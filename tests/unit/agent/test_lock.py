"""Our lock and filelock's are one lock, both ways; nothing is unlinked under a holder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from roosync_ops.agent.lock import Lock, is_held
from roosync_ops.agent.machine import process_start, signal_process


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "loop.lock")


def test_what_we_hold_filelock_cannot_take(path: str) -> None:
    ours = Lock(path)
    assert ours.acquire()
    with pytest.raises(Timeout):
        FileLock(path, timeout=0).acquire()
    ours.release()
    FileLock(path, timeout=0).acquire().lock.release()


def test_what_filelock_holds_we_cannot_take(path: str) -> None:
    ours = Lock(path)
    with FileLock(path, timeout=0):
        assert is_held(path)
        assert not ours.acquire(0.05)
    assert ours.acquire()
    ours.release()


def test_a_holder_in_another_process_is_respected_until_it_dies(path: str) -> None:
    code = (
        f"from filelock import FileLock; lock = FileLock({path!r}); lock.acquire(); print('held', flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert not Lock(path).acquire()
        other.kill()
    ours = Lock(path)
    assert ours.acquire(1)
    ours.release()


def test_asking_creates_nothing(tmp_path: Path, path: str) -> None:
    assert not is_held(path)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_on_an_unlinked_file_guards_nothing_and_is_not_believed(path: str) -> None:
    first = Lock(path)
    assert first.acquire()
    Path(path).unlink()
    second = Lock(path)
    assert second.acquire()
    assert is_held(path)
    second.release()
    first.release()


def test_a_link_in_the_locks_place_is_not_followed(tmp_path: Path, path: str) -> None:
    Path(path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        Lock(path).acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_a_pid_is_believed_only_with_its_start(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=tmp_path) as child:
        start = process_start(child.pid)
        signal_process(child.pid, "1", signal.SIGKILL)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.1)
        signal_process(child.pid, start, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    signal_process(child.pid, start, signal.SIGKILL)  # it has ended: nothing is said of it


@pytest.mark.parametrize("pid", [None, 0, 1, -1, True, "7"])
def test_what_is_no_pid_of_a_loop_is_never_signalled(pid: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "kill", pytest.fail)
    signal_process(pid, None, signal.SIGTERM)
