"""One control group per host: the only handle that reaches every process of a host, at once and without a name."""

import contextlib
import os
from pathlib import Path

from tests.kits.hosts import wait_for

ROOT = Path("/sys/fs/cgroup")


def hierarchies() -> list[Path]:
    """Return every hierarchy in which nspawn makes groups; the last is the unified one (version 2)."""
    unified = ROOT / "unified"
    return [ROOT / "systemd", unified] if (unified / "cgroup.procs").exists() else [ROOT]


class Cgroup:
    """The group `nslab-<slot>/<host>` in every hierarchy, or with no host the group of the whole fleet."""

    def __init__(self, *names: str) -> None:
        self.paths = [hierarchy.joinpath(*names) for hierarchy in hierarchies()]

    @property
    def unified(self) -> Path:
        return self.paths[-1]

    def renew(self) -> None:
        """Make the group anew and empty: one that nspawn left sub-groups in may refuse processes of its own."""
        self.remove()
        for path in self.paths:
            path.mkdir(parents=True)

    def freeze(self, frozen: bool, sub: str) -> None:
        _write(self.unified / sub / "cgroup.freeze", "1" if frozen else "0")
        word = f"frozen {int(frozen)}"
        events = self.unified / sub / "cgroup.events"
        wait_for(f"{events}: {word}", lambda: word in _read(events))

    def first(self, sub: str) -> int | None:
        """Return the lowest process id in a sub-group, or None where there is none."""
        ids = sorted(int(line) for line in _read(self.unified / sub / "cgroup.procs").split())
        return ids[0] if ids else None

    def kill(self) -> None:
        """Kill every process of the group at the same instant, frozen ones too, and wait until they are gone."""
        if not self.unified.is_dir():
            return
        _write(self.unified / "cgroup.kill", "1")
        events = self.unified / "cgroup.events"
        wait_for(f"{self.unified.name} to be empty", lambda: "populated 1" not in _read(events), every=0.01)

    def remove(self) -> None:
        for path in self.paths:
            for folder, _, _ in os.walk(path, topdown=False):
                with contextlib.suppress(FileNotFoundError):
                    Path(folder).rmdir()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:  # ENOENT, or ENODEV for a group that goes while it is read
        return ""


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii")
