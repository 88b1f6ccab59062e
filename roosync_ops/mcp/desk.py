"""What one server knows from its start, and keeps between two calls: the plans that may be applied, too."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from roosync_ops.errors import CommandError
from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.gather.limits import Limits
from roosync_ops.gather.source import Source, here, machine_of

#: How long a plan may be applied, in s: long enough to read it, and too short for the fleet to be another.
LIFE_S: Final = 600.0
#: An assistant that plans without end keeps the last of them.
_MOST: Final = 16
_AGAIN: Final = "call roosync_plan_change again, look at what it returns, and apply that"


@dataclass(frozen=True)
class ServerSettings:
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
class ToolAnswer:
    """What a tool answers: its result object, and what a person should know beside it, a sentence each."""

    document: dict[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangePlan:
    """What a token stands for: an action on these machines, as it was seen (`fingerprint`)."""

    action: str
    machines: tuple[str, ...]
    fingerprint: str
    made_s: float


class PlanStore:
    """The plans of one server, each by its own token. None is kept when it ends. `clock` is in s, never going back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: dict[str, ChangePlan] = {}
        self._lock = threading.Lock()

    def make(self, action: str, machines: tuple[str, ...], fingerprint: str) -> str:
        """Return a token for this plan."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._made[token] = ChangePlan(action, machines, fingerprint, self._clock())
            for oldest in list(self._made)[:-_MOST]:
                del self._made[oldest]
        return token

    def redeem(self, token: str) -> ChangePlan:
        """Take the plan of `token`, for good, whatever comes of it. Raises CommandError where there is none to take."""
        with self._lock:
            plan = self._made.pop(token, None)
        if plan is None:
            raise CommandError("TOKEN_UNKNOWN", "no plan of this server has this token, or it was used", _AGAIN)
        if self._clock() - plan.made_s > LIFE_S:
            raise CommandError("TOKEN_EXPIRED", f"the plan is older than {LIFE_S / 60:g} minutes", _AGAIN)
        return plan


class ServerContext:
    """The settings, and what outlives a call: the share's one thread, and the plans that were made."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.plans = PlanStore()
        self.here = here(settings.shared, settings.deadline_s)
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
        return self.here or Source(None, None, settings.deadline_s)
