"""The parts of an agent's own `status`, and what every part of an answer has in common."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

#: No path is longer, and no more is read of what a machine says in one field, in characters.
_MAX_TEXT: Final = 4096

#: A code or a step's name: for programs, never for a shell.
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]


class AgentAnswer(BaseModel):
    """Extra fields are a newer agent's and are dropped; a field of the wrong type is refused, never coerced."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )

    def to_json(self) -> Any:
        """What pyinfra prints for `pyinfra ... fact ... --json`."""
        return self.model_dump(mode="json", by_alias=True)

    @field_validator("*", mode="before")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        return value[:_MAX_TEXT] if isinstance(value, str) else value


class Permanence(AgentAnswer):
    """What keeps the loop alive when nobody is logged in."""

    kind: str = "none"
    installed: bool = False
    enabled: bool = False
    survives_reboot: bool = False
    #: What of the unit or the task its agent would write otherwise, and what would stand there.
    there: str | None = None
    wanted: str | None = None


class LoopConfig(AgentAnswer):
    """What the loop that runs was told. Times in ms."""

    heartbeat_interval: int | None = None
    offline_timeout: int | None = None
    auto_sync_enabled: bool | None = None


class Beat(AgentAnswer):
    """The last beat this machine wrote. `read_back` where it was found in the share afterwards."""

    sequence: int | None = None
    last_heartbeat: str | None = None
    read_back: bool = False


class ShareState(AgentAnswer):
    """The loop's own experience of the share."""

    state: str = "ok"
    since: str | None = None
    detail: str | None = None


class ViewState(AgentAnswer):
    """The loop's own experience of the view: who keeps it, and who erased others from it, as far as that shows."""

    keeper: str | None = None
    erased_by: str | None = None
    erased_at: str | None = None
    erasures: int = 0


class OwnFileRewrites(AgentAnswer):
    """How often another machine or service rewrote this machine's own file, and in what way the last time."""

    rewrites: int = 0
    last_kind: str | None = None
    last_detail: str | None = None
    last_at: str | None = None


class RolledBack(AgentAnswer):
    """Why a build on trial was left again: in English, and as a code of the agent's with what fills it in."""

    why: str
    code: str = ""
    values: list[str] = Field(default_factory=list)
    #: Which build it was, and when, by the machine's clock.
    left: str = Field("", alias="from")
    at: str | None = None
