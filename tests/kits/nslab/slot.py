"""A slot: the number from which everything a fleet puts on this machine is named, so that it can all be found again.

Slot 12 is the network 10.77.12.0/24, the bridge `br-nslab12`, the control group `nslab-12`, the machines `nslab12-<n>`
and one folder. Its lock says that somebody lives there, and its text where that folder is: a slot whose lock is free
but whose text is there was left by a crash, and is swept.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.kits.hosts import CommandError, sh

from . import base
from .cgroup import Cgroup
from .mounts import remove_tree

#: Machine-wide, as bridges and groups are; and gone after a reboot, as they are.
LOCKS = Path("/run/roosync-ops-nslab")
NSPAWN = Path("/run/systemd/nspawn")
NUMBERS = range(1, 251)


class Slot:
    """One number, held while `descriptor` (a locked file, shared with whoever inherits it) is open anywhere."""

    def __init__(self, number: int, descriptor: int) -> None:
        self.number = number
        self.descriptor = descriptor
        self.network = f"10.77.{number}"
        self.bridge = f"br-nslab{number}"
        self.group = f"nslab-{number}"

    @classmethod
    def acquire(cls) -> Self:
        """Sweep what crashed fleets left, then hold the first free slot, with a folder and a bridge."""
        sweep_left_overs()
        for number in NUMBERS:
            slot = cls.try_hold(number)
            if slot is None:
                continue
            if not _is_link(slot.bridge):
                slot._move_in()
                return slot
            slot.release()
        raise CommandError(f"no free slot for a fleet: see {LOCKS}")

    @classmethod
    def try_hold(cls, number: int) -> Self | None:
        LOCKS.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(LOCKS / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(number, descriptor)

    @property
    def folder(self) -> Path | None:
        """Where this slot's fleet has its disks; None where no fleet lives in it."""
        text = os.pread(self.descriptor, 4096, 0).decode()
        return Path(text) if text else None

    def machine(self, octet: int) -> str:
        return f"nslab{self.number}-{octet}"

    def veth(self, octet: int) -> str:
        """Return nspawn's name for the near end of a host's cable (15 characters at most)."""
        return f"vb-{self.machine(octet)}"

    def sweep(self) -> None:
        """Take away everything this slot's fleet put on the machine: processes, mounts, bridge, groups, disks."""
        folder = self.folder
        if folder is None:
            return
        group = Cgroup(self.group)
        group.kill()
        # a cable stays where a console command outlived its host
        for link in (self.bridge, *self._cables()):
            if _is_link(link):
                sh("ip", "link", "delete", link)
        group.remove()
        self._sweep_nspawn()
        remove_tree(folder)
        os.ftruncate(self.descriptor, 0)

    def release(self) -> None:
        os.close(self.descriptor)

    def _cables(self) -> list[str]:
        return [path.name for path in Path("/sys/class/net").glob(f"{self.veth(0)[:-1]}*")]

    def _move_in(self) -> None:
        folder = base.cache() / "fleets" / str(self.number)
        os.pwrite(self.descriptor, str(folder).encode(), 0)
        remove_tree(folder)  # left by a fleet from before the last reboot, if at all
        folder.mkdir(parents=True, mode=0o700)
        sh("ip", "link", "add", self.bridge, "type", "bridge")
        sh("ip", "address", "add", f"{self.network}.1/24", "dev", self.bridge)
        sh("ip", "link", "set", self.bridge, "up")

    def _sweep_nspawn(self) -> None:
        for path in NSPAWN.glob(f"*/nslab{self.number}-*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def sweep_left_overs() -> list[int]:
    """Sweep every slot whose fleet is gone. Returns their numbers."""
    swept = []
    for slot in _unheld():
        if slot.folder is not None:
            slot.sweep()
            swept.append(slot.number)
        slot.release()
    return swept


def _unheld() -> Iterator[Slot]:
    with contextlib.suppress(FileNotFoundError):
        for number in sorted(int(path.name) for path in LOCKS.iterdir()):
            slot = Slot.try_hold(number)
            if slot is not None:
                yield slot


def _is_link(name: str) -> bool:
    return Path("/sys/class/net", name).exists()
