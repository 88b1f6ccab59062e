"""The text of a scheduled task, and what of it another text lacks: pure functions.

Element order and ranges: Microsoft's Task Scheduler Schema. Why each setting differs from its default: a task that is
left to them is killed after 72 hours and on batteries, never comes back, and runs below normal in CPU, disk and memory
(priority 7; 4 to 6 are normal). Its run level is the ordinary token's, which mounted the drive; so it is safe that its
descriptor lets its user change it, from a process that is not elevated.
"""

from __future__ import annotations

import re
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
#: Kept alive by a trigger that fires each minute for ever; a loop that runs already makes it do nothing (IgnoreNew).
_KEPT_ALIVE = """\
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{user}</UserId>
    </LogonTrigger>
    <TimeTrigger>
      <Enabled>true</Enabled>
      <StartBoundary>2020-01-01T00:00:00</StartBoundary>
      <Repetition>
        <Interval>PT1M</Interval>
        <StopAtDurationEnd>false</StopAtDurationEnd>
      </Repetition>
    </TimeTrigger>
  </Triggers>
"""
#: Starts nothing, for its time is over and is not made up for: a task whose trigger has an end is deleted after that.
_ENDS = """\
  <Triggers>
    <TimeTrigger>
      <StartBoundary>2020-01-01T00:00:00</StartBoundary>
      <EndBoundary>{until}</EndBoundary>
    </TimeTrigger>
  </Triggers>
"""
_ON_FAILURE = """\
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
"""
_EXPIRES = "    <DeleteExpiredTaskAfter>PT1M</DeleteExpiredTaskAfter>\n"
_DOCUMENT = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="{namespace}">
  <RegistrationInfo>
    <SecurityDescriptor>D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{user})</SecurityDescriptor>
    <Description>{what} ({crc})</Description>
  </RegistrationInfo>
{triggers}\
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
{restart}\
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>{missed}</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <WakeToRun>false</WakeToRun>
    <Enabled>{enabled}</Enabled>
    <Hidden>false</Hidden>
    <ExecutionTimeLimit>{limit}</ExecutionTimeLimit>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <Priority>5</Priority>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>{arguments}</Arguments>
      <WorkingDirectory>{folder}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
"""
#: What the scheduler leaves out of its answer, since it is what a missing element means; by the end of the path,
#: of the settings by name.
_DEFAULTS = {
    "Trigger/Enabled": "true",
    "Repetition/StopAtDurationEnd": "false",
    "Principal/RunLevel": "LeastPrivilege",
    "AllowStartOnDemand": "true",
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "true",
    "StopIfGoingOnBatteries": "true",
    "AllowHardTerminate": "true",
    "StartWhenAvailable": "false",
    "RunOnlyIfNetworkAvailable": "false",
    "WakeToRun": "false",
    "Hidden": "false",
    "RunOnlyIfIdle": "false",
    "ExecutionTimeLimit": "PT72H",
    "Priority": "7",
}
#: `Enabled` is what stop and start change; letters of texts may be lost, and the description's CRC tells of them.
_NOT_COMPARED = ("Settings/Enabled", "Command", "Arguments", "WorkingDirectory")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.0*)?S)?)?")
_ACE = re.compile(r"\(A;[^()]*;([^();]*)\)")
_SAME_ACE = (("0x1f01ff", "FA"), (";S-1-5-18)", ";SY)"), (";S-1-5-32-544)", ";BA)"))


#: What a task runs, and as whom: `command`, `arguments` (one command line), `folder` and `user` (a SID).
Program = dict[str, str]


def permanent(program: Program, *, enabled: bool) -> str:
    """Return the task that keeps `program` running while its user is logged on, without any time limit."""
    user = escaped(program["user"])
    what = "RooSync heartbeat agent of this user"
    parts = {"triggers": _KEPT_ALIVE.format(user=user), "restart": _ON_FAILURE}
    return document_of(program, what, enabled=enabled, limit="PT0S", **parts)


def one_shot(program: Program, until: str) -> str:
    """Return a task that runs `program` on demand, in its user's session, and goes by itself a minute after `until`."""
    what = "RooSync: one question to the user's logon session"
    parts = {"triggers": _ENDS.format(until=until), "restart": _EXPIRES, "missed": "false"}
    return document_of(program, what, enabled=True, limit="PT10M", **parts)


def encoded(text: str) -> bytes:
    """Return the document as schtasks reads it: UTF-16 with a byte-order mark, CRLF."""
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le", "surrogatepass")


def is_enabled(document: str) -> bool:
    """Return True if the scheduler's answer says that the task is enabled; a missing element means yes."""
    settings = dict(_read(document))
    return settings.get("Settings/Enabled", "true").strip().lower() == "true"


def differences(document: str, wanted: str) -> list[tuple[str, str]]:
    """Return where the scheduler's answer means another task than `wanted`, whether it is enabled or not: both texts.

    Compared are meanings: a default is there or not, durations are in seconds, a user is a SID (a name that the
    scheduler may show for it says nothing), a descriptor is who may do what.
    """
    found: dict[str, list[str]] = {}
    for path, text in _read(document):
        found.setdefault(path, []).append(text)
    return [
        (f"{path}={', '.join(found.get(path, ['-']))}", f"{path}={text}")
        for path, text in _read(wanted)
        if not path.endswith(_NOT_COMPARED) and not _means(path, text, found.get(path))
    ]


def _means(path: str, wanted: str, found: list[str] | None) -> bool:
    parent, _, name = path.rpartition("/")
    if found is None:
        kind = "Trigger" if parent.endswith("Trigger") else parent.rpartition("/")[2]
        default = _DEFAULTS.get(f"{kind}/{name}".replace("Settings/", ""), "")
        # the scheduler keeps a descriptor elsewhere and need not show it
        return name == "SecurityDescriptor" or _value(default) == _value(wanted)
    if name == "UserId":
        return any(text == wanted or not text.startswith("S-1-") for text in found)
    if name == "SecurityDescriptor":
        return any(_grants(wanted) <= _grants(text) and _trustees(text) <= _trustees(wanted) for text in found)
    return _value(wanted) in [_value(text) for text in found]


def _value(text: str) -> str:
    """Return a duration in seconds, a truth value as a word, anything else as it is."""
    duration = _DURATION.fullmatch(text)
    if duration and len(text) > 1:
        days, hours, minutes, seconds = (int(count or 0) for count in duration.groups())
        return f"{((days * 24 + hours) * 60 + minutes) * 60 + seconds} s"
    return {"0": "false", "1": "true"}.get(text, text)


def _grants(descriptor: str) -> set[str]:
    for old, new in _SAME_ACE:
        descriptor = descriptor.replace(old, new)
    return {ace.group() for ace in _ACE.finditer(descriptor)}


def _trustees(descriptor: str) -> set[str]:
    return {ace.rpartition(";")[2] for ace in _grants(descriptor)}


def escaped(text: str) -> str:
    """Return `text` as XML's character data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def document_of(program: Program, what: str, *, enabled: bool, **parts: str) -> str:
    """Return a task for `what`; `parts` are its triggers, what restarts it, and its time limit."""
    values = {
        "namespace": NAMESPACE,
        "what": what,
        "missed": "true",
        **parts,
        **{key: escaped(text) for key, text in program.items()},
    }
    # tells two tasks apart where the scheduler's answer, in an OEM code page, has lost letters
    whole = _DOCUMENT.format(**values, crc="", enabled="").encode("utf-8", "surrogatepass")
    return _DOCUMENT.format(**values, crc=f"{zlib.crc32(whole):08x}", enabled="true" if enabled else "false")


def _read(document: str) -> list[tuple[str, str]]:
    """Return every element that holds text, with its path. An answer that is no XML at all says nothing.

    Its declaration names an encoding that it no longer has; several tasks come under one `Tasks`.
    """
    from xml.etree import ElementTree as ET  # noqa: PLC0415 - the loop never comes here

    text = document.lstrip("\ufeff \r\n")
    if text.startswith("<?xml"):
        text = text.partition("?>")[2]
    try:
        root = ET.fromstring(text)  # noqa: S314 - the machine's own task scheduler wrote it
    except ET.ParseError:
        return []
    return _leaves(root[0] if root.tag.rpartition("}")[2] == "Tasks" and len(root) else root)


def _leaves(element: Element, path: str = "") -> list[tuple[str, str]]:
    found = []
    for child in element:
        name = child.tag.rpartition("}")[2]
        below = f"{path}/{name}" if path else name
        found += _leaves(child, below) if len(child) else [(below, (child.text or "").strip())]
    return found
