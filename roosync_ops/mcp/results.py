"""What each tool returns, as types: wire/README.md's result objects; the others return the documents of --json."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from roosync_ops.show import schemas


class Truncated(TypedDict):
    """In any answer that was too long: how many items of which list are left out, and what shows them all."""

    omitted: dict[str, int]
    note: str
    whole: str


class Registered(TypedDict):
    """The protocol: what register did."""

    action: Literal["register"]
    machineId: str
    timestamp: str
    status: str
    isNewMachine: bool


class ServiceConfig(TypedDict):
    """How the loop beats; ms."""

    heartbeatInterval: int
    offlineTimeout: int
    autoSyncEnabled: bool


class ShareTrouble(TypedDict):
    """What ails the shared folder, since when, and what to do about it."""

    state: str
    since: str | None
    detail: str | None
    hint: str | None


class Started(TypedDict):
    """The protocol: what start did. `share` where the loop runs and waits for the shared folder."""

    action: Literal["start"]
    machineId: str
    startedAt: str
    config: ServiceConfig
    share: NotRequired[ShareTrouble]


class Stopped(TypedDict):
    """The protocol: what stop did."""

    action: Literal["stop"]
    stoppedAt: str
    stateSaved: bool


class ServiceResult(TypedDict):
    """`roosync_heartbeat_service`."""

    success: Literal[True]
    message: str
    result: Registered | Started | Stopped


class HeartbeatResult(TypedDict):
    """`roosync_heartbeat`: `data` is what the tool of that action returns."""

    success: Literal[True]
    action: Literal["status", "register", "start", "stop"]
    timestamp: str
    message: str
    data: dict[str, Any]


class Statistics(TypedDict):
    """The protocol: counts over all machines, whatever the filter."""

    totalMachines: int
    onlineCount: int
    offlineCount: int
    warningCount: int
    lastHeartbeatCheck: str


class StatusChanges(TypedDict):
    """The protocol: against what was seen when this was last asked here."""

    newlyOfflineMachines: list[str]
    newlyOnlineMachines: list[str]
    newWarnings: list[str]
    totalChanges: int


class StatusResult(TypedDict):
    """`roosync_heartbeat_status`. `heartbeats` maps machineId to the protocol's heartbeat, their extras kept."""

    success: Literal[True]
    onlineMachines: list[str]
    offlineMachines: list[str]
    warningMachines: list[str]
    statistics: Statistics
    heartbeats: NotRequired[dict[str, dict[str, Any]]]
    changes: NotRequired[StatusChanges]
    retrievedAt: str


class Compared(TypedDict):
    """One machine against the baseline, in the words of the tool this is named after."""

    id: str
    status: str
    diffs: str


class Metrics(TypedDict):
    """The protocol: counts."""

    totalMachines: int
    machinesWithInventory: int
    machinesWithoutInventory: int


class DashboardResult(TypedDict):
    """`roosync_refresh_dashboard`."""

    success: Literal[True]
    dashboardPath: str
    timestamp: str
    baseline: str
    machines: list[Compared]
    metrics: Metrics


class PlanResult(TypedDict):
    """`roosync_plan_change`: what the dry run printed. `token` is null where there is nothing to do."""

    success: Literal[True]
    action: str
    machines: list[str]
    token: str | None
    expiresAt: str | None
    plan: dict[str, Any]


class ApplyResult(TypedDict):
    """`roosync_apply_change`: what the command printed; `ok` in it: all is as wanted."""

    success: bool
    action: str
    machines: list[str]
    result: dict[str, Any]


schemas.close(globals())
