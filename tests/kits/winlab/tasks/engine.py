"""What the task service decides: what to start and what to stop, given a time and the state of the machine.

Starts and stops nothing itself. Rules come from [MS-TSCH], Microsoft's Task Scheduler pages and, where these are
silent, from what people report of real machines; README.md gives each its source.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from . import clock
from .definition import Task, Trigger

#: Last Run Result, as unsigned HRESULTs.
RUNNING, NEVER_RUN, TERMINATED, REFUSED, LOGOFF = 0x41301, 0x41303, 0x41306, 0x800710E0, 0x40010004

#: A missed start is made up for so long after it was noticed ("By default the service waits ten minutes"), in s.
MAKE_UP_S = 600.0


@dataclass(frozen=True)
class World:
    """The machine, now: who is logged on (None: nobody), on batteries or not, how much faster durations pass."""

    session: str | None = None
    battery: bool = False
    scale: float = 1.0


@dataclass(frozen=True)
class Launch:
    """Start this action of this instance."""

    path: str
    instance: int
    action: int


@dataclass(frozen=True)
class Stop:
    """End the processes of this instance."""

    path: str
    instance: int


Order = Launch | Stop


@dataclass
class Instance:
    """A running instance; `deadline` is when it has to be stopped, in s since 1970."""

    number: int
    action: int = 0
    deadline: float | None = None
    result_if_stopped: int | None = None
    session: bool = False


@dataclass
class Registered:
    """A task and what the service remembers of it."""

    path: str
    task: Task
    enabled: bool
    checked: float
    registered: float
    descriptor: str = ""
    last_result: int = NEVER_RUN
    last_run: float | None = None
    missed: bool = False
    attempts: int = 0
    retry: float | None = None
    queued: bool = False
    events: dict[str, float] = field(default_factory=dict)
    instances: dict[int, Instance] = field(default_factory=dict)


class Engine:
    """The tasks of one machine."""

    def __init__(self, now: float) -> None:
        self.tasks: dict[str, Registered] = {}
        self.booted = now
        self.world = World()
        self._logged_on: float | None = None
        self._numbers = 0

    # -- registering ---------------------------------------------------------------------------------------------

    def register(self, path: str, task: Task, now: float, *, keep: bool = False) -> Registered:
        """A new definition. Its old instances are forgotten (their processes live on) unless `keep`."""
        old = self.tasks.get(path.lower())
        record = Registered(path, task, task.settings.enabled, checked=now, registered=now)
        record.events = {"RegistrationTrigger": _just_after(now)}
        if keep and old:
            record.instances, record.last_result, record.last_run = old.instances, old.last_result, old.last_run
        self.tasks[path.lower()] = record
        return record

    def restore(self, record: Registered) -> None:
        """A task of before this boot. Triggers missed while the machine was off are noticed at the first tick."""
        if record.last_result == RUNNING:
            record.last_result = LOGOFF
        record.events = {"BootTrigger": _just_after(self.booted)}
        record.missed = any(
            self._due(record, t, record.checked, self.booted) for t in record.task.triggers if t.kind == clock.TIMED
        )
        record.checked = self.booted
        self.tasks[record.path.lower()] = record

    def forget(self, path: str) -> bool:
        """The task is deleted; its processes live on. False if there is none."""
        return self.tasks.pop(path.lower(), None) is not None

    # -- time passes ---------------------------------------------------------------------------------------------

    def tick(self, now: float, world: World) -> list[Order]:
        """What is due now. Call it often: a trigger due several times since the last call starts once."""
        before, self.world = self.world, world
        orders: list[Order] = []
        if world.session and not before.session:
            self._logged_on = _just_after(now)
        if before.session and not world.session:
            orders += self._logoff()
        if world.battery and not before.battery:
            orders += self._on_batteries()
        for record in list(self.tasks.values()):
            orders += self._overdue(record, now)
            orders += self._triggers(record, now)
            record.checked = max(record.checked, now)
        return orders

    def expired(self, now: float) -> list[str]:
        """The tasks to delete: each trigger's end is over for as long as they say."""
        return [
            record.path
            for record in self.tasks.values()
            if (after := record.task.settings.expires) is not None
            and all(t.end and now >= clock.moment(t.end) + after / self.world.scale for t in record.task.triggers)
        ]

    def _logoff(self) -> Iterator[Order]:
        self._logged_on = None
        for record in self.tasks.values():
            record.queued = record.queued and not record.task.interactive
            for instance in record.instances.values():
                if instance.session:
                    instance.result_if_stopped = LOGOFF
                    yield Stop(record.path, instance.number)

    def _on_batteries(self) -> Iterator[Order]:
        for record in self.tasks.values():
            if record.task.settings.stop_on_batteries:
                yield from self._stop(record)

    def _overdue(self, record: Registered, now: float) -> Iterator[Order]:
        for instance in record.instances.values():
            if instance.deadline is not None and now >= instance.deadline and instance.result_if_stopped is None:
                yield from self._stop(record, instance)

    def _event(self, record: Registered, trigger: Trigger) -> float | None:
        if trigger.kind == "LogonTrigger":
            return self._logged_on if same_user(trigger.user, self.world.session) else None
        return record.events.get(trigger.kind)

    def _due(self, record: Registered, trigger: Trigger, after: float, until: float) -> bool:
        first = clock.origin(trigger, self._event(record, trigger), self.world.scale)
        if not trigger.enabled or first is None:
            return False
        active = trigger.start is None or until >= clock.moment(trigger.start)
        return active and clock.due(trigger, first, after, until, self.world.scale)

    def _triggers(self, record: Registered, now: float) -> list[Order]:
        if not record.enabled:
            record.retry, record.missed = None, False
            return []
        fired = [t for t in record.task.triggers if self._due(record, t, record.checked, now)]
        if fired:
            record.attempts, record.retry = 0, None
            return [order for trigger in fired for order in self._start(record, now, trigger)]
        if (
            record.missed
            and record.task.settings.start_when_available
            and now >= self.booted + MAKE_UP_S / self.world.scale
        ):
            record.missed = False
            return self._start(record, now, Trigger("missed"))
        if record.retry is not None and now >= record.retry:
            record.retry = None
            return self._start(record, now, Trigger("retry"))
        return []

    # -- starting ------------------------------------------------------------------------------------------------

    def run(self, path: str, now: float) -> list[Order]:
        """A start on demand; the caller has looked whether the task is enabled and allows it."""
        return self._start(self.tasks[path.lower()], now, None)

    def _start(self, record: Registered, now: float, trigger: Trigger | None) -> list[Order]:
        settings = record.task.settings
        if record.task.interactive and not same_user(record.task.user, self.world.session):
            return self._refuse(record)
        if settings.no_start_on_batteries and self.world.battery:
            self._failed(record, now)
            return self._refuse(record)
        if record.instances and settings.policy == "IgnoreNew":
            return self._refuse(record)
        if record.instances and settings.policy == "Queue":
            record.queued = True
            return []
        stops = list(self._stop(record)) if settings.policy == "StopExisting" else []
        return [*stops, self._launch(record, now, trigger)]

    def _refuse(self, record: Registered) -> list[Order]:
        # also while an instance runs: the refused start overwrites "running" (0x41301) in Last Result
        record.last_result = REFUSED
        return []

    def _launch(self, record: Registered, now: float, trigger: Trigger | None) -> Launch:
        self._numbers += 1
        instance = Instance(
            self._numbers, deadline=self._deadline(record, trigger, now), session=record.task.interactive
        )
        record.instances[instance.number] = instance
        record.last_run, record.last_result = now, RUNNING
        return Launch(record.path, instance.number, 0)

    def _deadline(self, record: Registered, trigger: Trigger | None, now: float) -> float | None:
        """The time limit (the trigger's or the task's; none for PT0S or on demand), or a repetition's end."""
        if trigger is None:
            return None
        limit = trigger.limit if trigger.limit is not None else record.task.settings.limit
        ends = [now + limit / self.world.scale] if limit else []
        first = clock.origin(trigger, self._event(record, trigger), self.world.scale)
        if trigger.stop_at_duration_end and trigger.duration is not None and first is not None:
            ends.append(first + trigger.duration / self.world.scale)
        return min(ends, default=None)

    # -- what became of it ---------------------------------------------------------------------------------------

    def failed(self, path: str, number: int, result: int, now: float) -> list[Order]:
        """The action could not be started: this is what RestartOnFailure restarts ([MS-TSCH] 2.5.4.2)."""
        record = self.tasks.get(path.lower())
        if record and record.instances.pop(number, None):
            record.last_result = result
            self._failed(record, now)
        return []

    def _failed(self, record: Registered, now: float) -> None:
        settings = record.task.settings
        if record.attempts < settings.restart_count:
            record.attempts += 1
            record.retry = now + settings.restart_interval / self.world.scale

    def ended(self, path: str, number: int, code: int, now: float) -> list[Order]:
        """The process of an instance ended with this exit code: the next action, or a queued start, may follow."""
        record = self.tasks.get(path.lower())
        instance = record.instances.get(number) if record else None
        if record is None or instance is None:
            return []
        if instance.result_if_stopped is None and instance.action + 1 < len(record.task.actions):
            instance.action += 1
            return [Launch(record.path, number, instance.action)]
        del record.instances[number]
        record.last_result = code if instance.result_if_stopped is None else instance.result_if_stopped
        if record.queued and not record.instances:
            record.queued = False
            return self._start(record, now, Trigger("queued"))
        return []

    def end(self, path: str) -> list[Order]:
        """Stop every instance, on demand."""
        record = self.tasks[path.lower()]
        record.queued, record.retry = False, None
        return list(self._stop(record))

    def _stop(self, record: Registered, only: Instance | None = None) -> Iterator[Order]:
        for instance in [only] if only else list(record.instances.values()):
            if record.task.settings.hard_terminate:
                instance.result_if_stopped = TERMINATED
                yield Stop(record.path, instance.number)

    # -- looking -------------------------------------------------------------------------------------------------

    def next_run(self, record: Registered, trigger: Trigger, now: float) -> float | None:
        """When this trigger is due next, None if it is not or nobody can tell."""
        first = clock.origin(trigger, self._event(record, trigger), self.world.scale)
        if first is None or not (record.enabled and trigger.enabled):
            return None
        return clock.following(trigger, first, now, self.world.scale)


def _just_after(now: float) -> float:
    # what happens now is due at the next look: looks cover the time after the last one
    return math.nextafter(now, math.inf)


def same_user(wanted: str | None, session: str | None) -> bool:
    """Whether the logged-on user is the one a task or trigger names, with or without the machine's name.

    No name is any user; a SID is the machine's one user.
    """
    if session is None:
        return False
    if wanted is None or wanted.startswith("S-1-"):
        return True
    return wanted.rpartition("\\")[2].lower() == session.rpartition("\\")[2].lower()


def disabled(record: Registered, *, enabled: bool) -> None:
    """SchRpcEnableTask: running instances go on."""
    record.enabled = enabled
    record.task = replace(record.task, settings=replace(record.task.settings, enabled=enabled))
