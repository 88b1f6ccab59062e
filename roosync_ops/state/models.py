"""An agent's `state` document as typed models: hostile until it has been through here.

Fields a model does not know are no fault. Times are the wire's ISO texts.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

#: An instant as the wire writes it; wire.times is what reads it.
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$")]
Count = Annotated[int, Field(ge=0)]


class Wire(BaseModel):
    """What every part of the wire format shares: camelCase names, no coercion, unknown fields allowed."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, strict=True, frozen=True, extra="ignore", defer_build=True
    )


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
