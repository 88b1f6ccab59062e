"""What a machine answered, as types: hostile until it has been through here."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from roosync_ops.wire.times import time_or_none

from .status_model import (
    AgentAnswer,
    Beat,
    LoopConfig,
    OwnFileRewrites,
    Permanence,
    RolledBack,
    ShareState,
    ViewState,
    Word,
    first_of,
)


class Python(AgentAnswer):
    """The Python that answered."""

    executable: str
    version: str


class ClockFacts(AgentAnswer):
    """The machine's wall clock when the probe began and ended, in ms since the epoch."""

    start_ms: int
    end_ms: int


class ShareFacts(AgentAnswer):
    """The share as the user the agent will run as sees it. `hung` where it gave no answer in time."""

    path: str
    hung: bool = False
    exists: bool = False
    is_directory: bool = False
    readable: bool = False
    writable: bool = False
    read_only: bool = False
    free_bytes: int | None = None
    #: The folder `heartbeats` is there; False also where that was not seen.
    heartbeats: bool = False
    problem: str | None = None
    #: On Windows: the session the agent saw it from (`here`, `logon`); None where it was not the agent that looked.
    session: str | None = None
    #: The agent's own code where it could not look.
    code: str | None = None


class Drive(AgentAnswer):
    """What could restart Google Drive on a Windows machine: a task of the fleet's, or Drive's own program."""

    watchdog: str | None = Field(None, max_length=200)
    launcher: str | None = Field(None, max_length=260)


class AgentStatus(AgentAnswer):
    """The agent's own `status`; where it could not tell, `success` is False and `message` says why."""

    success: bool
    code: str | None = None
    message: str | None = None
    machine_id: str | None = None
    version: str | None = None
    build_id: str | None = None
    running: bool = False
    #: Something of ours runs there, be it a supervisor whose loop does not come up, or a loop of another name.
    alive: bool = False
    started_at: str | None = None
    permanence: Permanence = Permanence()
    loop_build_id: str | None = None
    config: LoopConfig | None = None
    last_beat: Beat | None = None
    #: When it was stopped on purpose, by its own clock; None where it runs, or ended in another way.
    left_at: str | None = None
    share: ShareState | None = None
    view: ViewState | None = None
    own_file: OwnFileRewrites | None = None
    #: The machine's own time of this answer: a beat is as old as it was then, however long the rest took.
    now: str | None = None
    #: The build on trial and the one that guards it; and why the last one that was tried was left again.
    trial: str | None = None
    rolled_back: RolledBack | None = None

    @property
    def now_ms(self) -> int | None:
        """As `now`; each `_ms` here is by the machine's clock, None where there is no such time."""
        return time_or_none(self.now)

    @property
    def started_ms(self) -> int | None:
        return time_or_none(self.started_at)

    @property
    def left_ms(self) -> int | None:
        return time_or_none(self.left_at)

    @property
    def sequence(self) -> int | None:
        return None if self.last_beat is None else self.last_beat.sequence

    @property
    def beat_ms(self) -> int | None:
        return None if self.last_beat is None else time_or_none(self.last_beat.last_heartbeat)

    @property
    def read_back(self) -> bool:
        return self.last_beat is None or self.last_beat.read_back


def _or_unreadable(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """An agent whose status is not understood is replaced by a rollout; that must not depend on its status."""
    try:
        return validate(value)
    except ValidationError as error:
        return AgentStatus(success=False, code="NOT_UNDERSTOOD", message=first_of(error))


Status = Annotated[AgentStatus | None, WrapValidator(_or_unreadable)]


class Failed(AgentAnswer):
    """The step of an `apply` that failed, in the agent's own words. `path` is the folder it is about."""

    step: Word
    code: Word = "FAILED"
    message: str
    path: str | None = None


class ProbeReport(AgentAnswer):
    """Everything one round trip learns about a machine."""

    hostname: str = Field(max_length=255)
    platform: str
    user: str
    uid: int | None = None
    home: str
    python: Python
    systemd: bool
    local_dir: str
    #: Why the agent's folder is not its user's alone; what lies there was then neither read nor run.
    local_dir_problem: Failed | None = None
    agent_sha256: str | None = None
    config: JsonValue = None
    config_problem: str | None = None
    config_modified_ms: int | None = None
    status: Status = None
    share: ShareFacts | None = None
    drive: Drive = Drive()
    clock: ClockFacts
    #: The machine's clock minus ours, in ms, and how wrong that may be: half of what the network took.
    clock_offset_ms: int = 0
    clock_error_ms: int = 0
    #: Where it was asked for, the agent's `state` document: unread, and hostile.
    state: dict[str, Any] | None = Field(None, exclude=True)

    @property
    def running(self) -> bool:
        return self.status is not None and self.status.running

    @property
    def alive(self) -> bool:
        return self.running or (self.status is not None and self.status.alive)


class StepDone(AgentAnswer):
    """A step that was done, and what the agent answered to it, where it was asked."""

    step: str
    reply: dict[str, JsonValue] | None = None


class Reply(AgentAnswer):
    """The answer to an `apply`: what was done, what failed, and what the agent says of itself now."""

    ok: bool
    done: list[StepDone] = Field(default_factory=list)
    failed: Failed | None = None
    agent_sha256: str | None = None
    status: Status = None


class MeasuredTrait(AgentAnswer):
    """One thing measured of a share: `figures` are numbers by name, the unit in each name."""

    name: Literal["replace", "names", "locks", "flush"]
    verdict: Literal["good", "bad", "unknown"]
    detail: str = Field(max_length=400)
    figures: dict[str, float] = Field(default_factory=dict)


class MeasuredSighting(AgentAnswer):
    """A beat that came into the machine's replica: its own time stamp, and when it was seen by the machine's clock."""

    machine_id: str
    beat: str
    seen_ms: int

    @property
    def lag_ms(self) -> int | None:
        """How long it was under way by those two clocks; None where its time cannot be read."""
        at = time_or_none(self.beat)
        return None if at is None else self.seen_ms - at


class Measured(AgentAnswer):
    """How a share behaves; `problem` is (code, sentence) where not all was measured; `removed`: nothing is left."""

    shared: str | None = None
    traits: list[MeasuredTrait] = Field(default_factory=list)
    sightings: list[MeasuredSighting] = Field(default_factory=list)
    problem: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    removed: bool


_Orphan = Annotated[str, Field(pattern=r"^(heartbeats/)?\.[a-z0-9.-]{1,80}\.(tmp|part)$")]


class Tended(AgentAnswer):
    """What was done in a machine's replica: how many machines its rebuilt view holds, which orphans are gone."""

    rebuilt: int | None = None
    files: list[_Orphan] = Field(default_factory=list)
    problem: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None


class Knocked(AgentAnswer):
    """Whether each port that a machine was to connect to took it, in order."""

    open: list[bool]


class LogPlace(AgentAnswer):
    """Where an agent's words are kept on its machine, and the last of them."""

    place: str
    lines: list[str] = Field(max_length=1000)


class Logs(AgentAnswer):
    """What an agent said last."""

    logs: list[LogPlace] = Field(max_length=100)


def parse_report(lines: Iterable[str], sent_ms: int, received_ms: int) -> ProbeReport:
    """Read a probe's output. `sent_ms` and `received_ms` bound the round trip on our clock. Raises SilenceError."""
    report = ProbeReport.read(lines)
    ahead, behind = report.clock.start_ms - sent_ms, report.clock.end_ms - received_ms
    return report.model_copy(
        update={"clock_offset_ms": (ahead + behind) // 2, "clock_error_ms": max(0, (ahead - behind) // 2)}
    )
