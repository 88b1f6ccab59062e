"""The wire format as typed models. What the tolerant reader in `wire` accepted is checked here field by field.

Fields a model does not know are no fault, and stay in the record's own `data`. Times are the wire's ISO texts.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

#: An instant as the wire writes it; wire.times is what reads it.
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$")]
Count = Annotated[int, Field(ge=0)]
Milliseconds = Annotated[int, Field(gt=0)]


class Wire(BaseModel):
    """What every part of the wire format shares: camelCase names, no coercion, unknown fields allowed."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, strict=True, frozen=True, extra="ignore", defer_build=True
    )


class AgentPart(Wire):
    """What our agent adds to its machine's record, under the key `agent`; absent in records of older services."""

    version: str | None = None
    build_id: str | None = None
    state: Literal["running", "left"] | None = None
    sequence: Count | None = None
    boot_id: str | None = None
    session_id: str | None = None
    started_at: Instant | None = None
    left_at: Instant | None = None
    heartbeat_interval: Milliseconds | None = None
    offline_timeout: Milliseconds | None = None
    auto_sync_enabled: bool | None = None
    up_intervals: list[str] = []


class Metadata(Wire):
    """The metadata the protocol names, and what registration adds."""

    first_seen: str | None = None
    last_updated: str | None = None
    version: str | None = None
    hostname: str | None = None
    platform: str | None = None
    registered_by: str | None = None
    registered_at: str | None = None


class HeartbeatRecord(Wire):
    """One heartbeat. `status` is what its writer stored and never evidence: wire.status computes the real one."""

    machine_id: str
    last_heartbeat: str | None = None
    status: str | None = None
    missed_heartbeats: int | None = None
    metadata: Metadata = Metadata()
    agent: AgentPart | None = None
    offline_since: Instant | None = None


class StateDocument(Wire):
    """What the agent's `state` verb answers. Each item of the two lists is checked on its own, so none takes all."""

    machine_id: str
    shared: str
    read_at: Instant
    seen: Count
    view: dict[str, Any] | None = None
    view_state: str = "absent"
    evidence: list[Any]
    findings: list[Any] = []
    signs: Any = None


class EvidenceItem(Wire):
    """One piece of evidence in a StateDocument."""

    machine_id: str
    file: str
    kind: Literal["file", "conflict", "view"]
    modified_ms: int | None = None
    record: dict[str, Any]
    #: When it was read, where the reading took long.
    read_at: str | None = None


class FindingItem(Wire):
    """One finding in a StateDocument."""

    file: str
    kind: str
    detail: str
