"""How long looking may take."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Probe(StrEnum):
    """Which machines are asked: those in doubt, all, or none."""

    auto = "auto"
    always = "always"
    never = "never"


#: How long one machine may take to say everything, in s; and to take a TCP connection, a lost packet included: one that
#: is off never does.
PROBE_TIMEOUT_S: Final = 15.0
PROBE_CONNECT_S: Final = 1.5
#: How long asking those in doubt may take in all, in s.
SECOND_TIMEOUT_S: Final = 6.0


@dataclass(frozen=True)
class Limits:
    """How long it may take, in s: one machine in all, its connection, this computer's own share (None: as usual)."""

    timeout_s: float = PROBE_TIMEOUT_S
    connect_s: float = PROBE_CONNECT_S
    deadline_s: float | None = None


def silently(_: str) -> None:
    """Tell nothing of how far it is."""
