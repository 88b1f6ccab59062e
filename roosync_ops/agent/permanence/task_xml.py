"""The text of a scheduled task, and what of it another text lacks: pure functions.

Element order and ranges: Microsoft's Task Scheduler Schema. Why each setting differs from its default: a task that is
left to them is killed after 72 hours and on batteries, and never comes back.
"""

from __future__ import annotations

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
_ON_FAILURE = """\
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
"""
_DOCUMENT = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="{namespace}">
  <RegistrationInfo>
    <Description>{description}</Description>
  </RegistrationInfo>
{triggers}\
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>HighestAvailable</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
{restart}\
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <WakeToRun>false</WakeToRun>
    <Enabled>{enabled}</Enabled>
    <Hidden>true</Hidden>
    <ExecutionTimeLimit>{limit}</ExecutionTimeLimit>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
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
#: What the scheduler may leave out of its answer, since it is what a missing element means.
_DEFAULTS = {
    "AllowStartOnDemand": "true",
    "AllowHardTerminate": "true",
    "RunOnlyIfNetworkAvailable": "false",
    "WakeToRun": "false",
    "RunOnlyIfIdle": "false",
    "StopAtDurationEnd": "false",
    "MultipleInstancesPolicy": "IgnoreNew",
}
#: The scheduler writes a user as it likes (name or SID); `Enabled` is what stop and start change; texts have a CRC.
_NOT_COMPARED = ("UserId", "Settings/Enabled", "Command", "Arguments", "WorkingDirectory")


class Program:
    r"""What a task runs, and as whom: `arguments` is one command line, `user` as `DOMAIN\name`."""

    __slots__ = ("arguments", "command", "folder", "user")

    def __init__(self, command: str, arguments: str, folder: str, user: str) -> None:
        self.command = command
        self.arguments = arguments
        self.folder = folder
        self.user = user

    @property
    def crc(self) -> str:
        """Tells two programs apart where the scheduler's answer, in an OEM code page, has lost letters."""
        text = f"{self.command}\0{self.arguments}\0{self.folder}\0{self.user}"
        return f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def permanent(program: Program, *, enabled: bool) -> str:
    """Return the task that keeps `program` running while its user is logged on, without any time limit."""
    user = escaped(program.user)
    what = "RooSync heartbeat agent of this user"
    parts = {"triggers": _KEPT_ALIVE.format(user=user), "restart": _ON_FAILURE, "limit": "PT0S"}
    return document_of(program, what, enabled=enabled, **parts)


def one_shot(program: Program) -> str:
    """Return a task without triggers that runs `program` once, on demand, in its user's session."""
    what = "RooSync: one question to the user's logon session"
    return document_of(program, what, enabled=True, triggers="", restart="", limit="PT10M")


def encoded(text: str) -> bytes:
    """Return the document as schtasks reads it: UTF-16 with a byte-order mark, CRLF."""
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le", "surrogatepass")


def is_enabled(document: str) -> bool:
    """Tell whether the scheduler's answer says that the task is enabled; a missing element means yes."""
    settings = dict(_read(document))
    return settings.get("Settings/Enabled", "true").strip().lower() == "true"


def differs(document: str, wanted: str) -> bool:
    """Tell whether the scheduler's answer is another task than `wanted`, whether it is enabled or not."""
    found: dict[str, list[str]] = {}
    for path, text in _read(document):
        found.setdefault(path, []).append(text)
    for path, text in _read(wanted):
        if path.endswith(_NOT_COMPARED):
            continue
        if text not in found.get(path, [_DEFAULTS.get(path.rpartition("/")[2], "")]):
            return True
    return False


def escaped(text: str) -> str:
    """Return `text` as XML's character data."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def document_of(program: Program, what: str, *, enabled: bool, **parts: str) -> str:
    """Return a task for `what`; `parts` are its triggers, what restarts it, and its time limit."""
    return _DOCUMENT.format(
        namespace=NAMESPACE,
        description=f"{what} ({program.crc})",
        user=escaped(program.user),
        enabled="true" if enabled else "false",
        **parts,
        command=escaped(program.command),
        arguments=escaped(program.arguments),
        folder=escaped(program.folder),
    )


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
