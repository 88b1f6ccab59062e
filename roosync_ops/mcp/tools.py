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
    takes: type[a.Arguments]
    result: TypeAdapter[Any]
    run: Callable[[ServerContext, Any], ToolAnswer]
    effect: ToolAnnotations
    limit_s: float
    title: str
    text: str
    whole: str
    example: str

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


def _entry(  # noqa: PLR0913, PLR0917 - what a tool is made of
    name: str,
    takes: type[a.Arguments],
    result: Any,
    run: Callable[[ServerContext, Any], ToolAnswer],
    effect: ToolAnnotations = _READS,
    limit_s: float = 120.0,
) -> Entry:
    return Entry(name, takes, TypeAdapter(result), run, effect, limit_s, **_TEXTS[name])


#: What an assistant reads of each tool.
_TEXTS: Final = tomllib.loads(Path(__file__).with_name("tools.toml").read_text("utf-8"))
ALWAYS: Final = (
    _entry(
        "roosync_heartbeat_service", a.HeartbeatService, results.ServiceResult, service.heartbeat_service, _STOPS, 300.0
    ),
    _entry("roosync_heartbeat_status", a.HeartbeatStatus, results.StatusResult, reading.heartbeat_status, limit_s=60.0),
    _entry(
        "roosync_refresh_dashboard",
        a.RefreshDashboard,
        results.DashboardResult,
        reading.refresh_dashboard,
        _effect(reads=False),
    ),
    _entry("roosync_validate", a.Validate, ValidationDocument, reading.validate),
    _entry("roosync_who_sees_whom", a.Look, MatrixDocument, reading.matrix),
    _entry("roosync_diagnose", a.Look, DiagnosisDocument, reading.diagnose),
    _entry("roosync_history", a.History, HistoryDocument, reading.history, limit_s=60.0),
)
WITH_CHANGES: Final = (
    _entry(
        "roosync_plan_change",
        a.PlanChange,
        results.PlanResult,
        changes.plan_change,
        _effect(reads=True, repeats=False),
        changes.PLAN_S + 10.0,
    ),
    _entry(
        "roosync_apply_change",
        a.ApplyChange,
        results.ApplyResult,
        changes.apply_change,
        _STOPS,
        changes.PLAN_S + changes.APPLY_S + 10.0,
    ),
)


#: The protocol, 9: for two months the older service's only tool; the answer is another than that of the two it became.
COMPAT: Final = _entry("roosync_heartbeat", a.Heartbeat, results.HeartbeatResult, service.heartbeat, _STOPS, 300.0)


def entries(*, allow_changes: bool, compat: bool = False) -> dict[str, Entry]:
    """Return the tools by name: those that change others where that is allowed, the older service's for `compat`."""
    found = (*ALWAYS, *((COMPAT,) if compat else ()), *(WITH_CHANGES if allow_changes else ()))
    return {entry.name: entry for entry in found}
