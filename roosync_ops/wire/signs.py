"""Where newer services leave signs of life, and the text of what may be one: read as whatever is hostile is.

Bounded in files, bytes and seconds, and never followed. What it means is read by state.signs.
"""

from __future__ import annotations

import os
import re

from .bounds import Bounds
from .deadline import BoundedShare
from .files import read_file
from .small import suppress
from .text import NotUnderstoodError

#: A file, relative to the shared folder, and what may be signs in it.
Raw = list[tuple[str, str]]

#: How long they may take, in s: a share that answers late has none, for no verdict rests on them.
SIGNS_S = 3.0
_MAX_SECONDS = 1.0
MAX_FILES = 1_024
_MAX_BYTES = 1_048_576
#: By folder: how its files end, and of how many bytes one is read.
FOLDERS = {
    "listener-heartbeats": (".heartbeat", 4_096),
    "worker-heartbeats": (".heartbeat", 4_096),
    "presence": (".json", 16_384),
    "dashboards": (".md", _MAX_BYTES),
}
_LINE = re.compile(rb"^### \[[^\r\n]{1,400}", re.MULTILINE)


def signs_within(bounded: BoundedShare, shared: str) -> Raw:
    """Return what may be signs of life; nothing where that cannot be had in time, or at all."""
    try:
        return bounded.call(lambda: _read(shared), "reading signs of life")
    except (OSError, ValueError):
        return []


def _read(shared: str) -> Raw:
    found: Raw = []
    left, bounds = _MAX_BYTES, Bounds()
    bounds.files = bounds.few = MAX_FILES
    bounds.seconds = _MAX_SECONDS
    for folder, (ending, limit) in FOLDERS.items():
        place = os.path.join(shared, folder)
        names: list[str] = []
        with suppress(OSError):
            names = [] if os.path.islink(place) else bounds.names_in(place)
        for name in names:
            if bounds.are_over() or left <= 0:
                break
            if name.endswith(ending):
                try:
                    raw = read_file(os.path.join(place, name), limit)
                except (OSError, NotUnderstoodError):
                    continue
                raw = (b"\n".join(_LINE.findall(raw)) if ending == ".md" else raw)[:left]
                left -= len(raw)
                found.append((f"{folder}/{name}", raw.decode("utf-8-sig", "replace")))
    return found
