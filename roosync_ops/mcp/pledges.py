"""Plans that may be applied: each by its own token, once, and not for long."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from roosync_ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

#: How long a plan may be applied, in s: long enough to read it, and too short for the fleet to be another.
LIFE_S: Final = 600.0
#: An assistant that plans without end keeps the last of them.
_MOST: Final = 16


@dataclass(frozen=True)
class Pledge:
    """What a token stands for: an action on these machines, as it was seen (`fingerprint`)."""

    action: str
    machines: tuple[str, ...]
    fingerprint: str
    made_s: float


class Pledges:
    """The plans of one server. Nothing of them is kept when it ends. `clock` is in s and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: dict[str, Pledge] = {}
        self._lock = threading.Lock()

    def make(self, action: str, machines: tuple[str, ...], fingerprint: str) -> str:
        """Return a token for this plan."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._made[token] = Pledge(action, machines, fingerprint, self._clock())
            for oldest in list(self._made)[:-_MOST]:
                del self._made[oldest]
        return token

    def redeem(self, token: str) -> Pledge:
        """Take the plan of `token`, for good, whatever comes of it. Raises CommandError where there is none to take."""
        with self._lock:
            pledge = self._made.pop(token, None)
        if pledge is None:
            raise CommandError("TOKEN_UNKNOWN", "no plan of this server has this token, or it was used", _AGAIN)
        if self._clock() - pledge.made_s > LIFE_S:
            raise CommandError("TOKEN_EXPIRED", f"the plan is older than {LIFE_S / 60:g} minutes", _AGAIN)
        return pledge


_AGAIN: Final = "call roosync_plan_change again, look at what it returns, and apply that"
