"""What one server knows from its start, and keeps between two calls."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.gather.limits import Limits
from roosync_ops.gather.source import Source, machine_of

from .pledges import Pledges

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What was typed after `roosync-ops mcp`. `agent_dir` and `memory` are local folders; None: the usual ones."""

    inventory: Path
    shared: str | None = None
    via: str | None = None
    deadline_s: float | None = None
    allow_changes: bool = False
    agent_dir: str | None = None
    memory: Path | None = None
    compat: bool = False


@dataclass(frozen=True)
class Answer:
    """What a tool answers: its result object, and what a person should know beside it, a sentence each."""

    document: dict[str, Any]
    notes: tuple[str, ...] = ()


class Desk:
    """The settings, and what outlives a call: the share's one thread, and the plans that were made."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pledges = Pledges()
        self._folder: Source | None = None
        self._making = threading.Lock()
        #: An inventory is a program, run with this process's own stdout replaced: one at a time.
        self._loading = threading.Lock()

    @property
    def limits(self) -> Limits:
        return Limits(deadline_s=self.settings.deadline_s)

    def fleet(self) -> Fleet:
        """Read the inventory, anew for each call: it is edited while the server runs. Raises FleetError."""
        with self._loading:
            return load_inventory(self.settings.inventory)

    def source(self) -> Source:
        """Return where the shared state is read. Raises CommandError where nothing names it, FleetError for --via."""
        settings = self.settings
        if settings.via:
            return Source(None, machine_of(self.fleet(), settings.via), settings.deadline_s)
        with self._making:
            self._folder = self._folder or Source(settings.shared, None, settings.deadline_s)
        return self._folder
