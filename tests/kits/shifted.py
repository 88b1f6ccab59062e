"""A wrong wall clock for the processes of one machine on this computer: ahead, behind, or set while they run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.kits.hosts import PATIENCE_S

_SOURCE = Path(__file__).with_name("shift.c")
_COMPILER = shutil.which("cc") or shutil.which("gcc")


def why_not() -> str | None:
    """Return why no clock can be shifted here, or None."""
    if sys.platform != "linux":
        return "LD_PRELOAD is Linux's: does not apply"
    return None if _COMPILER else "no C compiler (Debian: gcc and libc6-dev)"


class Clock:
    """A clock of its own in `folder`. Processes that were started with `environment` go by it."""

    def __init__(self, folder: Path, shift_s: float = 0.0) -> None:
        folder.mkdir()
        self._file = folder / "shift"
        library = folder / "shift.so"
        words = [str(_COMPILER), "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE), "-ldl"]
        subprocess.run(words, check=True, timeout=PATIENCE_S)
        self.environment = {"LD_PRELOAD": str(library), "ROOSYNC_KIT_SHIFT": str(self._file)}
        self.set(shift_s)

    def set(self, shift_s: float) -> None:
        """Set the clock, for those that run too, to so many s ahead of this computer's."""
        part = self._file.with_suffix(".new")
        part.write_text(str(round(shift_s * 1000)), encoding="ascii")
        part.replace(self._file)
