"""The lab's end of its guardian."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import guardian

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Longer than the guardian's own patience with processes and with the folder together, in seconds.
_TIMEOUT_S = 2 * guardian.PATIENCE_S + 5


@contextmanager
def guarded(lab_id: str, parent: Path | None = None) -> Iterator[Path]:
    """Give a lab its own folder, under `parent` (the system's for temporary files); a guardian ends both.

    The end of a pipe, which leaving the block closes, tells the guardian that the lab is over. Raises OSError.
    """
    parent = parent or Path(tempfile.gettempdir())
    process = subprocess.Popen(  # noqa: S603 - our own file, by path
        [sys.executable, "-I", str(Path(guardian.__file__)), lab_id, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - for mypy
    try:
        line = process.stdout.readline()
        if not line:
            raise OSError(f"the lab's guardian did not start; can a folder be made in {parent}?")
        yield Path(json.loads(line))
    finally:
        process.stdin.close()
        # A second Ctrl-C does not stop it: it cleans up on its own from here.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_TIMEOUT_S)
        process.stdout.close()
