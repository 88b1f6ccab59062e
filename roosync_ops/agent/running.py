"""What of ours runs from a local folder, whatever machine or shared state it was started for: found by its locks."""

from __future__ import annotations

import os
import re

from .notes import Places, loop_runs

#: What is kept for one machine and one shared state lies in `<machineId>-<crc32>`: Config.instance.
INSTANCE = re.compile(r"[a-z0-9-]{1,63}-[0-9a-f]{8}")


def instances(local_dir: str) -> list[Places]:
    """Return the places of every machine and shared state that ever beat from `local_dir`."""
    try:
        names = sorted(filter(INSTANCE.fullmatch, os.listdir(local_dir)))
    except OSError:
        return []
    folders = [os.path.join(local_dir, name) for name in names]
    return [Places(folder) for folder in folders if os.path.isdir(folder) and not os.path.islink(folder)]


def loops(local_dir: str) -> list[Places]:
    """Return the places of those whose loop runs. Raises LocalError."""
    return [places for places in instances(local_dir) if loop_runs(places)]
