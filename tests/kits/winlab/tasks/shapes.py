"""The published schema as tables: which element may hold what, in which order, how often.

Rewritten from the XSD on Microsoft's page "Task Scheduler Schema" and from [MS-TSCH] 2.5, type by type: `seq` is
xs:sequence, `every` is xs:all, `pick` is one place of xs:choice. Stricter than Windows, which also takes the order of
its own exports (Repetition before StartBoundary before Enabled).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Union

from . import values
from .values import Check

Type = Union["Shape", Check]


@dataclass(frozen=True)
class Particle:
    """One place in a sequence: any of these elements, so many times."""

    elements: Mapping[str, Type]
    least: int = 0
    most: int = 1


@dataclass(frozen=True)
class Shape:
    """A complex type."""

    particles: tuple[Particle, ...] = ()
    ordered: bool = True
    attributes: Mapping[str, Check] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    text: Check | None = None
    anything: bool = False


def one(name: str, kind: Type) -> Particle:
    """A required element."""
    return Particle({name: kind}, 1)


def maybe(name: str, kind: Type) -> Particle:
    """An optional element."""
    return Particle({name: kind})


def pick(least: int, most: int, **elements: Type) -> Particle:
    """A choice, repeated."""
    return Particle(elements, least, most)


def seq(*particles: Particle, **attributes: Check) -> Shape:
    """xs:sequence."""
    return Shape(particles, attributes=attributes)


def every(*particles: Particle, **attributes: Check) -> Shape:
    """xs:all: each at most once, in any order."""
    return Shape(particles, ordered=False, attributes=attributes)


def flags(*names: str) -> Shape:
    """xs:all of empty elements (days, months)."""
    return every(*(maybe(name, values.nothing) for name in names))


_text, _bool, _duration, _filled, _id = (
    values.any_string,
    values.boolean,
    values.duration,
    values.filled,
    values.identifier,
)

_registration = every(
    *(
        maybe(n, _text)
        for n in ("URI", "SecurityDescriptor", "Source", "Author", "Version", "Description", "Documentation")
    ),
    maybe("Date", values.date_time),
)
_repetition = every(
    one("Interval", values.duration_between("PT1M", "P31D")),
    maybe("Duration", values.duration_between("PT1M")),
    maybe("StopAtDurationEnd", _bool),
)


def _trigger(*own: Particle) -> Shape:
    return seq(
        maybe("Enabled", _bool),
        maybe("StartBoundary", values.date_time),
        maybe("EndBoundary", values.date_time),
        maybe("Repetition", _repetition),
        maybe("ExecutionTimeLimit", _duration),
        *own,
        id=_id,
    )


_days = flags("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_months = flags(
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_named_value = Shape(attributes={"name": _filled}, required=frozenset({"name"}), text=_filled)
_weeks = seq(pick(0, 5, Week=values.pattern("[1-4]|Last")))
_calendar = pick(
    1,
    1,
    ScheduleByDay=every(maybe("DaysInterval", values.integer(1, 365))),
    ScheduleByWeek=every(maybe("WeeksInterval", values.integer(1, 52)), maybe("DaysOfWeek", _days)),
    ScheduleByMonth=every(
        maybe("DaysOfMonth", seq(pick(0, 32, Day=values.pattern("[1-9]|[1-2][0-9]|3[0-1]|Last")))),
        maybe("Months", _months),
    ),
    ScheduleByMonthDayOfWeek=every(maybe("Weeks", _weeks), one("DaysOfWeek", _days), maybe("Months", _months)),
)
_session_change = values.one_of(
    *("ConsoleConnect", "ConsoleDisconnect", "RemoteConnect", "RemoteDisconnect", "SessionLock", "SessionUnlock")
)
_delay = maybe("Delay", _duration)

_triggers = seq(
    pick(
        0,
        48,
        BootTrigger=_trigger(_delay),
        RegistrationTrigger=_trigger(_delay),
        IdleTrigger=_trigger(),
        TimeTrigger=_trigger(maybe("RandomDelay", _duration)),
        EventTrigger=_trigger(
            one("Subscription", _filled),
            _delay,
            maybe("PeriodOfOccurrence", _duration),
            maybe("NumberOfOccurrences", values.integer(1, 32)),
            maybe("MatchingElement", _filled),
            maybe("ValueQueries", seq(pick(1, 32, Value=_named_value))),
        ),
        LogonTrigger=_trigger(maybe("UserId", _filled), _delay),
        SessionStateChangeTrigger=_trigger(maybe("UserId", _filled), _delay, one("StateChange", _session_change)),
        CalendarTrigger=_trigger(maybe("RandomDelay", _duration), _calendar),
    )
)

_idle = every(
    maybe("Duration", values.duration_between("PT1M")),
    maybe("WaitTimeout", values.duration_between("PT1M")),
    maybe("StopOnIdleEnd", _bool),
    maybe("RestartOnIdle", _bool),
)
_settings = every(
    *(
        maybe(name, _bool)
        for name in (
            *("AllowStartOnDemand", "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "AllowHardTerminate"),
            *("StartWhenAvailable", "RunOnlyIfNetworkAvailable", "WakeToRun", "Enabled", "Hidden", "RunOnlyIfIdle"),
            *("UseUnifiedSchedulingEngine", "DisallowStartOnRemoteAppSession"),
        )
    ),
    maybe(
        "RestartOnFailure",
        every(one("Interval", values.duration_between("PT1M", "P31D")), one("Count", values.integer(1, 255))),
    ),
    maybe("MultipleInstancesPolicy", values.one_of("Parallel", "Queue", "IgnoreNew", "StopExisting")),
    maybe("NetworkProfileName", _text),
    maybe("DeleteExpiredTaskAfter", _duration),
    maybe("IdleSettings", _idle),
    maybe("NetworkSettings", every(maybe("Name", _filled), maybe("Id", values.guid))),
    maybe("ExecutionTimeLimit", _duration),
    maybe("Priority", values.integer(0, 10)),
)

_privileges = (
    "CreateToken AssignPrimaryToken LockMemory IncreaseQuota UnsolicitedInput MachineAccount Tcb Security "
    "TakeOwnership LoadDriver SystemProfile Systemtime ProfileSingleProcess IncreaseBasePriority CreatePagefile "
    "CreatePermanent Backup Restore Shutdown Debug Audit SystemEnvironment ChangeNotify RemoteShutdown Undock "
    "SyncAgent EnableDelegation ManageVolume Impersonate CreateGlobal TrustedCredManAccess Relabel "
    "IncreaseWorkingSet TimeZone CreateSymbolicLink"
)
_privilege = values.one_of(*(f"Se{name}Privilege" for name in _privileges.split()))
_principal = every(
    maybe("UserId", _filled),
    maybe("LogonType", values.one_of("S4U", "Password", "InteractiveToken", "InteractiveTokenOrPassword")),
    maybe("GroupId", _filled),
    maybe("DisplayName", _text),
    maybe("RunLevel", values.one_of("LeastPrivilege", "HighestAvailable")),
    maybe("ProcessTokenSidType", values.one_of("None", "Unrestricted")),
    maybe("RequiredPrivileges", seq(pick(1, 64, Privilege=_privilege))),
    id=_id,
)

_anything = Shape(anything=True)
_header = every(one("Name", _filled), one("Value", _text))
_email = every(
    one("Server", _filled),
    *(maybe(name, _text) for name in ("Subject", "To", "Cc", "Bcc", "ReplyTo", "From", "Body")),
    maybe("HeaderFields", seq(pick(0, 32, HeaderField=_header))),
    maybe("Attachments", seq(pick(0, 8, File=_filled))),
    id=_id,
)
_actions = seq(
    pick(
        1,
        32,
        Exec=every(
            one("Command", values.path), maybe("Arguments", _text), maybe("WorkingDirectory", values.path), id=_id
        ),
        ComHandler=every(one("ClassId", values.guid), maybe("Data", _anything), id=_id),
        SendEmail=_email,
        ShowMessage=every(one("Title", _filled), one("Body", _filled), id=_id),
    ),
    Context=_id,
)

TASK = every(
    maybe("RegistrationInfo", _registration),
    maybe("Triggers", _triggers),
    maybe("Settings", _settings),
    maybe("Data", _anything),
    maybe("Principals", seq(one("Principal", _principal))),
    one("Actions", _actions),
    version=values.version,
)
