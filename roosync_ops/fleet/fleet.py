"""The fleet: the machines of an inventory file, in its order, and its groups."""

import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from .machine import SSH_CONNECTOR, WINRM_CONNECTOR, FleetError, Machine, plain_name

#: The hosts of a group, as pyinfra has them, and data for each of them.
Group = tuple[list[Any], dict[str, Any]]

_LIST: Final = "roosync-ops machines list"


class Fleet:
    """Machines by machineId, each once, and the groups they are listed under."""

    def __init__(self, machines: Iterable[Machine], groups: Mapping[str, Iterable[str]] | None = None) -> None:
        self._by_id = {machine.machine_id: machine for machine in machines}
        self.groups: dict[str, tuple[str, ...]] = {name: tuple(ids) for name, ids in (groups or {}).items()}

    def get(self, machine_id: str) -> Machine | None:
        return self._by_id.get(machine_id)

    def select(self, names: Iterable[str]) -> tuple[Machine, ...]:
        """Return the machines of `names`: machineIds, groups, `all`, globs, `!` before what not. FleetError."""
        wanted, unwanted = dict[str, Machine](), set[str]()
        every = list(names)
        for name in ["all", *every] if every and all(name.startswith("!") for name in every) else every:
            ids = self._ids(name.removeprefix("!"))
            if name.startswith("!"):
                unwanted.update(ids)
            else:
                wanted |= {machine_id: self._by_id[machine_id] for machine_id in ids}
        chosen = tuple(machine for name, machine in wanted.items() if name not in unwanted)
        if every and not chosen:
            raise FleetError(f"{','.join(every)!s:.80}: no machine is left", _LIST)
        return chosen

    def _ids(self, name: str) -> Iterable[str]:
        """Return the machineIds that one name stands for, in the inventory's order. Raises FleetError for none."""
        if name in self.groups:
            if not self.groups[name]:
                raise FleetError(f"{name!s:.80}: this group of the inventory has no machine", _LIST)
            return self.groups[name]
        found = tuple(self._by_id) if name == "all" else fnmatch.filter(self._by_id, name.lower())
        if not found:
            known = [*self._by_id, *self.groups]
            close = difflib.get_close_matches(name.lower(), known, 1)
            said = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
            raise FleetError(f"{name!s:.80}: no such machine or group in the inventory; {said}", _LIST)
        return found

    def __iter__(self) -> Iterator[Machine]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, machine_id: object) -> bool:
        return machine_id in self._by_id


def fleet_of(groups: Mapping[str, Group], data: Mapping[str, dict[str, Any]] | None = None) -> Fleet:
    """Collect a fleet from the groups of an inventory; `data` is further data of groups, of `all` for every host.

    A host with data defines a machine; a bare name refers to one, or defines it with every default. As in pyinfra a
    host's own data hold before its groups', the last group's before the others', and those of `all` come last.
    """
    more = data or {}
    ids = {name: tuple(plain_name(_name_of(host))[0] for host in hosts) for name, (hosts, _) in groups.items()}
    given: dict[str, dict[str, Any]] = {machine_id: {} for members in ids.values() for machine_id in members}
    for name in ("all", *(name for name in groups if name != "all")):
        for machine_id in given if name == "all" else ids[name]:
            given[machine_id] |= groups.get(name, ([], {}))[1] | more.get(name, {})
    machines: dict[str, Machine] = {}
    hosts = [host for members, _ in groups.values() for host in members]
    for host in sorted(hosts, key=lambda host: isinstance(host, str)):  # those with data first, which names refer to
        name, own = (host, {}) if isinstance(host, str) else host
        machine_id = plain_name(name)[0]
        if machine_id not in machines:
            machines[machine_id] = Machine.of_host(name, given[machine_id] | own)
        elif not isinstance(host, str):
            raise FleetError(f"{machine_id}: machine_id: defined twice in the inventory")
    for name in map(_name_of, hosts):  # a host is reached by the connector that its name says, wherever that stands
        machine, ours = machines[plain_name(name)[0]], name.startswith((SSH_CONNECTOR, WINRM_CONNECTOR))
        if name != machine.host_name and (ours or machine.system == "windows"):
            said = f"{machine.machine_id}: pyinfra would not reach {name!r} as {machine.system}"
            raise FleetError(f"{said}; write {machine.host_name!r}")
    left_out = [name for name in machines if "all" in ids and name not in ids["all"]]
    if left_out:
        raise FleetError(f"{left_out[0]}: not in the group all, and pyinfra then knows no such machine")
    return Fleet(machines.values(), ids)


def check_groups(*groups: object) -> None:
    """Raise FleetError where two groups of an inventory define the same machine: pyinfra itself would merge them."""
    found = {f"group {number}": group_of(f"group {number}", group) for number, group in enumerate(groups, 1)}
    fleet_of({name: group for name, group in found.items() if group is not None})


def group_of(name: str, value: object) -> Group | None:
    """Return the group that a name of an inventory stands for, None where it is none. Raises FleetError.

    A tuple is a group with data, or nothing that pyinfra could read; in a list of machines everything is one.
    """
    hosts, data = value, dict[str, Any]()
    if isinstance(value, tuple):
        hosts, *more = value or (None,)
        data = more[0] if more else {}
        if not isinstance(hosts, list) or not isinstance(data, dict) or more[1:]:
            raise FleetError(
                f"{name}: a tuple is no list of machines: write {name} = [...], or _{name} for another use"
            )
    if not isinstance(hosts, list) or not any(isinstance(host, (str, tuple, list, Machine)) for host in hosts or [""]):
        return None
    for number, host in enumerate(hosts, 1):
        pair = isinstance(host, tuple) and len(host) == 2 and isinstance(host[0], str) and isinstance(host[1], dict)  # noqa: PLR2004 - name and data
        if not pair and not isinstance(host, str):
            said = host[0] if isinstance(host, tuple) and host else host
            raise FleetError(
                f"{name}: number {number}: {said!s:.80}: a host is a name, or a pair of a name and its data"
            )
    return hosts, data


def _name_of(host: Any) -> str:
    return str(host if isinstance(host, str) else host[0])
