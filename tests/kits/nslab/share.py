"""What can happen to a share under a host, host by host: the folder itself and the other hosts notice nothing."""

import os
import subprocess
from pathlib import Path

from tests.kits.hosts import PATIENCE_S, sh, wait_for

#: The share as a host sees it, and what it lies on: a mount, so that when it is gone the path is missing.
SHARED = "/srv/roosync/.shared-state"
MOUNT = "/srv/roosync"
_FUSE = Path("/dev/fuse")


class ShareFaults:
    """The share's faults of one host. A fault other than read-only covers the share's mount with another one."""

    def __init__(self) -> None:
        self._covered = False
        self._fuse: int | None = None

    @property
    def pid1(self) -> int:
        raise NotImplementedError

    def share_ro(self) -> None:
        """Every write is refused (EROFS)."""
        wait_for("a moment when no file of the share is open for writing", self._writes_end)

    def _writes_end(self) -> bool:
        asked = subprocess.run(
            (*self._enter(), "mount", "-o", "remount,bind,ro", MOUNT),
            check=False, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
        if asked.returncode and "busy" not in asked.stderr:
            raise RuntimeError(asked.stderr)
        return asked.returncode == 0

    def share_rw(self) -> None:
        self._mount("-o", "remount,bind,rw", MOUNT)

    def share_gone(self) -> None:
        """The share's path is missing, as when a drive is not mounted."""
        self._cover("-t", "tmpfs", "-o", "ro,size=4k", "tmpfs")

    def share_full(self) -> None:
        """The share has not one byte left (ENOSPC); what was in it is out of sight."""
        self._cover("-t", "tmpfs", "-o", "size=16k,nr_inodes=16,mode=0777", "tmpfs")
        fill = f"mkdir -m 0777 {SHARED}; cat /dev/zero >{MOUNT}/ballast 2>/dev/null || true"
        sh(*self._enter(), "sh", "-c", fill)

    def share_hung(self) -> None:
        """Every touch of the share's path waits for ever, in a call that only SIGKILL ends: a FUSE nobody serves."""
        if not _FUSE.exists():
            raise NotImplementedError("a share that hangs needs /dev/fuse on this machine")
        self._fuse = os.open(_FUSE, os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._fuse},rootmode=40000,user_id=0,group_id=0,allow_other"
        self._cover("-i", "-t", "fuse", "-o", options, "nslab")

    def share_back(self) -> None:
        """End share_gone, share_full or share_hung; calls that hung now fail."""
        if self._covered:
            self.uncovered()
            sh(*self._enter(), "umount", "-l", "-c", MOUNT)

    def uncovered(self) -> None:
        """Forget the cover: it went with the host's mounts, or is about to."""
        self._covered = False
        if self._fuse is not None:
            os.close(self._fuse)
            self._fuse = None

    def _cover(self, *argv: str) -> None:
        if self._covered:
            raise RuntimeError("the share is covered already: share_back() first")
        self._mount(*argv, MOUNT)
        self._covered = True

    def _mount(self, *argv: str) -> None:
        descriptors = () if self._fuse is None else (self._fuse,)
        subprocess.run((*self._enter(), "mount", *argv), check=True, pass_fds=descriptors, timeout=PATIENCE_S)

    def _enter(self) -> tuple[str, ...]:
        return ("nsenter", "-t", str(self.pid1), "-a", "--")
