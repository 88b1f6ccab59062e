"""What a valid task document says, as values: durations in seconds, defaults filled in as the schema gives them."""

from dataclasses import dataclass
from datetime import datetime

from . import values
from .document import Node

_DAY = 86400.0


@dataclass(frozen=True)
class Trigger:
    """One trigger. Times in seconds; `start` and `end` naive where they are local; `limit` None where it sets none."""

    kind: str
    enabled: bool = True
    start: datetime | None = None
    end: datetime | None = None
    interval: float | None = None
    duration: float | None = None
    stop_at_duration_end: bool = False
    limit: float | None = None
    delay: float = 0.0
    user: str | None = None


@dataclass(frozen=True)
class Action:
    """One action; `command` empty for those that are not Exec."""

    command: str = ""
    arguments: str = ""
    directory: str = ""


@dataclass(frozen=True)
class Settings:
    """Settings with the published defaults: they are not friendly to an agent."""

    allow_demand: bool = True
    restart_interval: float = 0.0
    restart_count: int = 0
    policy: str = "IgnoreNew"
    no_start_on_batteries: bool = True
    stop_on_batteries: bool = True
    hard_terminate: bool = True
    start_when_available: bool = False
    enabled: bool = True
    hidden: bool = False
    limit: float = 3 * _DAY
    #: So long after its last trigger's end a task is deleted, in s; None for never.
    expires: float | None = None


@dataclass(frozen=True)
class Task:
    """A task as defined. `root` is the document it came from."""

    triggers: tuple[Trigger, ...]
    actions: tuple[Action, ...]
    settings: Settings
    user: str | None
    logon_type: str | None
    run_level: str
    author: str
    description: str
    root: Node

    @property
    def interactive(self) -> bool:
        """Runs only in its user's logon session: InteractiveToken, or no logon type (no password was given)."""
        return self.logon_type in (None, "InteractiveToken")


def build(root: Node) -> Task:
    """From a document that `schema.validate` found right."""
    principal = root.child("Principals", "Principal") or Node("Principal", "", (0, 0))
    triggers, actions = root.child("Triggers"), root.child("Actions")
    return Task(
        triggers=tuple(_trigger(node) for node in triggers.children) if triggers else (),
        actions=tuple(_action(node) for node in actions.children) if actions else (),
        settings=_settings(root.child("Settings")),
        user=principal.value("UserId"),
        logon_type=principal.value("LogonType"),
        run_level=principal.value("RunLevel") or "LeastPrivilege",
        author=root.value("RegistrationInfo", "Author") or "",
        description=root.value("RegistrationInfo", "Description") or "",
        root=root,
    )


def _flag(node: Node, name: str, default: bool) -> bool:
    text = node.value(name)
    return default if text is None else values.boolean(text)


def _seconds(node: Node, *names: str) -> float | None:
    text = node.value(*names)
    return None if text is None else values.duration(text)


def _moment(node: Node, name: str) -> datetime | None:
    text = node.value(name)
    return None if text is None else values.date_time(text)


def _trigger(node: Node) -> Trigger:
    repetition = node.child("Repetition")
    return Trigger(
        kind=node.name,
        enabled=_flag(node, "Enabled", True),
        start=_moment(node, "StartBoundary"),
        end=_moment(node, "EndBoundary"),
        interval=_seconds(node, "Repetition", "Interval"),
        duration=_seconds(node, "Repetition", "Duration"),
        stop_at_duration_end=_flag(repetition, "StopAtDurationEnd", False) if repetition else False,
        limit=_seconds(node, "ExecutionTimeLimit"),
        delay=_seconds(node, "Delay") or 0.0,
        user=node.value("UserId"),
    )


def _action(node: Node) -> Action:
    if node.name != "Exec":
        return Action()
    return Action(node.value("Command") or "", node.value("Arguments") or "", node.value("WorkingDirectory") or "")


def _settings(node: Node | None) -> Settings:
    if node is None:
        return Settings()
    limit = _seconds(node, "ExecutionTimeLimit")
    return Settings(
        allow_demand=_flag(node, "AllowStartOnDemand", True),
        restart_interval=_seconds(node, "RestartOnFailure", "Interval") or 0.0,
        restart_count=int(node.value("RestartOnFailure", "Count") or 0),
        policy=node.value("MultipleInstancesPolicy") or "IgnoreNew",
        no_start_on_batteries=_flag(node, "DisallowStartIfOnBatteries", True),
        stop_on_batteries=_flag(node, "StopIfGoingOnBatteries", True),
        hard_terminate=_flag(node, "AllowHardTerminate", True),
        start_when_available=_flag(node, "StartWhenAvailable", False),
        expires=_seconds(node, "DeleteExpiredTaskAfter"),
        enabled=_flag(node, "Enabled", True),
        hidden=_flag(node, "Hidden", False),
        limit=3 * _DAY if limit is None else limit,
    )
