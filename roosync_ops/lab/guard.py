"""The lab's end of its guardian."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from . import guardian

if TYPE_CHECKING:
    from types import TracebackType

#: Longer than the guardian's own patience with processes and with the folder together, in seconds.
_TIMEOUT_S = 2 * guardian.PATIENCE_S + 5


class Guard:
    """Holds the pipe whose end tells the guardian that the lab is over; leaving the block closes it and waits."""

    def __init__(self, lab_id: str, folder: Path) -> None:
        self._lab_id = lab_id
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Mark the folder and start the guardian; it is on guard when this returns. Raises OSError."""
        (self._folder / guardian.MARK_FILE).write_text(self._lab_id, encoding="ascii")
        self._process = subprocess.Popen(  # noqa: S603 - our own file, by path
            [sys.executable, "-I", str(Path(guardian.__file__)), self._lab_id, str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        if self._process.stdout is None or self._process.stdout.readline() != b"ready\n":
            raise OSError("the lab's guardian did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            return
        self._process.stdin.close()
        # A second Ctrl-C does not stop it: it cleans up on its own from here.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_TIMEOUT_S)
        self._process.stdout.close()
