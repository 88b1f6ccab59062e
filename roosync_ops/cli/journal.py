"""What commands did on machines, kept on this computer: each run in lines of JSON, and what the last came to."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from roosync_ops import errors
from roosync_ops.fleet import Machine
from roosync_ops.pyinfra_ops.ledger import CHANGED, SKIPPED, UNCHANGED
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.state.memory import Store, default_folder
from roosync_ops.wire import local
from roosync_ops.wire.times import now_ms, to_iso

from .ramp import waiting

FOLDER: Final = "runs"
#: So many runs are kept, and so much of one, in bytes.
_KEPT: Final = 50
_MAX_BYTES: Final = 4_194_304
_FINE: Final = (CHANGED, UNCHANGED)
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


class RunJournal:
    """What the last command and the last rollout of one inventory from this computer came to; one rollout at a time."""

    def __init__(self, inventory: Path) -> None:
        key = os.path.abspath(inventory)  # noqa: PTH100 - resolve() may touch the share
        self._rollout, self._failed = (Store(default_folder(), kind, key) for kind in ("rollout", "failed"))

    @contextmanager
    def held(self, chosen: Sequence[Machine]) -> Iterator[None]:
        """Be the only rollout of this inventory from this computer, with `chosen` written down. Raises CommandError."""
        owner = self._rollout.path.with_suffix(".owner")
        with ExitStack() as stack:
            try:
                stack.enter_context(self._rollout.locked(0))
                local.write(str(owner), f"pid {os.getpid()}, since {to_iso(now_ms())}".encode())
                known = {machine.machine_id: "not-begun" for machine in chosen}
                self._rollout.write({"machines": known}, durable=True)
            except TimeoutError:
                who = owner.read_text("utf-8", "replace")[:200] if owner.exists() else "another process"
                said = f"another rollout is at it: {who}"
                raise errors.usage(said, "wait for its end, or end it; then --resume") from None
            except OSError as error:
                said = f"what a rollout does cannot be written down here, so none is begun: {error}"
                raise errors.usage(said, "make room there, or let this user write there") from None
            yield

    def note(self, results: Sequence[Result]) -> None:
        """Write down, as far as that can be done, what became of each machine of a rollout so far."""
        left = waiting(results)
        found = {row.machine_id: "not-begun" if row.machine_id in left else row.outcome for row in results}
        with suppress(OSError):
            self._rollout.write({"machines": self._rollout.machines() | found}, durable=True)

    def fine(self) -> frozenset[str]:
        """Return the machines that the last rollout left as they are to be."""
        return frozenset(name for name, word in self._rollout.machines().items() if word in _FINE)

    def left(self) -> list[str]:
        """Return the machines that the last rollout did not finish. Raises CommandError where there is none."""
        names = [name for name, word in self._rollout.machines().items() if word not in (*_FINE, SKIPPED)]
        if not names:
            raise errors.usage("the last rollout left no machine behind", "roosync-ops rollout")
        return names

    def ended(self, results: Sequence[Result]) -> None:
        """Write down, as far as that can be done, on which machines a command failed."""
        with suppress(OSError):
            found = {row.machine_id: row.outcome for row in results if not row.ok}
            self._failed.write({"machines": found}, durable=True)

    def failed(self) -> list[str]:
        """Return where the last command failed. Raises CommandError where it did nowhere."""
        names = list(self._failed.machines())
        if not names:
            raise errors.usage("the last command here failed on no machine", "roosync-ops validate")
        return names
