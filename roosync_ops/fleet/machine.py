"""One machine of the fleet, as one line of `inventory.py` describes it."""

import os
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from roosync_ops.errors import USAGE, RoosyncError
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S
from roosync_ops.wire.identity import is_machine_id
from roosync_ops.wire.record import MAX_METADATA_BYTES, dump
from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS, Thresholds

#: A pyinfra host: its name and its data.
Entry = tuple[str, dict[str, Any]]

#: Under this key of a host's data lies the validated Machine, for the operations to read.
DATA_KEY = "roosync"

#: How pyinfra's inventory names a host that one of our connectors reaches.
SSH_CONNECTOR: Final = "@roosync-ssh/"
WINRM_CONNECTOR: Final = "@roosync-winrm/"
#: What the name of one of our connectors says.
_CONNECTORS: Final[dict[str, dict[str, str]]] = {
    SSH_CONNECTOR: {},
    WINRM_CONNECTOR: {"system": "windows", "transport": "winrm"},
}
#: winrm_transport to the port that is used where none is named.
WINRM_PORTS: Final = {"https": 5986, "http": 5985}
#: The fields that the connectors have keys of their own for: ssh_hostname, winrm_hostname, ...
_KEYS: Final = {"host": "hostname", "user": "user", "port": "port"}

#: Keys that say where a password is.
_NO_SECRETS: Final = ("winrm_password_file", "winrm_password_prompt")
#: What a setting from a .env of Windows or cmd.exe's `set` leaves in a path.
_ODD = re.compile(r"[ \"']$")
#: A POSIX path, a drive's path or a UNC share: a relative one would mean another folder in every shell.
_ABSOLUTE = re.compile(r"/|~/|[A-Za-z]:[\\/]|\\\\")


class FleetError(RoosyncError):
    """An inventory that cannot be used: one sentence that names the machine and the field; and what to type next."""

    code = "INVENTORY"
    exit_code = USAGE
    hint: str = "roosync-ops machines check"


class Machine(BaseModel):
    """What is known and expected of one machine. Durations in ms unless the name says otherwise.

    `host` is what ssh is asked for; what its configuration says of that name holds. `system`: a Windows machine is
    reached by OpenSSH for Windows, or by `transport="winrm"` (the extra `winrm`), and never through `sh`.
    `bootstrap_python`: where it has no Python, a rollout may install one for the user. `shared` and `local_dir` are
    paths on the machine; where they are None its agent's own defaults hold (ROOSYNC_SHARED_PATH there, and the user's
    state folder). `ssh` holds further data keys of our SSH connector, `winrm` those of the other; host, user and port
    are found in their fields, wherever they were written. `arguments` are pyinfra's own for every operation (`_sudo`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    machine_id: str
    expected: Literal["online", "offline"] = "online"
    why: str | None = None
    system: Literal["posix", "windows"] = "posix"
    transport: Literal["ssh", "winrm"] = "ssh"
    host: str | None = None
    user: str | None = None
    port: int | None = Field(default=None, ge=1, le=65_535)
    ssh: dict[str, JsonValue] = {}
    winrm: dict[str, JsonValue] = {}
    arguments: dict[str, JsonValue] = {}
    shared: str | None = None
    local_dir: str | None = None
    python: str | None = None
    bootstrap_python: bool = False
    heartbeat_interval: int = Field(default=DEFAULT_INTERVAL_MS, ge=100)
    offline_timeout: int = Field(default=DEFAULT_TIMEOUT_MS, ge=100)
    enable_auto_sync: bool = True
    share_deadline: float = Field(default=DEFAULT_DEADLINE_S, gt=0)
    permanence: Literal["auto", "systemd", "process", "task"] = "auto"
    metadata: dict[str, JsonValue] = {}

    def __str__(self) -> str:
        """As pyinfra has it in the title of an operation that it is an argument of."""
        return self.machine_id

    @model_validator(mode="before")
    @classmethod
    def _one_place_for_the_address(cls, given: Any) -> Any:
        """Take ssh_hostname and the like for what they are, in pyinfra's types: a path, a port as a text."""
        kind = given.get("transport", "ssh")
        if kind not in ("ssh", "winrm") or not isinstance(given.get(kind), dict):
            return given
        data = {
            key: os.fspath(value) if isinstance(value, os.PathLike) else value for key, value in given[kind].items()
        }
        named = {field: data.pop(f"{kind}_{key}", None) for field, key in _KEYS.items()}
        if isinstance(named["port"], str) and named["port"].isdecimal():
            named["port"] = int(named["port"])
        return {**given, kind: data, **{field: value for field, value in named.items() if value is not None}}

    @field_validator("machine_id")
    @classmethod
    def _a_machine_id(cls, value: str) -> str:
        if not is_machine_id(value):
            raise ValueError("must be the host name in lower case: 1 to 63 of a-z, 0-9 and -, and no Windows device")
        return value

    @field_validator("host", "user", "python")
    @classmethod
    def _no_option(cls, value: str | None) -> str | None:
        if value is not None and (not value.strip() or value.startswith("-") or min(value) < " "):
            raise ValueError("must not be empty, begin with a hyphen or hold a line break, a tab or the like")
        return value

    @field_validator("shared", "local_dir")
    @classmethod
    def _an_absolute_path(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        shared = info.field_name == "shared"
        if min(value, default=" ") < " ":
            raise ValueError(f'{value!r} holds a line break, a tab or the like: write r"...", or / for each \\')
        if _ABSOLUTE.match(value) is None or (shared and _ODD.search(value)):
            raise ValueError(f"must be an absolute path on the machine, not {value!r}")
        if shared and re.split(r"[\\/]", value.rstrip("\\/"))[-1] == "heartbeats":
            raise ValueError(f"{value!r} is the heartbeats folder of a shared state; name the folder it lies in")
        return value

    @field_validator("ssh", "winrm")
    @classmethod
    def _data_without_secrets(cls, value: dict[str, JsonValue], info: ValidationInfo) -> dict[str, JsonValue]:
        name = {"ssh": "SSH", "winrm": "WinRM"}[str(info.field_name)]
        for key in value:
            if not key.startswith(f"{info.field_name}_"):
                raise ValueError(f"{key!r} is no data key of our {name} connector (they begin with {info.field_name}_)")
            if "password" in key and key not in _NO_SECRETS:
                raise ValueError(f"{key!r} is a secret; an inventory holds none")
        return value

    @field_validator("metadata")
    @classmethod
    def _bounded_metadata(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if len(dump(value)) > MAX_METADATA_BYTES:
            raise ValueError(f"must be at most {MAX_METADATA_BYTES} bytes of JSON; it is uploaded with every beat")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        interval, timeout = self.heartbeat_interval, self.offline_timeout
        if interval >= timeout:
            raise ValueError(f"heartbeat_interval ({interval} ms) must be shorter than offline_timeout ({timeout} ms)")
        if self.system == "windows" and self.permanence in ("systemd", "process"):
            raise ValueError(f"permanence {self.permanence!r} is not for Windows: there it is 'auto' or 'task'")
        for field in () if self.system == "windows" else ("transport", "bootstrap_python", "permanence"):
            if getattr(self, field) in ("winrm", True, "task"):
                raise ValueError(f'{field} {getattr(self, field)!r} is for Windows: add system="windows"')
        return self

    @property
    def host_name(self) -> str:
        """What pyinfra's inventory calls this machine: the name says by which of our connectors it is reached."""
        return {"ssh": SSH_CONNECTOR, "winrm": WINRM_CONNECTOR}[self.transport] + self.machine_id

    @property
    def address(self) -> str:
        """The name or address that this machine is reached by."""
        return self.host or self.machine_id

    def ssh_file(self, key: str) -> str | None:
        """Return the path on this computer that a key of `ssh` names, None where it names none."""
        named = self.ssh.get(key)
        return os.path.expanduser(named) if isinstance(named, str) else None  # noqa: PTH111 - a word of a command line

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(self.heartbeat_interval, self.offline_timeout)

    def entry(self) -> Entry:
        """Return this machine as an ordinary pyinfra host. Host keys are strict unless `ssh` says otherwise."""
        kind = self.transport
        named = {f"{kind}_{key}": getattr(self, field) for field, key in _KEYS.items()}
        return self.host_name, {
            **({"ssh_strict_host_key_checking": "yes"} if kind == "ssh" else {}),
            **{key: value for key, value in named.items() if value is not None},
            **(self.ssh if kind == "ssh" else self.winrm),
            **self.arguments,
            DATA_KEY: self.model_dump(mode="json"),
        }

    @classmethod
    def of(cls, name: str, fields: dict[str, Any]) -> Self:
        """Validate one line of an inventory. Raises FleetError."""
        try:
            return cls(machine_id=name, **fields)
        except ValidationError as error:
            raise FleetError(_sentence(name, error)) from None
        except TypeError as error:  # machine_id given twice
            raise FleetError(f"{name!s:.80}: {error}") from None

    @classmethod
    def of_host(cls, name: str, data: Mapping[str, Any]) -> Self:
        """Validate a pyinfra host, made by machine(...) or written by hand. Raises FleetError.

        In data written by hand our fields stand beside pyinfra's own keys; what is neither is another tool's. Keys of
        pyinfra's that came to a machine(...) later, from its groups, hold where it says nothing itself.
        """
        name, fields = plain_name(name)
        made = data.get(DATA_KEY)
        known: Mapping[str, Any] = {}
        if isinstance(made, dict):
            fields = {key: value for key, value in made.items() if key != "machine_id"}
            known = cls.of(name, fields).entry()[1]
        else:
            fields |= {key: value for key, value in data.items() if key in cls.model_fields}
        for field, prefix in (("ssh", "ssh_"), ("winrm", "winrm_"), ("arguments", "_")):
            more = {key: value for key, value in data.items() if str(key).startswith(prefix) and key not in known}
            if more and isinstance(fields.get(field, {}), dict):
                fields[field] = {**more, **fields.get(field, {})}
        return cls.of(name, fields)


def plain_name(name: str) -> tuple[str, dict[str, Any]]:
    """Return the machineId that a host's name in an inventory stands for, and the fields that its connector implies."""
    for connector, fields in _CONNECTORS.items():
        if name.startswith(connector):
            return name.removeprefix(connector), dict(fields)
    return name, {}


def machine(name: str, **fields: Any) -> Entry:
    """One machine, one line: `machine("myia-po-2024", host="myia-po-2024.local", user="me")`.

    The fields are those of Machine. Raises FleetError, one sentence that names the machine and the field.
    """
    return Machine.of(name, fields).entry()


def _sentence(name: object, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{name!s:.80}: {field}: unknown field; known are {', '.join(list(Machine.model_fields)[1:])}"
    message = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return f"{name!s:.80}: {field}: {message}" if field else f"{name!s:.80}: {message}"
