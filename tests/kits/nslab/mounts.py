"""Mounts under a folder of the kit, and removing that folder without reaching through them."""

import shutil
from pathlib import Path

from tests.kits.hosts import CommandError, sh


def under(folder: Path) -> list[str]:
    """Return what is mounted at or under `folder`, innermost first."""
    prefix = str(folder)
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = [line.split()[4].replace("\\040", " ") for line in lines]
    return [point for point in reversed(points) if point == prefix or point.startswith(prefix + "/")]


def unmount_under(folder: Path) -> None:
    for point in under(folder):
        sh("umount", point)


def remove_tree(folder: Path) -> None:
    """Unmount everything under `folder`, then remove it. A tree that is still mounted somewhere is never entered."""
    unmount_under(folder)
    if under(folder):
        raise CommandError(f"still mounted, so not removed: {under(folder)}")
    if folder.exists():
        shutil.rmtree(folder)
