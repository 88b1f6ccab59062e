"""How long a command takes, and whose processor time it was: the admin machine's or the simulated machines'."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ROOTS = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))


@dataclass(frozen=True)
class Sample:
    """One timed command. Seconds; the two processor times are None where no control groups could be made."""

    wall_s: float
    admin_cpu_s: float | None
    hosts_cpu_s: float | None
    returncode: int
    output: str


class Meter:
    """Two control groups, one for the machines' servers and one for the command that is timed."""

    def __init__(self) -> None:
        self._hosts = _make_group("hosts")
        self._admin = _make_group("admin")

    def attach(self, server_pids: Iterable[int]) -> None:
        """Count these processes, and whatever they start from now on, as the machines'."""
        if self._hosts is not None:
            for pid in server_pids:
                (self._hosts / "cgroup.procs").write_text(str(pid))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for group in (self._hosts, self._admin):
            if group is not None:
                _remove_group(group)

    def time(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Sample:
        """Run `command` as a cold process and return what it took; its output is kept, both streams together."""
        admin, hosts = _cpu_s(self._admin), _cpu_s(self._hosts)
        before = time.perf_counter()
        process = subprocess.Popen(
            _inside(self._admin, command),
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to pass on, once
        )
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(10)
            raise
        wall = time.perf_counter() - before
        return Sample(
            wall,
            _difference(_cpu_s(self._admin), admin),
            _difference(_cpu_s(self._hosts), hosts),
            process.returncode,
            output.decode(errors="replace"),
        )


def _inside(group: Path | None, command: Sequence[str]) -> list[str]:
    """Let the command enter the group itself, before its first instruction: a pid written later misses a part."""
    if group is None:
        return list(command)
    return ["/bin/sh", "-c", 'echo $$ > "$0"; exec "$@"', str(group / "cgroup.procs"), *command]


def _make_group(name: str) -> Path | None:
    for root in _ROOTS:
        if (root / "cgroup.procs").exists():
            group = root / f"roosync-benchmark-{os.getpid()}-{name}"
            with suppress(OSError):
                group.mkdir()
                return group
    return None


def _remove_group(group: Path) -> None:
    """End whatever is left in a group, such as the masters that ssh leaves behind, and remove it."""
    (group / "cgroup.kill").write_text("1")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return


def _cpu_s(group: Path | None) -> float | None:
    if group is None:
        return None
    first = (group / "cpu.stat").read_text().split("\n", 1)[0]
    return int(first.split()[1]) / 1e6


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
