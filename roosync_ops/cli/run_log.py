"""What one command did on machines, kept on this computer: a line of JSON an event, and no secret in it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.state.memory import default_folder
from roosync_ops.wire import local
from roosync_ops.wire.times import now_ms, to_iso

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from roosync_ops.fleet import Machine

FOLDER: Final = "runs"
#: So many runs are kept, and so much of one, in bytes.
_KEPT: Final = 50
_MAX_BYTES: Final = 4_194_304
_SECRET: Final = ("password", "secret", "token")
#: A shorter value is no secret, and would take words apart.
_SHORT: Final = 4


class RunLog:
    """One run's file. What cannot be written down stops nothing; then `path` is None."""

    def __init__(self, command: str, chosen: Sequence[Machine], *, wanted: bool = True) -> None:
        self.path: Path | None = None
        self._secrets = sorted(_secrets(chosen), key=len, reverse=True)
        self._room = _MAX_BYTES
        if not wanted:
            return
        folder = default_folder() / FOLDER
        name = f"{to_iso(now_ms()).replace(':', '')}-{command}-{os.getpid()}.jsonl"
        with suppress(OSError):
            local.make_folder(str(folder.parent))
            local.make_folder(str(folder))
            os.close(local.create(str(folder / name), local.FILE_MODE))
            self.path = folder / name
            for path in sorted(folder.glob("*.jsonl"))[:-_KEPT]:
                path.unlink()
        self.note("begun", command=command, machines=[machine.machine_id for machine in chosen])

    def note(self, event: str, **said: Any) -> None:
        """Add a line."""
        if self.path is None:
            return
        line = json.dumps({"at": to_iso(now_ms()), "event": event, **said})
        for secret in self._secrets:
            line = line.replace(json.dumps(secret)[1:-1], "***")
        self._room -= len(line) + 1
        if self._room > 0:
            with suppress(OSError), self.path.open("a", encoding="ascii") as file:
                file.write(line + "\n")


def _secrets(chosen: Iterable[Machine]) -> set[str]:
    """Return what must not be written down: what the operator passes through, by its name, or whatever it is."""
    named = [*os.environ.items(), *(pair for machine in chosen for pair in machine.arguments.items())]
    found = [value for name, value in named if any(word in name.lower() for word in _SECRET)]
    found += [value for machine in chosen for value in machine.metadata.values()]
    return {value for value in found if isinstance(value, str) and len(value) >= _SHORT}
