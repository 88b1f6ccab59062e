"""The agent as it is shipped, in real processes on this computer, in folders of the test's own."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.agent.builds import named_builds
from roosync_ops.remote_script import bundle
from tests.kits.hosts import PATIENCE_S


class Agent:
    """One machine's agent on this computer. What it starts ends with the test."""

    def __init__(
        self, pyz: Path, root: Path, shared: Path, machine_id: str = "m1", python: str = sys.executable
    ) -> None:
        self.shared = shared
        self.local = root / "local dir"
        self.machine_id = machine_id
        self.own = shared / "heartbeats" / f"{machine_id}.json"
        self._command = [python, str(pyz)]
        self._where = ["--shared", str(shared), "--local-dir", str(self.local), "--machine-id", machine_id, "--json"]
        self._running: list[subprocess.Popen[bytes]] = []

    def line(self, verb: str, *words: str) -> list[str]:
        return [*self._command, verb, *self._where, *words]

    def __call__(self, verb: str, *words: str, code: int = 0) -> Any:
        done = subprocess.run(self.line(verb, *words), capture_output=True, check=False, timeout=PATIENCE_S)
        assert done.returncode == code, done
        return json.loads(done.stdout)

    def run(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `run` in the foreground of a process of ours."""
        process = subprocess.Popen(self.line("run", *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._running.append(process)
        return process

    def record(self) -> Any:
        return json.loads(self.own.read_bytes())

    def sequence(self) -> int:
        """The sequence in the share, 0 while there is no file."""
        try:
            return int(self.record()["agent"]["sequence"])
        except FileNotFoundError:
            return 0

    @property
    def folder(self) -> Path:
        (folder,) = self.local.glob(f"{self.machine_id}-*")
        return folder

    def supervisor(self) -> int:
        return int((self.folder / "supervisor").read_text().split()[0])

    def end(self) -> None:
        for process in self._running:
            process.kill()
            process.communicate()
        if self.local.is_dir():
            subprocess.run(self.line("stop", "--no-save-state"), capture_output=True, check=False, timeout=PATIENCE_S)


def a_build(path: Path, name: str, old: str, new: str) -> bundle.Bundle:
    """Build another agent into `path`: one in whose source `name`, as it travels, the first `old` is `new`."""
    with zipfile.ZipFile(io.BytesIO(bundle.build().data)) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist() if entry.startswith("roosync_ops/")}
    assert old.encode() in files[name]
    files[name] = files[name].replace(old.encode(), new.encode(), 1)
    with tempfile.TemporaryDirectory() as cache, pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "_raw", lambda: files)
        patch.setattr(bundle, "_stripped", dict)
        return bundle.build(path, cache=Path(cache))


def current(local_dir: Path) -> Path:
    """Return the file of the build that is to run from there."""
    return local_dir / named_builds(str(local_dir))[0]


def alive(pid: int) -> bool:
    """Tell whether a process is there and is no zombie."""
    try:
        return b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    os.kill(pid, number)


def fill(path: Path) -> None:
    """Grow a file until its file system is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
