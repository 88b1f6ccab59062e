"""What each tool takes: names, types and defaults of wire/README.md; anything else is refused."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS

#: Names that a fleet of any size may be asked about at once.
_MOST_NAMES = 500

Names = Annotated[
    list[Annotated[str, Field(max_length=80)]] | None,
    Field(max_length=_MOST_NAMES, description="Machines or groups of the inventory; all of them by default."),
]
Lang = Annotated[Literal["en", "fr"], Field(description="The language of the reasons.")]

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

    action: Annotated[
        Literal["register", "start", "stop"],
        Field(description="register: one heartbeat. start: the permanent agent. stop: end it; the machine has left."),
    ]
    machine_id: Annotated[
        str | None,
        Field(description="This machine's own name in lower case. Required by register and start."),
    ] = None
    metadata: Annotated[dict[str, Any] | None, Field(description="For register: kept with the heartbeat.")] = None
    enable_auto_sync: Annotated[Flag, Field(description="For start.")] = True
    heartbeat_interval: Annotated[Milliseconds, Field(description="For start: ms between two beats.")] = (
        DEFAULT_INTERVAL_MS
    )
    offline_timeout: Annotated[
        Milliseconds, Field(description="For start: ms of silence after which the machine counts as offline.")
    ] = DEFAULT_TIMEOUT_MS
    save_state: Annotated[Flag, Field(description="For stop: write that the machine left.")] = True


class HeartbeatStatus(Arguments):
    """The protocol's filter, and what is to be in the answer."""

    filter: Annotated[Literal["all", "online", "offline", "warning"], Field(description="Which machines to list.")] = (
        "all"
    )
    include_heartbeats: Annotated[Flag, Field(description="Give each machine's heartbeat as well.")] = True
    force_check: Annotated[
        Flag, Field(description="The state is computed anew at every call; this adds `changes` too.")
    ] = False
    include_changes: Annotated[Flag, Field(description="What changed since this was last asked on this computer.")] = (
        False
    )


class Heartbeat(HeartbeatStatus, HeartbeatService):
    """The older service's one tool: what the two take, and which is meant."""

    action: Annotated[  # type: ignore[assignment]  # one more
        Literal["status", "register", "start", "stop"], Field(description="What to do; status changes nothing.")
    ]


class RefreshDashboard(Arguments):
    """The protocol: both have defaults."""

    baseline: Annotated[str, Field(max_length=80, description="The machine that others are compared with.")] = (
        "myia-ai-01"
    )
    output_dir: Annotated[str | None, Field(description="Default: `dashboards` in the shared state.")] = None


class Validate(Arguments):
    """As the options of `roosync-ops validate`."""

    machines: Names = None
    probe: Annotated[
        Literal["auto", "always", "never"],
        BeforeValidator(_probe),
        Field(description="Which machines are asked themselves: those in doubt (up to 6 s), all (up to 20 s), none."),
    ] = "auto"
    patience: Annotated[
        str | None,
        Field(
            max_length=20, description="Seconds that silence may last longer, or `auto`: as the delays seen ask for."
        ),
    ] = None
    lang: Lang = "en"


class Look(Arguments):
    """As the options of `roosync-ops matrix` and `diagnose`."""

    machines: Names = None
    lang: Lang = "en"


class History(Arguments):
    """As the options of `roosync-ops history`."""

    machines: Names = None
    days: Annotated[float, Field(gt=0, le=7, description="How far to look back.")] = 7.0


class PlanChange(Arguments):
    """As the arguments of the commands of these names."""

    action: Annotated[
        Literal["rollout", "restart", "stop", "uninstall", "fix"],
        Field(description="What to do. fix: what `roosync-ops diagnose --fix` does, the safe things alone."),
    ]
    machines: Annotated[Names, Field(description="Machines or groups; by default all that are expected online.")] = None


class ApplyChange(Arguments):
    """One plan."""

    token: Annotated[str, Field(max_length=100, description="The token that roosync_plan_change returned.")]
