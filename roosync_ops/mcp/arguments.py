"""What each tool takes: names, types and defaults of wire/README.md; anything else is refused. Texts: tools.toml."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS

#: Machines or groups; a fleet of any size may be asked about so many at once.
Names = Annotated[list[Annotated[str, Field(max_length=80)]] | None, Field(max_length=500)]
Lang = Literal["en", "fr"]

_WHOLE = re.compile(r"\d{1,15}(?:\.0{1,15})?", re.ASCII)


def _whole(value: Any) -> Any:
    """Take 30000.0 and "30000" for the whole number that some clients cannot send; anything else is as it was."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value.partition(".")[0])
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flag(value: Any) -> Any:
    """Take "true" and "false" for what they say."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _probe(value: object) -> object:
    """Take what was a flag before: true for all, false for none."""
    return {"true": "always", "false": "never"}.get(str(value).lower(), value)


Flag = Annotated[bool, BeforeValidator(_flag)]
Milliseconds = Annotated[int, BeforeValidator(_whole), Field(gt=0)]


class Arguments(BaseModel):
    """Closed and strict: an argument that is not known, or of another type, is an error and never ignored."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class HeartbeatService(Arguments):
    """The protocol: `action` is required, `machineId` by register and start; each other belongs to one action."""

    action: Literal["register", "start", "stop"]
    machine_id: str | None = None
    metadata: dict[str, Any] | None = None
    enable_auto_sync: Flag = True
    heartbeat_interval: Milliseconds = DEFAULT_INTERVAL_MS
    offline_timeout: Milliseconds = DEFAULT_TIMEOUT_MS
    save_state: Flag = True


class HeartbeatStatus(Arguments):
    """The protocol's filter, and what is to be in the answer."""

    filter: Literal["all", "online", "offline", "warning"] = "all"
    include_heartbeats: Flag = True
    force_check: Flag = False
    include_changes: Flag = False


class Heartbeat(HeartbeatStatus, HeartbeatService):
    """The older service's one tool: what the two take, and which is meant."""

    action: Literal["status", "register", "start", "stop"]  # type: ignore[assignment]  # one more


class RefreshDashboard(Arguments):
    """The protocol: both have defaults."""

    baseline: Annotated[str, Field(max_length=80)] = "myia-ai-01"
    output_dir: str | None = None


class Validate(Arguments):
    """As the options of `roosync-ops validate`."""

    machines: Names = None
    probe: Annotated[Literal["auto", "always", "never"], BeforeValidator(_probe)] = "auto"
    patience: Annotated[str | None, Field(max_length=20)] = None
    lang: Lang = "en"


class Look(Arguments):
    """As the options of `roosync-ops matrix` and `diagnose`."""

    machines: Names = None
    lang: Lang = "en"


class History(Arguments):
    """As the options of `roosync-ops history`."""

    machines: Names = None
    days: Annotated[float, Field(gt=0, le=7)] = 7.0


class PlanChange(Arguments):
    """As the arguments of the commands of these names."""

    action: Literal["rollout", "restart", "stop", "uninstall", "fix"]
    machines: Names = None


class ApplyChange(Arguments):
    """One plan."""

    token: Annotated[str, Field(max_length=100)]
