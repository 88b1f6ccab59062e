"""How far it is to a machine, from what was met on the way to it: its name, its addresses, what its port did."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from roosync_ops.fleet import Machine
from roosync_ops.fleet.machine import WINRM_PORTS

from . import link as links
from .link import Link
from .ssh import OpenSsh

OPEN: Final = "open"
REFUSED: Final = "refused"
SILENT: Final = "silent"
NO_ROUTE: Final = "no-route"
_SSH_PORT: Final = 22
_ANSWERS: Final = {links.REFUSED: REFUSED, links.TIMED_OUT: SILENT, links.NO_ROUTE: NO_ROUTE}


@dataclass(frozen=True)
class Reach:
    """`addresses` the name stands for, or `resolving`, why there are none; `answers` is what its port did."""

    host: str
    port: int
    addresses: tuple[str, ...] = ()
    resolving: str | None = None
    answers: str | None = None


def reach_of(machine: Machine, link: Link) -> Reach:
    """Return what the last attempt met; nothing of what it did not meet. An alias stands for what ssh says it does."""
    error = link.failed
    host, port = host_of(machine), port_of(machine)
    addresses: tuple[str, ...] = ()
    if isinstance(link, OpenSsh) and link.log.address is not None:
        host, address, port = link.log.address
        addresses = (address,)
    if error is None:
        return Reach(host, port, addresses, None, OPEN)
    resolving = error.reason if error.code == links.UNKNOWN_HOST else None
    return Reach(host, port, addresses, resolving, _ANSWERS.get(error.code, OPEN if error.met else None))


def host_of(machine: Machine) -> str:
    """Return the name or address that a machine is reached by."""
    return machine.host or machine.machine_id


def port_of(machine: Machine) -> int:
    """Return the port that a machine is reached at, as far as the inventory says."""
    default = WINRM_PORTS.get(str(machine.winrm.get("winrm_transport")), WINRM_PORTS["https"])
    return machine.port or (default if machine.transport == "winrm" else _SSH_PORT)


def known_hosts_of(machine: Machine) -> str | None:
    """Return the known_hosts file that the inventory names; None for the user's own."""
    named = machine.ssh.get("ssh_known_hosts_file")
    return str(Path(named).expanduser()) if isinstance(named, str) else None
