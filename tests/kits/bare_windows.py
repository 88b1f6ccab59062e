"""A bare Windows machine as `bootstrap windows` meets it: a stub of each cmdlet and type that its script uses.

What it knows of Windows (who may log in, what sshd does when it starts) are public reports' words, not a real one's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from .powershell_lines import Lines
from .powershell_values import Thrown, plain

SYSTEM, ADMINISTRATORS, USERS = "S-1-5-18", "S-1-5-32-544", "S-1-5-11"
ME, OTHER, ENTRA = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002", "S-1-12-1-1-2-3-4"
SSH: Final = r"C:\ProgramData\ssh"
CONFIG: Final = rf"{SSH}\sshd_config"
CENTRAL: Final = rf"{SSH}\administrators_authorized_keys"
SSHD: Final = r"C:\Windows\System32\OpenSSH\sshd.exe"
_CONFIG: Final = (
    b"#Port 22\r\nAuthorizedKeysFile .ssh/authorized_keys\r\nMatch Group administrators\r\n"
    b"       AuthorizedKeysFile __PROGRAMDATA__/ssh/administrators_authorized_keys\r\n"
)


class Sid:
    """An account's number; `translate` names it."""

    def __init__(self, machine: BareWindows, value: str) -> None:
        self.machine, self.value = machine, value

    def __str__(self) -> str:
        return self.value

    def translate(self, _type: object) -> SimpleNamespace:
        return SimpleNamespace(value=self.machine.names[self.value])


class AccessList:
    """Who may do what with a file; a new one has no owner."""

    def __init__(
        self, machine: BareWindows, rules: list[tuple[str, str]], *, protected: bool, owner: str | None
    ) -> None:
        self.machine, self.rules, self.owner = machine, rules, owner
        self.are_access_rules_protected = protected

    @property
    def sddl(self) -> str:
        entries = "".join(f"(A;;{right};;;{sid})" for sid, right in self.rules)
        return f"O:{self.owner}D:{'P' * self.are_access_rules_protected}{entries}"

    def get_access_rules(self, _explicit: bool, _inherited: bool, _type: object) -> list[SimpleNamespace]:
        return [
            SimpleNamespace(
                identity_reference=Sid(self.machine, sid), access_control_type="Allow", file_system_rights=right
            )
            for sid, right in self.rules
        ]

    def get_owner(self, _type: object) -> Sid:
        assert self.owner is not None
        return Sid(self.machine, self.owner)

    def set_security_descriptor_sddl_form(self, sddl: str, section: str) -> None:
        assert section == "Access"
        assert sddl.startswith("D:P")
        self.are_access_rules_protected = True
        self.rules = [(sid, "FullControl") for sid in re.findall(r"\(A;;FA;;;([^)]+)\)", sddl)]


class Member:
    """One of a group, as ADSI gives it; one that is no more (`sid` None) cannot be read."""

    def __init__(self, sid: str | None) -> None:
        self.sid = sid

    def get_type(self) -> Member:
        return self

    def invoke_member(self, name: str, *_how: object) -> str:
        assert name == "objectSid"
        if self.sid is None:
            raise Thrown("Exception calling InvokeMember: no mapping")
        return self.sid


@dataclass
class BareWindows:
    """A machine; `changes` are what was done to it, `said` what the console showed."""

    version: tuple[int, int] = (9, 5)
    group: str = "Administrators"
    me: str = ME
    desktop: str = ME
    elevated: bool = True
    members: tuple[str | None, ...] = (ME,)
    profiles: tuple[str, ...] = (ME, OTHER)
    sshd: str | None = None
    start_type: str = "Manual"
    stays_up: bool = True
    names: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    lists: dict[str, AccessList] = field(default_factory=dict)
    rule: SimpleNamespace | None = None
    changes: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        users = {ME: r"PC\me", OTHER: r"PC\other", ENTRA: r"AzureAD\someone"}
        self.names = {**users, ADMINISTRATORS: rf"BUILTIN\{self.group}", SYSTEM: "SYSTEM", USERS: "USERS"}
        self.files.update({SSHD: b"", SSH: b"", rf"{SSH}\logs": b""})
        for folder in (SSH, rf"{SSH}\logs"):
            rules = [(SYSTEM, "FA"), (ADMINISTRATORS, "FA")]
            self.lists.setdefault(folder, AccessList(self, rules, protected=True, owner=ADMINISTRATORS))

    def run(self, script: str) -> list[str]:
        """Run the script; return what is new in `changes`. Raises Thrown."""
        before = len(self.changes)
        lines = Lines(self._commands(), self._types(), {"COMPUTERNAME": "PC", "PROGRAMDATA": r"C:\ProgramData"})
        self.said += map(plain, lines.run(script))
        return self.changes[before:]

    def file(self, path: str) -> str:
        return self.files[path].decode()

    def let_in(self, path: str) -> list[str]:
        """Who has full control of a file, where nobody else has any."""
        found = self.lists[path]
        assert found.are_access_rules_protected
        return sorted(sid for sid, _ in found.rules)

    def _commands(self) -> dict[str, Any]:
        nothing = (
            "Set-StrictMode",
            "Start-Sleep",
            "Get-NetFirewallPortFilter",
            "Get-NetConnectionProfile",
            "Get-ChildItem",
        )
        found = {name: lambda *_: None for name in nothing}
        for name in dir(self):
            if name.startswith("do_"):
                found[name[3:].replace("_", "-")] = getattr(self, name)
        found["&"] = lambda *_: None
        return found

    def _types(self) -> dict[str, Any]:
        principal = "Security.Principal"
        identity = SimpleNamespace(user=Sid(self, self.me), name=self.names[self.me])
        accounts = {name: sid for sid, full in self.names.items() for name in (full, full.rpartition("\\")[2])}
        role = SimpleNamespace(is_in_role=lambda _: self.elevated)
        members = SimpleNamespace(psbase=SimpleNamespace(invoke=lambda _: list(map(Member, self.members))))
        return {
            f"{principal}.WindowsIdentity": SimpleNamespace(get_current=lambda: identity),
            f"{principal}.WindowsPrincipal": lambda _: role,
            f"{principal}.WindowsBuiltInRole": SimpleNamespace(administrator="Administrator"),
            f"{principal}.NTAccount": lambda name: SimpleNamespace(translate=lambda _: Sid(self, accounts[name])),
            f"{principal}.SecurityIdentifier": lambda value, _at=0: Sid(self, value),
            "Security.AccessControl.FileSecurity": lambda: AccessList(self, [], protected=False, owner=None),
            "Security.AccessControl.AccessControlSections": SimpleNamespace(access="Access"),
            "Diagnostics.Process": SimpleNamespace(get_current_process=lambda: SimpleNamespace(session_id=1)),
            "StringComparison": SimpleNamespace(ordinal="Ordinal", ordinal_ignore_case="OrdinalIgnoreCase"),
            "Text.Encoding": SimpleNamespace(
                get_encoding=lambda name: SimpleNamespace(get_string=lambda data: _decoded(data, name))
            ),
            "IO.File": self,
            "ADSI": lambda _: members,
            "Version": lambda *parts: parts,
            "version": lambda value: tuple(map(int, value.split("."))),
            "byte[]": lambda value: value if isinstance(value, str) else bytes(value),
            "char": chr,
            "string": plain,
            "string[]": list,
            "int": int,
        }

    # IO.File

    def read_all_bytes(self, path: str) -> bytes:
        return self.files[path]

    def read_all_lines(self, path: str) -> list[str]:
        return self.files[path].decode("utf-8-sig").splitlines()

    def write_all_text(self, path: str, content: str) -> None:
        self.changes.append(f"write {path}")
        self.files[path] = content.encode()
        self.lists.setdefault(path, AccessList(self, [(USERS, "Modify")], protected=False, owner=self.me))

    def write_all_lines(self, path: str, lines: list[str]) -> None:
        self.files[path] = "".join(f"{line}\r\n" for line in lines).encode()

    def set_access_control(self, path: str, acl: AccessList) -> None:
        assert acl.owner is None, "the owner would be written too"
        self.changes.append(f"lock {path}")
        self.lists[path] = AccessList(self, acl.rules, protected=True, owner=self.lists[path].owner)

    # cmdlets: called with positional and named arguments, and what was piped

    def do_Write_Host(self, positional: list[Any], _named: dict[str, Any], _piped: object) -> None:  # noqa: N802
        self.said += map(plain, positional)

    def do_Write_Warning(self, positional: list[Any], _named: dict[str, Any], _piped: object) -> None:  # noqa: N802
        self.said.append(f"WARNING: {positional[0]}")

    def do_New_Object(self, positional: list[Any], _named: dict[str, Any], _piped: object) -> Any:  # noqa: N802
        name, *values = positional
        return self._types()[name](*(values[0] if values else ()))

    def do_Get_Process(self, _positional: object, named: dict[str, Any], _piped: object) -> list[Any]:  # noqa: N802
        assert named["includeusername"]
        return [SimpleNamespace(session_id=1, user_name=self.names[self.desktop])]

    def do_Test_Path(self, _positional: object, named: dict[str, Any], _piped: object) -> bool:  # noqa: N802
        path: str = named["literalpath"]
        return path in self.files or path.rpartition("\\")[2] in self.profiles

    def do_Get_ItemProperty(self, _positional: object, named: dict[str, Any], _piped: object) -> Any:  # noqa: N802
        name = self.names[named["literalpath"].rpartition("\\")[2]].rpartition("\\")[2]
        return SimpleNamespace(profile_image_path=rf"C:\Users\{name}")

    def do_Get_Item(self, _positional: object, _named: dict[str, Any], _piped: object) -> Any:  # noqa: N802
        major, minor = self.version
        info = SimpleNamespace(file_major_part=major, file_minor_part=minor, file_version=f"{major}.{minor}.2.1")
        return SimpleNamespace(version_info=info)

    def do_Join_Path(self, positional: list[Any], _named: dict[str, Any], _piped: object) -> str:  # noqa: N802
        return "\\".join(positional)

    def do_Split_Path(self, _positional: object, named: dict[str, Any], _piped: object) -> str:  # noqa: N802
        return str(named["parent"]).rpartition("\\")[0]

    def do_New_Item(self, _positional: object, _named: dict[str, Any], _piped: object) -> str:  # noqa: N802
        return "a folder"

    def do_Sort_Object(self, _positional: object, _named: dict[str, Any], piped: list[Any]) -> list[Any]:  # noqa: N802
        return sorted(piped)

    def do_Get_Acl(self, _positional: object, named: dict[str, Any], _piped: object) -> AccessList:  # noqa: N802
        return self.lists[named["literalpath"]]

    def do_Get_WindowsCapability(self, *_: object) -> list[Any]:  # noqa: N802
        return [SimpleNamespace(name="OpenSSH.Server~~~~0.0.1.0")]

    def do_Select_Object(self, _positional: object, named: dict[str, Any], piped: list[Any]) -> list[Any]:  # noqa: N802
        return piped[: named["first"]]

    def do_Add_WindowsCapability(self, *_: object) -> Any:  # noqa: N802
        self.changes.append("install")
        self.sshd = "Stopped"
        return SimpleNamespace(restart_needed=False)

    def do_Get_Service(self, *_: object) -> Any:  # noqa: N802
        return None if self.sshd is None else SimpleNamespace(status=self.sshd, start_type=self.start_type)

    def do_Set_Service(self, _positional: object, named: dict[str, Any], _piped: object) -> None:  # noqa: N802
        self.changes.append("starts with Windows")
        self.start_type = named["startuptype"]

    def do_Start_Service(self, *_: object) -> None:  # noqa: N802
        self.changes.append("start")
        if not self.stays_up:
            raise Thrown("Failed to start service 'OpenSSH SSH Server (sshd)'.")
        self.sshd = "Running"
        self.files.setdefault(CONFIG, _CONFIG)

    def do_Get_CimInstance(self, *_: object) -> Any:  # noqa: N802
        return SimpleNamespace(path_name=f'"{SSHD}"')

    def do_Get_NetFirewallRule(self, _positional: object, _named: object, piped: list[Any] | None) -> Any:  # noqa: N802
        return None if piped == [] else self.rule

    def do_New_NetFirewallRule(self, _positional: object, named: dict[str, Any], _piped: object) -> str:  # noqa: N802
        self.changes.append("open the port")
        self.rule = SimpleNamespace(
            enabled=True, action="Allow", profile="Any", remote_address=named["remoteaddress"], name=named["name"]
        )
        return "a rule"

    def do_Get_NetFirewallAddressFilter(self, *_: object) -> Any:  # noqa: N802
        assert self.rule is not None
        return SimpleNamespace(remote_address=self.rule.remote_address)

    def do_Get_NetFirewallPortFilter(self, _positional: object, named: dict[str, Any], _piped: object) -> Any:  # noqa: N802
        return None if "protocol" in named else SimpleNamespace(local_port=22)


def _decoded(data: bytes, name: str) -> str:
    """Decode as .NET does: a byte order mark stays."""
    return data.decode({"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-16BE": "utf-16-be"}[name])
