"""The fleet: the machines of an inventory file, in its order, and its groups."""

from __future__ import annotations

import contextlib
import io
import runpy
from typing import TYPE_CHECKING, Any

from .machine import SSH_CONNECTOR, WINRM_CONNECTOR, FleetError, Machine, plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


class Fleet:
    """Machines by machineId, and the groups they are listed under. Raises FleetError for a machine defined twice."""

    def __init__(self, machines: Iterable[Machine], groups: Mapping[str, Iterable[str]] | None = None) -> None:
        self._by_id: dict[str, Machine] = {}
        for machine in machines:
            if machine.machine_id in self._by_id:
                raise FleetError(f"{machine.machine_id}: machine_id: defined twice in the inventory")
            self._by_id[machine.machine_id] = machine
        self.groups: dict[str, tuple[str, ...]] = {name: tuple(ids) for name, ids in (groups or {}).items()}

    @property
    def machines(self) -> tuple[Machine, ...]:
        return tuple(self._by_id.values())

    def get(self, machine_id: str) -> Machine | None:
        return self._by_id.get(machine_id)

    def select(self, names: Iterable[str]) -> tuple[Machine, ...]:
        """Return the machines that `names` (machineIds or groups) stand for. Raises FleetError for an unknown one."""
        chosen: dict[str, Machine] = {}
        for name in names:
            ids = self.groups.get(name, (name.lower(),))
            for machine_id in ids:
                machine = self._by_id.get(machine_id)
                if machine is None:
                    known = ", ".join([*self._by_id, *self.groups])
                    raise FleetError(f"{name!s:.80}: no such machine or group in the inventory; it has {known}")
                chosen[machine_id] = machine
        return tuple(chosen.values())

    def __iter__(self) -> Iterator[Machine]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, machine_id: object) -> bool:
        return machine_id in self._by_id


def load_inventory(path: Path) -> Fleet:
    """Run a pyinfra inventory file and return its fleet. Raises FleetError, one sentence, for whatever is wrong.

    The file is Python and is trusted like any deploy; what it prints is dropped, since stdout is for data.
    """
    if not path.is_file():
        raise FleetError(f"{path}: no such inventory file; name one with --inventory FILE")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            names = runpy.run_path(str(path))
    except FleetError as error:
        raise FleetError(f"{path}: {error}") from None
    except SyntaxError as error:
        raise FleetError(f"{path}: line {error.lineno}: {error.msg}") from None
    except Exception as error:  # noqa: BLE001 - a user's file can raise anything
        raise FleetError(f"{path}: {type(error).__name__}: {error}") from None
    try:
        return fleet_of({name: value for name, value in names.items() if not name.startswith("_")})
    except FleetError as error:
        raise FleetError(f"{path}: {error}") from None


def fleet_of(names: Mapping[str, Any]) -> Fleet:
    """Collect a fleet from an inventory's module-level names, by pyinfra's rule for what is a group.

    A host with data defines a machine; a bare name refers to one, or defines it with every default.
    """
    machines: dict[str, Machine] = {}
    groups = {name: hosts for name, value in names.items() if (hosts := _hosts(value)) is not None}
    bare = [host for hosts in groups.values() for host in hosts if isinstance(host, str)]
    for host in (host for hosts in groups.values() for host in hosts if not isinstance(host, str)):
        machine = _machine_of(host)
        known = machines.setdefault(machine.machine_id, machine)
        if known is not machine:
            raise FleetError(f"{machine.machine_id}: machine_id: defined twice in the inventory")
        _check_name(machine, host[0])
    for host in bare:
        name, implied = plain_name(host)
        if name not in machines:
            machines[name] = Machine.of(name, dict(implied))
        _check_name(machines[name], host)
    members = {
        name: tuple(plain_name(host if isinstance(host, str) else host[0])[0] for host in hosts)
        for name, hosts in groups.items()
    }
    return Fleet(machines.values(), members)


def _check_name(machine: Machine, name: str) -> None:
    """A host is reached by the connector that its name says, wherever the name stands. Raises FleetError."""
    ours = name.startswith((SSH_CONNECTOR, WINRM_CONNECTOR))
    if name != machine.host_name and (ours or machine.system == "windows"):
        said = f"{machine.machine_id}: pyinfra would not reach {name!r} as {machine.system}"
        raise FleetError(f"{said}; write {machine.host_name!r}")


def check_groups(*groups: object) -> None:
    """Raise FleetError where two groups of an inventory define the same machine: pyinfra itself would merge them."""
    fleet_of({str(number): group for number, group in enumerate(groups)})


def _hosts(value: object) -> list[Any] | None:
    if isinstance(value, tuple) and value:
        value = value[0]
    if not isinstance(value, list) or not all(isinstance(item, (str, tuple)) for item in value):
        return None
    return value


def _machine_of(host: tuple[Any, ...]) -> Machine:
    if len(host) != 2 or not isinstance(host[1], dict):  # noqa: PLR2004 - a pair: name and data
        raise FleetError(f"{host[0] if host else host!s:.80}: a host is a name, or a pair of a name and its data")
    return Machine.of_host(host[0], host[1])
