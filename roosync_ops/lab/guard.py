"""The lab's end of its guardian."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from . import guardian

#: Longer than the guardian's own patience with processes and with the folder together, in seconds.
_TIMEOUT_S = 2 * guardian.PATIENCE_S + 5


class Guard:
    """Holds the pipe whose end tells the guardian that the lab is over; leaving the block closes it and waits.

    `folder` is the lab's own, under `parent` (the system's folder for temporary files unless another is given).
    """

    folder: Path

    def __init__(self, lab_id: str, parent: Path | None = None) -> None:
        self._lab_id = lab_id
        self._parent = parent or Path(tempfile.gettempdir())
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the guardian; it is on guard when this returns. Raises OSError."""
        self._process = subprocess.Popen(  # noqa: S603 - our own file, by path
            [sys.executable, "-I", str(Path(guardian.__file__)), self._lab_id, str(self._parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            self.__exit__(None, None, None)
            raise OSError(f"the lab's guardian did not start; can a folder be made in {self._parent}?")
        self.folder = Path(json.loads(line))
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            return
        self._process.stdin.close()
        # A second Ctrl-C does not stop it: it cleans up on its own from here.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_TIMEOUT_S)
        self._process.stdout.close()
