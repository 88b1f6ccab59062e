"""Status is computed, never believed: one pure function, used by the agent, the CLI and the MCP server alike."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .record import Record

ONLINE = "online"
WARNING = "warning"
OFFLINE = "offline"
#: Stopped on purpose, and not heard of since.
LEFT = "left"
#: Never seen, or seen without one valid heartbeat. A missing file is not a death.
UNKNOWN = "unknown"

#: The protocol: the defaults of both old generations, in ms.
DEFAULT_INTERVAL_MS = 30_000
DEFAULT_TIMEOUT_MS = 120_000
#: The protocol: missedHeartbeatThreshold; warning starts one interval before it.
MISSED_THRESHOLD = 4
#: How far a heartbeat may lie in the reader's future before its clock is worth a word, in ms.
FUTURE_TOLERANCE_MS = 5_000


class Thresholds:
    """When silence becomes a warning and when it becomes offline, both in ms."""

    __slots__ = ("interval_ms", "timeout_ms")

    def __init__(self, interval_ms: int = DEFAULT_INTERVAL_MS, timeout_ms: int = DEFAULT_TIMEOUT_MS) -> None:
        if not 0 < interval_ms < timeout_ms:
            raise ValueError(f"interval must be positive and shorter than timeout: {interval_ms} and {timeout_ms} ms")
        self.interval_ms = interval_ms
        self.timeout_ms = timeout_ms


DEFAULT_THRESHOLDS = Thresholds()


def status(record: Record | None, now_ms: int, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> str:
    """Return online, warning, offline, left or unknown for `record` at `now_ms` (ms since the epoch).

    Offline when age > timeout; else warning when age >= interval * (threshold - 1); else online. A heartbeat
    from the future has a negative age and so is online; the report says that the clock is suspect.
    """
    if record is None or record.last_heartbeat_ms is None:
        return UNKNOWN
    if record.has_left:
        return LEFT
    age = now_ms - record.last_heartbeat_ms
    if age > thresholds.timeout_ms:
        return OFFLINE
    if age >= thresholds.interval_ms * (MISSED_THRESHOLD - 1):
        return WARNING
    return ONLINE


def missed_heartbeats(record: Record, now_ms: int, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> int | None:
    """Return floor(age / interval), at least 0; None where there is no valid heartbeat to count from."""
    if record.last_heartbeat_ms is None:
        return None
    return max(0, now_ms - record.last_heartbeat_ms) // thresholds.interval_ms
