"""The tools: what each is called, takes, returns and does to the world, and the function that does it."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mcp.types import Tool, ToolAnnotations
from pydantic import TypeAdapter

from roosync_ops.show.schemas.fleet import DiagnosisDocument, HistoryDocument, MatrixDocument, ValidationDocument

from . import arguments as a
from . import changes, reading, results, service, status
from .desk import ServerContext, ToolAnswer


def _effect(*, reads: bool, destroys: bool = False, repeats: bool = True) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=reads, destructive_hint=destroys, idempotent_hint=repeats, open_world_hint=False
    )


_READS: Final = _effect(reads=True)
#: It can stop the agent of this machine, or of others.
_STOPS: Final = _effect(reads=False, destroys=True, repeats=False)


class Entry(NamedTuple):
    """One tool. `limit_s`: when an answer is given up; `whole`: the command that shows what was too long for one."""

    name: str
    title: str
    text: str
    takes: type[a.Arguments]
    result: TypeAdapter[Any]
    whole: str
    example: str
    run: Callable[[ServerContext, Any], ToolAnswer]
    effect: ToolAnnotations = _READS
    limit_s: float = 120.0

    def described(self) -> Tool:
        """Return what `tools/list` says of it."""
        returned = self.result.json_schema()
        returned["properties"]["truncated"] = TypeAdapter(results.Truncated).json_schema()
        return Tool(
            name=self.name,
            title=self.title,
            description=self.text,
            input_schema=_lean(self.takes.model_json_schema(by_alias=True)),
            output_schema=_lean(returned),
            annotations=self.effect,
        )


def _lean(schema: Any) -> Any:
    """Return a schema without the titles that pydantic makes of names: an assistant pays for every word of it."""
    if isinstance(schema, list):
        return [_lean(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _lean(item) for key, item in schema.items() if key != "title" or not isinstance(item, str)}


ALWAYS: Final = (
    Entry(
        name="roosync_heartbeat_service",
        title="Heartbeat of this machine",
        text="Register, start or stop the heartbeat of THIS machine. `start` starts the permanent agent (systemd unit, "
        "scheduled task, else a supervised process), so the machine stays online after the assistant is closed.",
        takes=a.HeartbeatService,
        result=TypeAdapter(results.ServiceResult),
        effect=_STOPS,
        limit_s=300.0,
        whole="python3 agent.pyz status",
        example='{"action": "register", "machineId": "myia-po-2024"}',
        run=service.heartbeat_service,
    ),
    Entry(
        name="roosync_heartbeat_status",
        title="Status of all heartbeats",
        text="Which machines are online, offline or late (warning), computed now from the shared state and judged "
        "against nothing; roosync_validate says which of them should be.",
        takes=a.HeartbeatStatus,
        result=TypeAdapter(results.StatusResult),
        limit_s=60.0,
        whole="roosync-ops status --json",
        example='{"filter": "all", "includeHeartbeats": true, "forceCheck": true}',
        run=status.heartbeat_status,
    ),
    Entry(
        name="roosync_refresh_dashboard",
        title="Refresh the dashboard",
        text="Write the dashboard page and its Markdown twin into the shared state, and tell where they are.",
        takes=a.RefreshDashboard,
        result=TypeAdapter(results.DashboardResult),
        effect=_effect(reads=False),
        whole="roosync-ops dashboard --json",
        example='{"baseline": "myia-ai-01"}',
        run=reading.refresh_dashboard,
    ),
    Entry(
        name="roosync_validate",
        title="Validation table",
        text="Whether each machine of the inventory is what it is expected to be, and why not: the document of "
        "`roosync-ops validate --json`. The goal of the procedure is its `summary`.",
        takes=a.Validate,
        result=TypeAdapter(ValidationDocument),
        whole="roosync-ops validate --json",
        example='{"probe": "always"}',
        run=reading.validate,
    ),
    Entry(
        name="roosync_who_sees_whom",
        title="Who sees whom",
        text="What each machine's own replica of the shared state shows of every other: the document of `roosync-ops "
        "matrix --json`. Asks every machine; up to 20 s.",
        takes=a.Look,
        result=TypeAdapter(MatrixDocument),
        whole="roosync-ops matrix --json",
        example='{"machines": ["myia-po-2024", "myia-web1"]}',
        run=reading.matrix,
    ),
    Entry(
        name="roosync_diagnose",
        title="Diagnosis",
        text="Diagnose machines: ordered checks, one cause each, and the one command that mends it; the "
        "document of `roosync-ops diagnose --json`. Changes nothing; up to 20 s.",
        takes=a.Look,
        result=TypeAdapter(DiagnosisDocument),
        whole="roosync-ops diagnose --json",
        example='{"machines": ["myia-web1"]}',
        run=reading.diagnose,
    ),
    Entry(
        name="roosync_history",
        title="History of each machine",
        text="When each machine was up, off, left or unknown, and its uptime: the document of `roosync-ops history "
        "--json`.",
        takes=a.History,
        result=TypeAdapter(HistoryDocument),
        limit_s=60.0,
        whole="roosync-ops history --json",
        example='{"machines": ["myia-web1"], "days": 1}',
        run=reading.history,
    ),
)
WITH_CHANGES: Final = (
    Entry(
        name="roosync_plan_change",
        title="Plan a change of the fleet",
        text="What a rollout, restart, stop, uninstall or fix would do: a dry run that changes nothing, and a token "
        "with which roosync_apply_change does exactly that, once, within ten minutes. Show the plan before applying.",
        takes=a.PlanChange,
        result=TypeAdapter(results.PlanResult),
        effect=_effect(reads=True, repeats=False),
        limit_s=changes.PLAN_S + 10.0,
        whole="roosync-ops rollout --dry --json",
        example='{"action": "rollout", "machines": ["myia-po-2024"]}',
        run=changes.plan_change,
    ),
    Entry(
        name="roosync_apply_change",
        title="Apply a planned change",
        text="Do what roosync_plan_change planned. Refused where the inventory, or what is seen of the machines, has "
        "changed since. What was begun is carried to its end, whether or not the answer is waited for.",
        takes=a.ApplyChange,
        result=TypeAdapter(results.ApplyResult),
        effect=_STOPS,
        limit_s=changes.PLAN_S + changes.APPLY_S + 10.0,
        whole="roosync-ops validate --json",
        example='{"token": "the token of the plan"}',
        run=changes.apply_change,
    ),
)


#: The protocol, 9: for two months the older service's only tool; the answer is another than that of the two it became.
COMPAT: Final = Entry(
    name="roosync_heartbeat",
    title="Heartbeat, as one tool",
    text="Status of all heartbeats, or register, start or stop the one of THIS machine: the older service's one tool. "
    "roosync_heartbeat_service and roosync_heartbeat_status do the same.",
    takes=a.Heartbeat,
    result=TypeAdapter(results.HeartbeatResult),
    effect=_STOPS,
    limit_s=300.0,
    whole="roosync-ops status --json",
    example='{"action": "status"}',
    run=service.heartbeat,
)


def entries(*, allow_changes: bool, compat: bool = False) -> dict[str, Entry]:
    """Return the tools by name: those that change others where that is allowed, the older service's for `compat`."""
    found = (*ALWAYS, *((COMPAT,) if compat else ()), *(WITH_CHANGES if allow_changes else ()))
    return {entry.name: entry for entry in found}
