"""The parts of an agent's own `status`, and what every part of an answer has in common."""

import threading
from collections.abc import Iterable
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from .question import SilenceError, document_in

#: No path is longer, and no more is read of what a machine says in one field, in characters.
_MAX_TEXT: Final = 4096
#: Answers come in threads, and a model is built when it is first used; older pydantics do not guard that themselves.
_building: Final = threading.Lock()
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

    @classmethod
    def read(cls, lines: Iterable[str]) -> Self:
        """Return what a machine answered, out of all that it said. Raises SilenceError."""
        document = document_in(list(lines))
        with _building:
            cls.model_rebuild()
        try:
            return cls.model_validate_json(document)
        except ValidationError as error:
            raise SilenceError("NOT_UNDERSTOOD", f"its answer is not what ours would be: {first_of(error)}") from None

    def to_json(self) -> Any:
        """What pyinfra prints for `pyinfra ... fact ... --json`."""
        return self.model_dump(mode="json", by_alias=True)

    @field_validator("*", mode="before")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        return value[:_MAX_TEXT] if isinstance(value, str) else value


def first_of(error: ValidationError) -> str:
    """Return the first thing that is wrong with an answer, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]


class Permanence(AgentAnswer):
    """What keeps the loop alive when no user is logged in."""

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
    """The loop's own experience of the view: its keeper, and which machine erased others from it."""

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
