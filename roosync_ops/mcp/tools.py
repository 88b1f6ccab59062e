"""The tools: what each is called, takes, returns and does to the world, and the function that does it."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from mcp.types import Tool, ToolAnnotations
from pydantic import TypeAdapter

from roosync_ops.show.schemas.fleet import DiagnosisDocument, HistoryDocument, MatrixDocument, ValidationDocument

from . import arguments as a
from . import changes, reading, results, service
from .desk import ServerContext, ToolAnswer


class Entry(NamedTuple):
    """One tool; from `title` on as tools.toml has it."""

    name: str
    takes: type[a.Arguments]
    result: TypeAdapter[Any]
    run: Callable[[ServerContext, Any], ToolAnswer]
    limit_s: float
    title: str
    text: str
    whole: str
    example: str
    effect: list[str]

    def described(self) -> Tool:
        """Return what `tools/list` says of it."""
        returned = self.result.json_schema()
        returned["properties"]["truncated"] = TypeAdapter(results.Truncated).json_schema()
        taken, said = self.takes.model_json_schema(by_alias=True), TEXTS["arguments"]
        for name, field in taken["properties"].items():
            field["description"] = said.get(f"{self.name}.{name}") or said[name]
        return Tool(
            name=self.name,
            title=self.title,
            description=self.text,
            input_schema=_lean(taken),
            output_schema=_lean(returned),
            annotations=ToolAnnotations(
                read_only_hint="reads" in self.effect,
                destructive_hint="destroys" in self.effect,
                idempotent_hint="repeats" in self.effect,
                open_world_hint=False,
            ),
        )


def _lean(schema: Any) -> Any:
    """Return a schema without the titles that pydantic makes of names: an assistant pays for every word of it."""
    if isinstance(schema, list):
        return [_lean(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _lean(item) for key, item in schema.items() if key != "title" or not isinstance(item, str)}


_Run = Callable[[ServerContext, Any], ToolAnswer]
#: Before a plan is applied it is made once more, in s.
_BOTH_S: Final = changes.PLAN_S + changes.APPLY_S
#: What each takes and returns, what does it, and when an answer is given up, in s.
_DONE: Final[dict[str, tuple[type[a.Arguments], Any, _Run, float]]] = {
    "roosync_heartbeat_service": (a.HeartbeatService, results.ServiceResult, service.heartbeat_service, 300.0),
    "roosync_heartbeat_status": (a.HeartbeatStatus, results.StatusResult, reading.heartbeat_status, 60.0),
    "roosync_refresh_dashboard": (a.RefreshDashboard, results.DashboardResult, reading.refresh_dashboard, 120.0),
    "roosync_validate": (a.Validate, ValidationDocument, reading.validate, 120.0),
    "roosync_who_sees_whom": (a.Look, MatrixDocument, reading.matrix, 120.0),
    "roosync_diagnose": (a.Look, DiagnosisDocument, reading.diagnose, 120.0),
    "roosync_history": (a.History, HistoryDocument, reading.history, 60.0),
    # The protocol, 9: for two months the older service's only tool; its answer is not that of the two it became.
    "roosync_heartbeat": (a.Heartbeat, results.HeartbeatResult, service.heartbeat, 300.0),
    "roosync_plan_change": (a.PlanChange, results.PlanResult, changes.plan_change, changes.PLAN_S + 10),
    "roosync_apply_change": (a.ApplyChange, results.ApplyResult, changes.apply_change, _BOTH_S + 10),
}
_COMPAT: Final = ("roosync_heartbeat",)
_CHANGES: Final = ("roosync_plan_change", "roosync_apply_change")
TEXTS: Final = tomllib.loads(Path(__file__).with_name("tools.toml").read_text("utf-8"))
_ENTRIES: Final = [
    Entry(name, takes, TypeAdapter(result), run, limit_s, **TEXTS[name])
    for name, (takes, result, run, limit_s) in _DONE.items()
]


def entries(*, allow_changes: bool, compat: bool = False) -> dict[str, Entry]:
    """Return the tools by name: those that change others where that is allowed, the older service's for `compat`."""
    left_out = (*(() if compat else _COMPAT), *(() if allow_changes else _CHANGES))
    return {entry.name: entry for entry in _ENTRIES if entry.name not in left_out}
