"""What a share that really hangs takes of this machine, and how a slow one is hurried."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from roosync_ops.lab import host

if TYPE_CHECKING:
    import pytest


def why_not() -> str | None:
    """Return why no share can hang here, or None."""
    return None if os.access("/dev/fuse", os.R_OK | os.W_OK) else "takes a /dev/fuse that this user may open"


def hurry(monkeypatch: pytest.MonkeyPatch, touch_s: float, cold_s: float) -> None:
    """Have the mounts that are made from now on be cold for `cold_s`, and each touch then take `touch_s`."""
    times = f"from roosync_ops.lab import mounts as m; m.TOUCH_S, m.COLD_S = {touch_s}, {cold_s}; from roosync_ops"
    monkeypatch.setattr(host, "_PROGRAM", host._PROGRAM.replace("from roosync_ops", times, 1))
