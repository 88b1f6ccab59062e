"""Who is in the lab, and what is expected of each: the procedure's six machines on the day it was written."""

from dataclasses import dataclass
from typing import Literal

#: A lab beats faster than the protocol's 30 s and 120 s, in the same proportion, so a change can be watched. In ms.
HEARTBEAT_INTERVAL_MS = 2_000
OFFLINE_TIMEOUT_MS = 8_000
#: How much longer everything takes in the field.
FIELD_TIMES = 15


@dataclass(frozen=True)
class Part:
    """A machine's part in the play. `powered` is whether it is on when the curtain rises."""

    name: str
    group: Literal["enroll", "active", "off"]
    expected: Literal["online", "offline"] = "online"
    why: str | None = None
    powered: bool = True


PROCEDURE = (
    Part("myia-po-2024", "enroll"),
    Part("myia-po-2023", "enroll"),
    Part("myia-web1", "enroll"),
    Part("myia-po-2025", "active", why="active already"),
    Part("myia-ai-01", "off", expected="offline", why="switched off", powered=False),
    Part("myia-po-2026", "off", expected="offline", why="switched off", powered=False),
)
